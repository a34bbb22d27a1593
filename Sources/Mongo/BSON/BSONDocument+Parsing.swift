import CMongo

/// Text that is not the Extended JSON of a document.
package struct ExtendedJSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What libbson says about it. May quote a piece of the text.
    package let message: String

    package var description: String { "Not valid Extended JSON: \(message)" }
}

extension BSONDocument {
    /// From Extended JSON, relaxed or canonical, by libbson's parser.
    ///
    /// - Throws: ``ExtendedJSONError`` with libbson's message, or ``BSONError`` if what libbson made of it is not BSON.
    package init(extendedJSON text: String) throws {
        var text = text
        var failure = bson_error_t()
        let parsed = text.withUTF8 { utf8 in bson_new_from_json(utf8.baseAddress, utf8.count, &failure) }
        guard let parsed else {
            let message = Swift.withUnsafeBytes(of: &failure.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw ExtendedJSONError(message: message.isEmpty ? "the text is empty or not an object" : message)
        }
        defer { bson_destroy(parsed) }
        guard let data = bson_get_data(parsed) else { throw ExtendedJSONError(message: "the parser gave no document") }
        // The length is also in the document's first four bytes; libbson's own field is out of Swift's reach.
        let length = UnsafeRawPointer(data).loadUnaligned(as: Int32.self)
        try self.init(copying: UnsafeRawBufferPointer(start: data, count: Int(Int32(littleEndian: length))))
    }
}
