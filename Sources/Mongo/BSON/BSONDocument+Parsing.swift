import CMongo

/// Text that is not the Extended JSON of a document.
package struct ExtendedJSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, mostly in libbson's words, which may quote a piece of the text.
    package let message: String

    package var description: String { "Not valid Extended JSON: \(message)" }
}

extension BSONDocument {
    /// From the Extended JSON, relaxed or canonical, of one document, by libbson's parser.
    ///
    /// - Throws: ``ExtendedJSONError`` with libbson's message, or ``BSONError`` if what libbson made of it is not BSON.
    package init(extendedJSON text: String) throws {
        // libbson makes documents of arrays as well.
        guard text.utf8.first(where: { !Self.isWhiteSpace($0) }) == UInt8(ascii: "{") else {
            throw ExtendedJSONError(message: "the text does not begin with a brace")
        }
        var text = text
        self = try text.withUTF8(Self.parse)
    }

    private static func isWhiteSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || 0x09...0x0D ~= byte
    }

    /// Reads one document and makes sure that nothing follows it: `bson_new_from_json` would ignore a second one.
    private static func parse(_ utf8: UnsafeBufferPointer<UInt8>) throws -> BSONDocument {
        let reader = bson_json_data_reader_new(true, utf8.count)
        defer { bson_json_reader_destroy(reader) }
        bson_json_data_reader_ingest(reader, utf8.baseAddress, utf8.count)
        guard let parsed = bson_new(), let rest = bson_new() else { throw ExtendedJSONError(message: "no memory") }
        defer {
            bson_destroy(parsed)
            bson_destroy(rest)
        }
        var failure = bson_error_t()
        guard bson_json_reader_read(reader, parsed, &failure) == 1 else { throw ExtendedJSONError(failure) }
        switch bson_json_reader_read(reader, rest, &failure) {
        case 0: break
        case 1: throw ExtendedJSONError(message: "another value follows the document")
        default: throw ExtendedJSONError(failure)
        }
        guard let data = bson_get_data(parsed) else { throw ExtendedJSONError(message: "the parser gave no document") }
        // The length is also in the document's first four bytes; libbson's own field is out of Swift's reach.
        let length = UnsafeRawPointer(data).loadUnaligned(as: Int32.self)
        return try BSONDocument(copying: UnsafeRawBufferPointer(start: data, count: Int(Int32(littleEndian: length))))
    }
}

extension ExtendedJSONError {
    fileprivate init(_ failure: bson_error_t) {
        let message = withUnsafeBytes(of: failure.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        self.init(message: message.isEmpty ? "the text ends too early" : message)
    }
}
