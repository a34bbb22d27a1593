import Mongo

@testable import Runtime

/// Bytes from hexadecimal digits; anything else in the text is skipped, so that fields can be set apart.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

/// A document around elements: the length in front, the terminator behind.
func document(_ elements: [UInt8]) -> [UInt8] {
    littleEndian(Int32(elements.count + 5)) + elements + [0]
}

/// A document with one field `v` of a type and the bytes of its value.
func document(type: UInt8, value: [UInt8]) -> [UInt8] {
    document([type, 0x76, 0] + value)
}

func littleEndian(_ value: Int32) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// Documents in documents, `depth` of them, the outermost one included.
func nested(depth: Int, type: UInt8 = 3) -> [UInt8] {
    // From the inside out would be quadratic; the lengths are known, so from the outside in: 8 bytes for each level.
    var front: [UInt8] = []
    for level in 0..<depth {
        front += littleEndian(Int32(5 + 8 * (depth - 1 - level)))
        if level < depth - 1 { front += [type, 0x30, 0] }
    }
    return front + [UInt8](repeating: 0, count: depth)
}

/// The JSON of a document.
func json(_ bytes: [UInt8], _ mode: JSONMode) throws -> String {
    var buffer = OutputBuffer(capacity: 256)
    try ExtendedJSON.writeDocument(bytes.span.bytes, mode: mode, into: &buffer)
    return text(buffer)
}

/// The error that writing a document gives, or nil.
func failure(_ bytes: [UInt8], _ mode: JSONMode = .relaxed) -> BSONError? {
    var buffer = OutputBuffer(capacity: 256)
    do {
        try ExtendedJSON.writeDocument(bytes.span.bytes, mode: mode, into: &buffer)
        return nil
    } catch {
        return error
    }
}

// `#expect` cannot look at spans and at noncopyable values, so the tests go through these.

/// What `body` reads from the element at the end of a path, or nil if there is none.
func read<Value>(_ path: BSONPath, in bytes: [UInt8], _ body: (BSONElement, RawSpan) -> Value?) throws -> Value? {
    let span = bytes.span.bytes
    guard let element = try path.find(in: span) else { return nil }
    return body(element, span)
}

func decode(_ bytes: [UInt8]) throws -> BSONDocument {
    try BSONDocument(copying: bytes.span.bytes)
}

func text(_ buffer: borrowing OutputBuffer) -> String {
    buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
}
