import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct DocumentIDTests {
    /// `{_id: "\xFF"}`: MongoDB stores what is not UTF-8.
    private static func odd() throws -> DocumentID {
        let bytes: [UInt8] = [16, 0, 0, 0, 0x02, 0x5F, 0x69, 0x64, 0, 2, 0, 0, 0, 0xFF, 0, 0]
        let span = bytes.span.bytes
        var cursor = try BSONCursor(document: span)
        return DocumentID(try #require(try cursor.next(in: span)), of: span)
    }

    @Test func whatIsNotUTF8IsKeptByteForByte() throws {
        let id = try Self.odd()
        #expect(throws: BSONError.self) { try id.canonicalJSON() }
        #expect(DocumentID(base64: id.base64) == id)
        let progress = SnapshotProgress(id: "s", namespace: Namespace(database: "d", collection: "c"), after: id, documents: 7)
        let document = try BSONDocument(extendedJSON: progress.json)
        #expect(SnapshotProgress(document) == progress)
        #expect(document["after"] == nil)
    }

    @Test(arguments: [BSONValue.int32(7), .int64(7), .double(.nan), .null, "text", .maxKey, ["a": [1, 2]]])
    func aLiteralHasTheSameValue(_ value: BSONValue) throws {
        #expect(DocumentID(value).literal == ["$literal": value])
        #expect(try DocumentID(canonicalJSON: DocumentID(value).canonicalJSON()) == DocumentID(value))
    }

    @Test func whatIsNoIdIsRefused() {
        #expect(DocumentID(base64: "") == nil)
        #expect(DocumentID(base64: "!") == nil)
        #expect(DocumentID(base64: "BQAAAAA=") == nil)
    }
}
