/// Bytes as text: hexadecimal and base64.
extension OutputBuffer {
    /// Appends two lower-case hexadecimal digits.
    package mutating func append(hexadecimal byte: UInt8) {
        append(word: Self.hexadecimalDigits(UInt32(byte) << 24), length: 2)
    }

    /// Appends two upper-case hexadecimal digits for each byte, as the server writes tokens.
    package mutating func append(hexadecimalOf bytes: RawSpan, in range: Range<Int>) {
        func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10 }
        for index in range {
            let byte = bytes.byte(at: index)
            append(digit(byte >> 4))
            append(digit(byte & 15))
        }
    }

    /// Appends eight lower-case hexadecimal digits, of the top bits first.
    @inline(__always)
    package mutating func appendHexadecimal(_ value: UInt32) {
        append(word: Self.hexadecimalDigits(value), length: 8)
    }

    /// The eight digits of a number, that of the top bits in the lowest byte: all eight at once, by spreading the
    /// nibbles over a word.
    @inline(__always)
    private static func hexadecimalDigits(_ value: UInt32) -> UInt64 {
        var nibbles = UInt64(value.byteSwapped)
        nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
        // Each byte now has a lane of two: its high nibble goes to the lower (earlier) place, its low nibble to the
        // higher one.
        nibbles = (nibbles >> 4 | nibbles << 8) & 0x0F0F_0F0F_0F0F_0F0F
        // Adding 6 carries into bit 4 exactly for 10…15, which then get the distance from "9" + 1 to "a".
        let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 39
    }

    /// Appends bytes in base64 (RFC 4648 section 4, with padding).
    package mutating func append(base64 bytes: RawSpan, in range: Range<Int>) {
        let source = bytes.extracting(range)
        let digits = UnsafeRawPointer(Self.base64Digits.utf8Start)
        let whole = source.byteCount / 3
        let rest = source.byteCount - whole * 3
        append(length: (whole + (rest > 0 ? 1 : 0)) * 4) { text in
            func store(_ bits: UInt32, at place: Int) {
                var word: UInt32 = 0
                for digit in 0..<4 as Range<UInt32> {
                    let index = Int(bits >> (18 - 6 * digit) & 0x3F)
                    word |= UInt32(digits.load(fromByteOffset: index, as: UInt8.self)) << (8 * digit)
                }
                text.storeBytes(of: word.littleEndian, toByteOffset: place * 4, as: UInt32.self)
            }
            source.withUnsafeBytes { source in
                for group in 0..<whole {
                    let start = group * 3
                    store(UInt32(source[start]) << 16 | UInt32(source[start + 1]) << 8 | UInt32(source[start + 2]), at: group)
                }
                guard rest > 0 else { return }
                let first = UInt32(source[whole * 3]) << 16
                let second = rest == 2 ? UInt32(source[whole * 3 + 1]) << 8 : 0
                store(first | second, at: whole)
                text[whole * 4 + 3] = UInt8(ascii: "=")
                if rest == 1 { text[whole * 4 + 2] = UInt8(ascii: "=") }
            }
        }
    }

    private static var base64Digits: StaticString {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    }
}
