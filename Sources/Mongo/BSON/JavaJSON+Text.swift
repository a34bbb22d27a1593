import Runtime

/// Text and doubles as Java has them.
extension JavaJSON {
    /// Appends a range of bytes as a JSON string, in quotes.
    static func writeString(_ range: Range<Int>, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        buffer.append(UInt8(ascii: "\""))
        var position = range.lowerBound
        let end = range.upperBound
        let lastWord = bytes.byteCount - 8
        while position < end {
            if position <= lastWord {
                let word = bytes.uint64(at: position)
                // A word may reach beyond the text, though never beyond the bytes: what lies there is not counted.
                let length = min(plainByteCount(word), end - position)
                buffer.append(word: word, length: length)
                position += length
                if length == 8 || position == end { continue }
            }
            position = try writeCharacter(at: position, end: end, of: bytes, into: &buffer)
        }
        buffer.append(UInt8(ascii: "\""))
    }

    /// As ``ExtendedJSON/plainByteCount(_:)``; here a DEL needs an escape, too.
    @inline(__always)
    private static func plainByteCount(_ word: UInt64) -> Int {
        let deletes = ((word ^ 0x7F7F_7F7F_7F7F_7F7F) &- 0x0101_0101_0101_0101) & 0x8080_8080_8080_8080
        return min(ExtendedJSON.plainByteCount(word), deletes.trailingZeroBitCount >> 3)
    }

    /// Appends the character at `start`, and gives the position after it.
    private static func writeCharacter(
        at start: Int, end: Int, of bytes: RawSpan, into buffer: inout OutputBuffer
    ) throws(BSONError) -> Int {
        let lead = bytes.byte(at: start)
        guard lead >= 0x80 else {
            if lead == 0x7F { buffer.append("\\u007f") } else { ExtendedJSON.writeASCII(lead, into: &buffer) }
            return start + 1
        }
        let length = try ExtendedJSON.characterLength(lead, at: start, end: end, of: bytes)
        var code = UInt32(lead) & (0x7F >> UInt32(length))
        for index in start + 1..<start + length { code = code << 6 | UInt32(bytes.byte(at: index)) & 0x3F }
        if code > 0xFFFF {
            writeEscape(UInt16(0xD800 + (code - 0x1_0000) >> 10), into: &buffer)
            writeEscape(UInt16(0xDC00 + (code - 0x1_0000) & 0x3FF), into: &buffer)
        } else if isPlain(code) {
            buffer.append(contentsOf: bytes, in: start..<start + length)
        } else {
            writeEscape(UInt16(code), into: &buffer)
        }
        return start + length
    }

    private static func writeEscape(_ unit: UInt16, into buffer: inout OutputBuffer) {
        buffer.append("\\u")
        buffer.append(hexadecimal: UInt8(unit >> 8))
        buffer.append(hexadecimal: UInt8(unit & 0xFF))
    }

    /// Whether the driver writes a character as it is: letters, digits, spaces, punctuation and symbols of Unicode 13,
    /// which Java 17 knows.
    private static func isPlain(_ code: UInt32) -> Bool {
        switch code {
        // What most texts beyond ASCII are made of: Latin, Cyrillic, Chinese and Japanese, Korean.
        case 0xAD: return false
        case 0xA0..<0x2B0, 0x400..<0x483, 0x4E00..<0x9FF0, 0xAC00..<0xD7A4: return true
        default: break
        }
        guard let properties = Unicode.Scalar(code)?.properties, let age = properties.age, (age.major, age.minor) <= (13, 0) else {
            return false
        }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .spacingMark, .modifierLetter, .lineSeparator, .paragraphSeparator, .control, .format,
            .surrogate, .privateUse, .unassigned:
            return false
        default: return true
        }
    }
}

extension OutputBuffer {
    /// Appends a finite number in the layout of Java's `Double.toString`: plain from 0.001 to below ten million, else
    /// with an exponent, which the driver gives a sign. The digits are the shortest that read back as the number.
    mutating func append(inJavaLayout value: Double) {
        let magnitude = value.magnitude
        // There the other layout is the same.
        guard magnitude != 0, magnitude < 1e-3 || magnitude >= 1e7 else { return append(finite: value) }
        let start = count
        append(finite: magnitude)
        var (digits, exponent) = decimalParts(from: start)
        truncate(to: start)
        while digits > 9, digits % 10 == 0 { (digits, exponent) = (digits / 10, exponent + 1) }
        var places = 0
        var leading = digits
        while leading > 9 { (leading, places) = (leading / 10, places + 1) }
        if value < 0 { append(UInt8(ascii: "-")) }
        append(digits: leading, count: 1)
        append(UInt8(ascii: "."))
        append(digits: places == 0 ? 0 : digits, count: max(places, 1))
        append(exponent + places < 0 ? "E" : "E+")
        append(decimal: Int64(exponent + places))
    }

    /// Reads the text of a positive number back: its digits, and the power of ten that they are to be multiplied with.
    private func decimalParts(from start: Int) -> (digits: UInt64, exponent: Int) {
        withUnsafeBytes { text in
            var digits: UInt64 = 0
            var (exponent, scale, sign) = (0, 0, 1)
            var (isFraction, isExponent) = (false, false)
            for byte in text[start...] {
                switch byte {
                case UInt8(ascii: "."): isFraction = true
                case UInt8(ascii: "E"): isExponent = true
                case UInt8(ascii: "-"): sign = -1
                case UInt8(ascii: "0")...UInt8(ascii: "9"):
                    let digit = byte - UInt8(ascii: "0")
                    if isExponent {
                        exponent = exponent * 10 + Int(digit)
                    } else {
                        // At most 17 digits and a zero behind the point.
                        digits = digits &* 10 &+ UInt64(digit)
                        if isFraction { scale += 1 }
                    }
                default: continue
                }
            }
            return (digits, sign * exponent - scale)
        }
    }
}
