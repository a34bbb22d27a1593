import Runtime

/// Text: escaped as JSON wants it, and checked to be UTF-8, in one pass.
extension ExtendedJSON {
    /// Appends a range of bytes as the inside of a JSON string.
    ///
    /// Works on 32 bytes at a time as long as none needs attention: a quote, a backslash, a control character, or
    /// anything that is not ASCII.
    @inline(__always)
    static func writeEscaped(_ range: Range<Int>, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        var position = range.lowerBound
        let end = range.upperBound
        while end - position >= 32 {
            let chunk = bytes.unsafeLoadUnaligned(fromByteOffset: position, as: SIMD4<UInt64>.self)
            if isPlain(chunk) {
                buffer.append(chunk: chunk)
                position += 32
            } else {
                position = try writeChunk(position..<end, of: bytes, into: &buffer)
            }
        }
        _ = try writeWords(position..<end, until: end, of: bytes, into: &buffer)
    }

    /// Appends 32 bytes that need attention, and the rest of a character that begins in them; gives the position
    /// behind.
    @inline(never)
    private static func writeChunk(_ range: Range<Int>, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) -> Int {
        try writeWords(range, until: range.lowerBound + 32, of: bytes, into: &buffer)
    }

    /// The same for what is mostly short, eight bytes at a time: loads a word, finds the first byte that needs
    /// attention, and stores the word up to there. Most words of most texts have none.
    ///
    /// - Returns: the first position at `limit` or behind it that is not written.
    @inline(__always)
    static func writeWords(
        _ range: Range<Int>, until limit: Int, of bytes: RawSpan, into buffer: inout OutputBuffer
    ) throws(BSONError) -> Int {
        var position = range.lowerBound
        let end = range.upperBound
        let lastWord = bytes.byteCount - 8
        while position < limit, position <= lastWord {
            let word = bytes.uint64(at: position)
            // A word may reach beyond the text, though never beyond the bytes: what lies there is not counted.
            let length = min(plainByteCount(word), end - position)
            buffer.append(word: word, length: length)
            position += length
            if length < 8, position < end {
                position = try writeSpecial(at: position, end: end, of: bytes, into: &buffer)
            }
        }
        while position < limit {
            position = try writeSpecial(at: position, end: end, of: bytes, into: &buffer)
        }
        return position
    }

    /// Whether all bytes can be copied as they are. As ``plainByteCount(_:)``: a word has a mark exactly if one of its
    /// bytes needs attention.
    @inline(__always)
    private static func isPlain(_ words: SIMD4<UInt64>) -> Bool {
        let ones = SIMD4<UInt64>(repeating: 0x0101_0101_0101_0101)
        let control = words &- SIMD4(repeating: 0x2020_2020_2020_2020)
        let quote = (words ^ SIMD4(repeating: 0x2222_2222_2222_2222)) &- ones
        let backslash = (words ^ SIMD4(repeating: 0x5C5C_5C5C_5C5C_5C5C)) &- ones
        let marks = control | quote | backslash | words
        return (marks[0] | marks[1] | marks[2] | marks[3]) & 0x8080_8080_8080_8080 == 0
    }

    /// How many bytes, from the lowest one on, can be copied as they are.
    ///
    /// The subtractions borrow into the top bit of a byte that is too small; a borrow can run on into higher bytes and
    /// mark them too, so only the lowest mark counts, which is always a true one.
    @inlinable @inline(__always)
    package static func plainByteCount(_ word: UInt64) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let control = word &- 0x2020_2020_2020_2020
        let quote = (word ^ 0x2222_2222_2222_2222) &- ones
        let backslash = (word ^ 0x5C5C_5C5C_5C5C_5C5C) &- ones
        // For a byte below 0x80 the top bit of a difference is set exactly if it borrowed; others are marked by their
        // own top bit.
        let marks = (control | quote | backslash | word) & 0x8080_8080_8080_8080
        return marks.trailingZeroBitCount >> 3
    }

    /// Appends the character at `position`, whatever it is, and any characters beyond ASCII that follow it; gives the
    /// position after them.
    @inline(never)
    private static func writeSpecial(
        at start: Int, end: Int, of bytes: RawSpan, into buffer: inout OutputBuffer
    ) throws(BSONError) -> Int {
        let first = bytes.byte(at: start)
        if first < 0x80 {
            writeASCII(first, into: &buffer)
            return start + 1
        }
        var position = start
        var lead = first
        repeat {
            let length = try characterLength(lead, at: position, end: end, of: bytes)
            var word: UInt64 = 0
            for index in 0..<length {
                word |= UInt64(bytes.byte(at: position + index)) << (8 * UInt64(index))
            }
            buffer.append(word: word, length: length)
            position += length
            guard position < end else { break }
            lead = bytes.byte(at: position)
        } while lead >= 0x80
        return position
    }

    static func writeASCII(_ byte: UInt8, into buffer: inout OutputBuffer) {
        switch byte {
        case UInt8(ascii: "\""): buffer.append("\\\"")
        case UInt8(ascii: "\\"): buffer.append("\\\\")
        case 0x08: buffer.append("\\b")
        case 0x09: buffer.append("\\t")
        case 0x0A: buffer.append("\\n")
        case 0x0C: buffer.append("\\f")
        case 0x0D: buffer.append("\\r")
        case 0..<0x20:
            buffer.append("\\u00")
            buffer.append(hexadecimal: byte)
        default: buffer.append(byte)
        }
    }

    /// The number of bytes of the UTF-8 character that `lead` begins, by table 3-7 of the Unicode standard: it is the
    /// range of the second byte that keeps out overlong forms, surrogates and what lies beyond U+10FFFF.
    @inline(__always)
    package static func characterLength(_ lead: UInt8, at position: Int, end: Int, of bytes: RawSpan) throws(BSONError) -> Int {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: throw BSONError(.invalidUTF8, at: position)
        }
        guard length <= end - position, second.contains(bytes.byte(at: position + 1)) else { throw BSONError(.invalidUTF8, at: position) }
        for index in 2..<max(length, 2) where bytes.byte(at: position + index) & 0xC0 != 0x80 {
            throw BSONError(.invalidUTF8, at: position)
        }
        return length
    }
}
