import Runtime

/// Values in the midst of a text for people.
extension ExtendedJSON {
    /// Appends a value as `simple` has it, but what is a string there without quotes and escapes: the characters of a
    /// text, the digits of an ObjectId or a decimal, a time. Documents, arrays, numbers and booleans are plain JSON.
    ///
    /// - Throws: ``BSONError``, for text that is not UTF-8 as well.
    package static func writePlainText(
        _ element: BSONElement, of bytes: RawSpan, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        let value = element.value
        let start = value.lowerBound
        switch element.type {
        case .string, .symbol, .javascript:
            try writePlain(start + 4..<value.upperBound - 1, of: bytes, into: &buffer)
        case .objectID: buffer.append(hexadecimal: BSONObjectID(of: bytes, at: start))
        case .decimal128: buffer.append(decimal: BSONDecimal128(high: bytes.uint64(at: start + 8), low: bytes.uint64(at: start)))
        case .date:
            let milliseconds = Int64(bitPattern: bytes.uint64(at: start))
            if JSONDate.simpleRange.contains(milliseconds) {
                JSONDate.write(milliseconds, alwaysWithFraction: true, into: &buffer)
            } else {
                buffer.append(decimal: milliseconds)
            }
        case .binary: buffer.append(base64: bytes, in: try binaryContent(of: value, in: bytes))
        case .regularExpression:
            // The cursor has found both terminators.
            let end = value.upperBound - 1
            guard let patternEnd = bytes.firstZero(from: start, before: end) else { throw BSONError(.missingTerminator, at: start) }
            buffer.append("/")
            try writePlain(start..<patternEnd, of: bytes, into: &buffer)
            buffer.append("/")
            try writePlain(patternEnd + 1..<end, of: bytes, into: &buffer)
        case .minKey: buffer.append("MinKey")
        case .maxKey: buffer.append("MaxKey")
        default: try writeValue(element, of: bytes, mode: .simple, into: &buffer)
        }
    }

    /// Appends text as it is, after a look whether it is UTF-8.
    private static func writePlain(_ range: Range<Int>, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        var position = range.lowerBound
        while position < range.upperBound {
            let lead = bytes.byte(at: position)
            position += lead < 0x80 ? 1 : try characterLength(lead, at: position, end: range.upperBound, of: bytes)
        }
        buffer.append(contentsOf: bytes, in: range)
    }
}
