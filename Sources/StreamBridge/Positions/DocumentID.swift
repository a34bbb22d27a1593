import Foundation
import Mongo
import Runtime

/// The `_id` of a document, byte for byte, as a document of its own: the server compares it with a collection's index.
struct DocumentID: Sendable, Hashable {
    /// `{_id: …}`
    let document: BSONDocument
    var value: BSONValue { document["_id"] ?? .null }

    init(_ value: BSONValue) { document = ["_id": value] }

    /// A copy of an element's value.
    init(_ element: BSONElement, of bytes: RawSpan) {
        document = BSONDocument {
            $0.append(element.type.rawValue)
            $0.append("_id\0")
            $0.append(contentsOf: bytes, in: element.value)
        }
    }

    /// - Parameter json: as ``canonicalJSON`` gives it.
    /// - Throws: ``ExtendedJSONError``, ``BSONError``.
    init(canonicalJSON json: String) throws {
        document = try BSONDocument(extendedJSON: "{\"_id\":\(json)}")
    }

    /// - Parameter base64: as ``base64`` gives it.
    init?(base64: String) {
        guard let data = Data(base64Encoded: base64), let document = try? BSONDocument(copying: Array(data).span.bytes),
            document.keys == ["_id"]
        else { return nil }
        self.document = document
    }

    /// `{$literal: …}`, for an expression.
    var literal: BSONDocument {
        let head = "????t_id0".utf8.count
        return BSONDocument {
            $0.append(document.bytes[4])
            $0.append("$literal\0")
            $0.append(contentsOf: document.bytes.span.bytes, in: head..<document.bytes.count - 1)
        }
    }

    /// The value alone.
    ///
    /// - Throws: ``BSONError`` for text that is not UTF-8.
    func canonicalJSON() throws(BSONError) -> String {
        String(try document.extendedJSON(.canonical).dropFirst(#"{"_id":"#.utf8.count).dropLast())
    }

    /// For what JSON cannot express: the document as BSON.
    var base64: String { Data(document.bytes).base64EncodedString() }
}
