import Runtime

/// A walk over the elements of one BSON document, which checks every length before it trusts it.
///
/// A cursor holds offsets only. The bytes are given to each call, and must be the same ones each time:
///
///     var cursor = try BSONCursor(document: bytes)
///     while let element = try cursor.next(in: bytes) { … }
///
/// It does not look inside nested documents (walk them with another cursor), nor at whether text is UTF-8.
package struct BSONCursor: Sendable {
    /// Where the next element starts.
    private var position: Int

    /// Where the document's terminating zero byte is.
    private let end: Int

    /// Starts a walk over the document that begins at `offset`. Bytes after the document are allowed.
    ///
    /// - Throws: ``BSONError`` `truncated`, `invalidLength` or `missingTerminator`, by the document's own length field
    ///   and last byte.
    package init(document bytes: RawSpan, at offset: Int = 0) throws(BSONError) {
        guard offset >= 0, offset <= bytes.byteCount, bytes.byteCount - offset >= 5 else { throw BSONError(.truncated, at: offset) }
        let length = Int(bytes.int32(at: offset))
        guard length >= 5 else { throw BSONError(.invalidLength, at: offset) }
        guard length <= bytes.byteCount - offset else { throw BSONError(.truncated, at: offset) }
        position = offset + 4
        end = offset + length - 1
        guard bytes.byte(at: end) == 0 else { throw BSONError(.missingTerminator, at: end) }
    }

    /// The next element, or nil at the end of the document.
    ///
    /// What a returned element says about itself is true: its value lies within the document, a string has room for its
    /// text and ends with a zero byte, a fixed-size value is there in full, and a nested document has the length that
    /// it claims.
    @inline(__always)
    package mutating func next(in bytes: RawSpan) throws(BSONError) -> BSONElement? {
        let start = position
        guard start < end else { return nil }
        let code = bytes.byte(at: start)
        guard let type = BSONType(rawValue: code) else {
            throw BSONError(code == 0 ? .trailingBytes : .unknownType(code), at: start)
        }
        let key = start + 1
        guard let keyEnd = bytes.firstZero(from: key, before: end) else { throw BSONError(.missingTerminator, at: key) }
        let value = keyEnd + 1
        let length = try lengthOfValue(type, at: value, in: bytes)
        guard length <= end - value else { throw BSONError(.truncated, at: value) }
        position = value + length
        return BSONElement(type: type, key: key..<keyEnd, value: value..<value + length)
    }

    /// How many bytes the value takes. A fixed size may still reach beyond the document; a length that was read never
    /// does.
    @inline(__always)
    private func lengthOfValue(_ type: BSONType, at value: Int, in bytes: RawSpan) throws(BSONError) -> Int {
        switch type {
        case .int32: return 4
        case .double, .date, .int64, .timestamp: return 8
        case .objectID: return 12
        case .decimal128: return 16
        case .boolean: return 1
        case .null, .undefined, .minKey, .maxKey: return 0
        case .string, .javascript, .symbol:
            return try lengthOfString(at: value, in: bytes)
        case .document, .array:
            return try announcedLength(at: value, in: bytes, minimum: 5)
        case .javascriptWithScope:
            // Its own length, an empty string with its length and terminator, and an empty document.
            return try announcedLength(at: value, in: bytes, minimum: 14)
        case .binary:
            guard end - value >= 5 else { throw BSONError(.truncated, at: value) }
            let length = Int(bytes.int32(at: value))
            guard length >= 0, length <= end - value - 5 else { throw BSONError(.invalidLength, at: value) }
            return length + 5
        case .dbPointer:
            return try lengthOfString(at: value, in: bytes) + 12
        case .regularExpression:
            guard let pattern = bytes.firstZero(from: value, before: end) else { throw BSONError(.missingTerminator, at: value) }
            guard let options = bytes.firstZero(from: pattern + 1, before: end) else {
                throw BSONError(.missingTerminator, at: pattern + 1)
            }
            return options + 1 - value
        }
    }

    @inline(__always)
    private func lengthOfString(at value: Int, in bytes: RawSpan) throws(BSONError) -> Int {
        guard end - value >= 5 else { throw BSONError(.truncated, at: value) }
        let length = Int(bytes.int32(at: value))
        guard length >= 1, length <= end - value - 4 else { throw BSONError(.invalidLength, at: value) }
        guard bytes.byte(at: value + 3 + length) == 0 else { throw BSONError(.missingTerminator, at: value + 3 + length) }
        return length + 4
    }

    @inline(__always)
    private func announcedLength(at value: Int, in bytes: RawSpan, minimum: Int) throws(BSONError) -> Int {
        guard end - value >= minimum else { throw BSONError(.truncated, at: value) }
        let length = Int(bytes.int32(at: value))
        guard length >= minimum, length <= end - value else { throw BSONError(.invalidLength, at: value) }
        return length
    }
}
