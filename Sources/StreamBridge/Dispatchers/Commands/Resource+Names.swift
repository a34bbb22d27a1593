import Foundation
import Mongo
import Runtime

/// How commands name resources of types that JSON does not have, and which resources are written alike.
extension Resource {
    /// Reads a value in the notation of Extended JSON: `{"$oid":"…"}`, `{"$uuid":"…"}`, `{"$binary":…}`, `{"$date":…}`,
    /// `{"$numberDecimal":"…"}` and the other kinds of numbers. Nil for anything else, a document above all: no command
    /// brings an operator.
    init?(extendedJSON text: RawSpan) {
        guard text.byteCount <= Self.longestNotation else { return nil }
        let json = text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        guard let value = (try? BSONDocument(extendedJSON: "{\"v\":\(json)}"))?["v"] else { return nil }
        switch value {
        case .int32, .int64, .double, .objectID, .date: break
        // libbson makes NaN of a text that is no number.
        case .decimal128(let decimal) where decimal.parts != .nan || json.contains("NaN"): break
        case .binary(_, let bytes) where bytes.count <= Self.longestBinary: break
        default: return nil
        }
        self.init(value)
    }

    private static let longestBinary = 512
    /// Enough for such a binary, with white space and escapes.
    private static let longestNotation = 4096

    /// Resources of other types that are written like this one: of the text "4" the number, of an ObjectId the text of
    /// its digits.
    var namesakes: [Resource] {
        let text = description
        var values: [BSONValue] = [.string(text)]
        if let id = BSONObjectID(text) { values.append(.objectID(id)) }
        if let uuid = UUID(uuidString: text) {
            values.append(.binary(subtype: Self.uuidSubtype, bytes: withUnsafeBytes(of: uuid.uuid) { Array($0) }))
        }
        let utf8 = Array(text.utf8)
        if let time = JSONDate.read(utf8.indices, of: utf8.span.bytes) { values.append(.date(milliseconds: time)) }
        if let number = Int64(text) { values += [.int64(number), .date(milliseconds: number)] }
        if let number = Double(text) { values.append(.double(number)) }
        if utf8.count <= 64, utf8.allSatisfy({ "0123456789.+-E".utf8.contains($0) }),
            let decimal = (try? BSONDocument(extendedJSON: "{\"v\":{\"$numberDecimal\":\"\(text)\"}}"))?["v"]
        {
            values.append(decimal)
        }
        if text == "true" || text == "false" { values.append(.boolean(text == "true")) }
        return values.map { Resource($0) }.filter { $0 != self && $0.description.utf8.elementsEqual(utf8) }
    }

    /// What a message calls it where its type counts: `the number 4`, `the string "4"`.
    var withType: String {
        switch value {
        case .int32, .int64, .double: "the number \(self)"
        case .decimal128: "the decimal \(self)"
        case .string(let text): "the string \(text.jsonQuoted)"
        case .objectID: "ObjectId(\"\(self)\")"
        case .binary(subtype: let subtype, _): subtype == Self.uuidSubtype ? "UUID(\"\(self)\")" : "a binary of subtype \(subtype), \(self)"
        case .date: "the date \(self)"
        case .boolean: "the boolean \(self)"
        default: "the value \(self)"
        }
    }
}
