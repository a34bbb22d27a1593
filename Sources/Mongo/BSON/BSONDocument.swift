import Runtime

/// A BSON document that owns its bytes: for commands, replies, positions and configuration, off the hot path.
///
///     let command: BSONDocument = ["aggregate": "inventory", "pipeline": [["$changeStream": [:]]], "cursor": [:]]
///     let id = reply["cursor"]?.documentValue?["id"]?.int64Value
///
/// The bytes of the outermost level are checked when a document is made from foreign bytes; nested ones when they are
/// decoded. Two documents are equal if their bytes are: the order of the keys counts.
package struct BSONDocument: Sendable, Hashable {
    /// The document in full, length field and terminator included.
    package private(set) var bytes: [UInt8]

    /// The empty document.
    package init() {
        bytes = [5, 0, 0, 0, 0]
    }

    /// From the bytes of one document, and nothing after it.
    ///
    /// - Throws: ``BSONError`` if the document or one of its elements is malformed.
    package init(copying source: RawSpan) throws(BSONError) {
        try self.init(copying: source, in: 0..<source.byteCount)
    }

    /// From the bytes of one document, and nothing after it.
    ///
    /// - Throws: ``BSONError`` if the document or one of its elements is malformed.
    package init(copying source: UnsafeRawBufferPointer) throws(BSONError) {
        try self.init(copying: RawSpan(_unsafeBytes: source), in: 0..<source.count)
    }

    /// From a document inside other bytes. The offset of an error counts from the start of those.
    package init(copying source: RawSpan, in range: Range<Int>) throws(BSONError) {
        var cursor = try BSONCursor(document: source, at: range.lowerBound)
        let length = Int(source.int32(at: range.lowerBound))
        guard length <= range.count else { throw BSONError(.truncated, at: range.lowerBound) }
        guard length == range.count else { throw BSONError(.trailingBytes, at: range.lowerBound + length) }
        while try cursor.next(in: source) != nil {}
        bytes = source.copy(range)
    }

    /// The bytes, for the time of the call.
    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let span = bytes.span.bytes
        return try span.withUnsafeBytes(body)
    }

    package var isEmpty: Bool { bytes.count <= 5 }
}

/// Reading.
extension BSONDocument {
    /// The value of the first field with this name, or nil if there is none or if it cannot be decoded; ``value(of:)``
    /// tells the two apart.
    package subscript(key: String) -> BSONValue? {
        (try? value(of: key)) ?? nil
    }

    /// The value of the first field with this name, or nil if there is none.
    ///
    /// - Throws: ``BSONError`` if the value is malformed inside.
    package func value(of key: String) throws(BSONError) -> BSONValue? {
        let span = bytes.span.bytes
        guard let element = try element(key) else { return nil }
        return try BSONValue(element, of: span)
    }

    /// Names of the fields, in their order.
    package var keys: [String] {
        elements { element, span in element.keyText(in: span) }
    }

    /// All fields, in their order.
    ///
    /// - Throws: ``BSONError`` if a value is malformed inside.
    package func fields() throws(BSONError) -> [(key: String, value: BSONValue)] {
        let span = bytes.span.bytes
        var fields: [(key: String, value: BSONValue)] = []
        var cursor = try BSONCursor(document: span)
        while let element = try cursor.next(in: span) {
            fields.append((element.keyText(in: span), try BSONValue(element, of: span)))
        }
        return fields
    }

    /// The document as JSON.
    ///
    /// - Throws: ``BSONError`` if a value is malformed inside, or text is not UTF-8.
    package func extendedJSON(_ mode: JSONMode = .relaxed) throws(BSONError) -> String {
        var buffer = OutputBuffer(capacity: bytes.count * 2)
        try ExtendedJSON.writeDocument(bytes.span.bytes, mode: mode, into: &buffer)
        return buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    private func element(_ key: String) throws(BSONError) -> BSONElement? {
        let span = bytes.span.bytes
        let name = Array(key.utf8)
        var cursor = try BSONCursor(document: span)
        while let element = try cursor.next(in: span) {
            if span.equals(element.key, name.span.bytes) { return element }
        }
        return nil
    }

    private func elements<Result>(_ transform: (BSONElement, RawSpan) -> Result) -> [Result] {
        let span = bytes.span.bytes
        var results: [Result] = []
        // Every way to make a document has walked its outermost level, so this walk does not fail.
        guard var cursor = try? BSONCursor(document: span) else { return [] }
        while let element = try? cursor.next(in: span) { results.append(transform(element, span)) }
        return results
    }
}

/// Building.
extension BSONDocument: ExpressibleByDictionaryLiteral {
    /// Keeps the order of the fields.
    package init(dictionaryLiteral elements: (String, BSONValue)...) {
        self.init(fields: elements)
    }

    /// From fields in their order.
    package init(fields: some Sequence<(String, BSONValue)>) {
        var buffer = OutputBuffer(capacity: 256)
        buffer.appendDocument {
            for (key, value) in fields { $0.appendElement(key, value) }
        }
        bytes = buffer.bytes()
    }

    /// From the elements that `body` appends.
    package init(building body: (inout OutputBuffer) -> Void) {
        var buffer = OutputBuffer(capacity: 256)
        buffer.appendDocument(body)
        bytes = buffer.bytes()
    }

    /// Adds a field at the end, even if there is one of the same name.
    ///
    /// - Precondition: the key contains no U+0000, which BSON cannot express. Check names that come from outside with
    ///   ``isKey(_:)``.
    package mutating func append(_ key: String, _ value: BSONValue) {
        var buffer = OutputBuffer(capacity: bytes.count + 64)
        buffer.append(contentsOf: bytes.span.bytes, in: 0..<bytes.count - 1)
        buffer.appendElement(key, value)
        buffer.append(0 as UInt8)
        buffer.setLength(at: 0)
        bytes = buffer.bytes()
    }

    /// Gives a field a new value where it stands, or adds it at the end. Nil removes it.
    ///
    /// - Precondition: as for ``append(_:_:)``.
    package mutating func set(_ key: String, _ value: BSONValue?) {
        guard let element = (try? element(key)) ?? nil else {
            if let value { append(key, value) }
            return
        }
        var buffer = OutputBuffer(capacity: bytes.count + 64)
        buffer.append(contentsOf: bytes.span.bytes, in: 0..<element.key.lowerBound - 1)
        if let value { buffer.appendElement(key, value) }
        buffer.append(contentsOf: bytes.span.bytes, in: element.value.upperBound..<bytes.count)
        buffer.setLength(at: 0)
        bytes = buffer.bytes()
    }

    /// Whether a text can be the name of a field.
    package static func isKey(_ text: String) -> Bool {
        !text.utf8.contains(0)
    }
}

extension BSONDocument: CustomStringConvertible {
    /// The document as relaxed Extended JSON. Shows the contents: not for logs.
    package var description: String {
        do {
            return try extendedJSON(.relaxed)
        } catch {
            return error.description
        }
    }
}
