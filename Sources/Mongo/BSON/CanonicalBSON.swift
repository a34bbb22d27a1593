import Runtime

/// Writes BSON in the one form that stands for all that MongoDB's indexes take for equal: numbers as
/// ``CanonicalNumber`` says, symbols as strings, in documents and arrays as outside of them. Everything else is as it
/// is: the server compares it by its bytes.
///
/// It holds for collections with the simple collation, where texts are equal if their bytes are.
package enum CanonicalBSON {
    /// Appends an element: type, key, value. Text is not looked at.
    package static func write(_ element: BSONElement, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        try write(element, of: bytes, depth: 1, into: &buffer)
    }

    /// Appends an element without its key: type, value.
    package static func writeValue(_ element: BSONElement, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        buffer.append(type(of: element, in: bytes).rawValue)
        try writeValue(element, of: bytes, depth: 1, into: &buffer)
    }

    private static func write(
        _ element: BSONElement, of bytes: RawSpan, depth: Int, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        buffer.append(type(of: element, in: bytes).rawValue)
        buffer.append(contentsOf: bytes, in: element.key.lowerBound..<element.key.upperBound + 1)
        try writeValue(element, of: bytes, depth: depth, into: &buffer)
    }

    private static func type(of element: BSONElement, in bytes: RawSpan) -> BSONType {
        if let number = element.canonicalNumber(in: bytes) { return number.value.type }
        return element.type == .symbol ? .string : element.type
    }

    private static func writeValue(
        _ element: BSONElement, of bytes: RawSpan, depth: Int, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        if let number = element.canonicalNumber(in: bytes) {
            switch number {
            case .int32(let value): buffer.append(int32: value)
            case .int64(let value): buffer.append(uint64: UInt64(bitPattern: value))
            case .double(let value): buffer.append(uint64: value.bitPattern)
            case .decimal(let value):
                buffer.append(uint64: value.low)
                buffer.append(uint64: value.high)
            }
            return
        }
        switch element.type {
        case .document, .array:
            try writeDocument(element.value, of: bytes, depth: depth, into: &buffer)
        case .javascriptWithScope:
            let parts = try CodeWithScope(element.value, of: bytes)
            let start = buffer.count
            buffer.append(contentsOf: bytes, in: element.value.lowerBound..<parts.scope.lowerBound)
            try writeDocument(parts.scope, of: bytes, depth: depth, into: &buffer)
            buffer.setLength(at: start)
        default: buffer.append(contentsOf: bytes, in: element.value)
        }
    }

    private static func writeDocument(
        _ range: Range<Int>, of bytes: RawSpan, depth: Int, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        guard depth <= ExtendedJSON.maximumDepth else { throw BSONError(.nestedTooDeep, at: range.lowerBound) }
        let start = buffer.count
        buffer.append(int32: 0)
        var cursor = try BSONCursor(document: bytes, at: range.lowerBound)
        while let element = try cursor.next(in: bytes) { try write(element, of: bytes, depth: depth + 1, into: &buffer) }
        buffer.append(0 as UInt8)
        buffer.setLength(at: start)
    }
}
