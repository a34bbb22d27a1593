import Runtime

/// Writes BSON as JSON, byte for byte, without decoding it into anything in between and without allocating.
///
/// `relaxed` and `canonical` are MongoDB Extended JSON v2 as its specification has them, with the specification's order
/// of keys and without white space. Keys keep their order, and a key that occurs twice is written twice. `simple` is
/// plain JSON:
///
/// | BSON | `simple` |
/// |---|---|
/// | ObjectId | string of 24 hexadecimal digits |
/// | date | string, `2012-12-24T12:15:30.501Z`, always with milliseconds; outside of the years 0001…9999 the number of milliseconds |
/// | int32, int64 | number, also beyond 2^53 |
/// | double | number with a fraction or an exponent; NaN and infinities, which JSON does not have, are `null` |
/// | decimal128 | string, `"1.50"`, also for `"NaN"` and `"Infinity"` |
/// | binary, UUIDs included | string in base64; the subtype is lost |
/// | timestamp | `{"t":seconds,"i":increment}` |
/// | regular expression | string, `"/pattern/options"` |
/// | code, symbol | string |
/// | code with scope | `{"code":"…","scope":{…}}` |
/// | DBPointer | `{"ref":"namespace","id":"hexadecimal digits"}` |
/// | MinKey, MaxKey | strings, `"MinKey"` and `"MaxKey"` |
/// | undefined | `null` |
/// | document, array, string, boolean, null | as in every JSON |
///
/// Text must be UTF-8 and is checked; a document with other bytes is an error and not a guess. When a function throws,
/// the buffer holds a part of the text: truncate it to where it was.
package enum ExtendedJSON {
    /// How many levels of documents and arrays may be nested, the outermost one included.
    ///
    /// The server lets a document have 180 levels (its parameter `maxBSONDepth` allows 250 at most), and an event wraps
    /// it in one more. The limit keeps hostile bytes from exhausting a thread's stack: each level costs about 1 KiB of
    /// it in a debug build.
    package static let maximumDepth = 256

    /// Writes the document that starts at `offset` as a JSON object.
    package static func writeDocument(
        _ bytes: RawSpan, at offset: Int = 0, mode: JSONMode, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        try writeObject(bytes, at: offset, depth: 1, mode: mode, into: &buffer)
    }

    /// Writes the document that starts at `offset` as a JSON array: its values, without their keys.
    package static func writeArray(
        _ bytes: RawSpan, at offset: Int = 0, mode: JSONMode, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        try writeList(bytes, at: offset, depth: 1, mode: mode, into: &buffer)
    }

    /// Writes an element's value alone.
    package static func writeValue(
        _ element: BSONElement, of bytes: RawSpan, mode: JSONMode, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        try write(element, of: bytes, depth: 0, mode: mode, into: &buffer)
    }

    /// Writes an element as a member of an object: key, colon, value. Braces and commas are the caller's.
    package static func writeMember(
        _ element: BSONElement, of bytes: RawSpan, mode: JSONMode, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        try writeKey(element.key, of: bytes, into: &buffer)
        try write(element, of: bytes, depth: 0, mode: mode, into: &buffer)
    }

    /// Writes a range of bytes as a JSON string, in quotes.
    package static func writeString(_ range: Range<Int>, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        buffer.append(UInt8(ascii: "\""))
        try writeEscaped(range, of: bytes, into: &buffer)
        buffer.append(UInt8(ascii: "\""))
    }

    /// Writes a Swift string as a JSON string, in quotes. Off the hot path.
    package static func writeString(_ text: String, into buffer: inout OutputBuffer) {
        let utf8 = Array(text.utf8)
        do {
            try writeString(0..<utf8.count, of: utf8.span.bytes, into: &buffer)
        } catch {
            // A Swift string is valid UTF-8, and nothing else can go wrong.
            assertionFailure("\(error)")
        }
    }

    private static func writeKey(_ range: Range<Int>, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        buffer.append(UInt8(ascii: "\""))
        _ = try writeWords(range, until: range.upperBound, of: bytes, into: &buffer)
        buffer.append("\":")
    }

    // The two container functions stay small: they are what recursion puts on the stack, once for each level.

    static func writeObject(
        _ bytes: RawSpan, at offset: Int, depth: Int, mode: JSONMode, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        guard depth <= maximumDepth else { throw BSONError(.nestedTooDeep, at: offset) }
        var cursor = try BSONCursor(document: bytes, at: offset)
        var separator = UInt8(ascii: "{")
        while let element = try cursor.next(in: bytes) {
            buffer.append(separator)
            separator = UInt8(ascii: ",")
            try writeKey(element.key, of: bytes, into: &buffer)
            try write(element, of: bytes, depth: depth, mode: mode, into: &buffer)
        }
        if separator == UInt8(ascii: "{") { buffer.append(separator) }
        buffer.append(UInt8(ascii: "}"))
    }

    private static func writeList(
        _ bytes: RawSpan, at offset: Int, depth: Int, mode: JSONMode, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        guard depth <= maximumDepth else { throw BSONError(.nestedTooDeep, at: offset) }
        var cursor = try BSONCursor(document: bytes, at: offset)
        var separator = UInt8(ascii: "[")
        while let element = try cursor.next(in: bytes) {
            buffer.append(separator)
            separator = UInt8(ascii: ",")
            try write(element, of: bytes, depth: depth, mode: mode, into: &buffer)
        }
        if separator == UInt8(ascii: "[") { buffer.append(separator) }
        buffer.append(UInt8(ascii: "]"))
    }

    private static func write(
        _ element: BSONElement, of bytes: RawSpan, depth: Int, mode: JSONMode, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        let start = element.value.lowerBound
        switch element.type {
        case .document:
            try writeObject(bytes, at: start, depth: depth + 1, mode: mode, into: &buffer)
        case .array:
            try writeList(bytes, at: start, depth: depth + 1, mode: mode, into: &buffer)
        case .javascriptWithScope:
            try writeCodeWithScope(element.value, of: bytes, depth: depth, mode: mode, into: &buffer)
        default:
            try writeScalar(element, of: bytes, mode: mode, into: &buffer)
        }
    }

    private static func writeCodeWithScope(
        _ value: Range<Int>, of bytes: RawSpan, depth: Int, mode: JSONMode, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        let parts = try CodeWithScope(value, of: bytes)
        buffer.append(mode == .simple ? "{\"code\":" : "{\"$code\":")
        try writeString(parts.code, of: bytes, into: &buffer)
        buffer.append(mode == .simple ? ",\"scope\":" : ",\"$scope\":")
        try writeObject(bytes, at: parts.scope.lowerBound, depth: depth + 1, mode: mode, into: &buffer)
        buffer.append(UInt8(ascii: "}"))
    }
}
