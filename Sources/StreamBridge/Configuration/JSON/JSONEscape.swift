import Mongo
import Runtime

/// An escape in a JSON string: a backslash and what follows it. A surrogate pair counts as one escape.
struct JSONEscape {
    /// How many bytes it takes.
    let length: Int
    /// Nil for half of a surrogate pair.
    let character: Unicode.Scalar?

    /// The escape that begins at `position`, or nil if there is none that JSON has.
    init?(at position: Int, of bytes: RawSpan) {
        guard position + 1 < bytes.byteCount, bytes.byte(at: position) == UInt8(ascii: "\\") else { return nil }
        let letter = bytes.byte(at: position + 1)
        guard letter == UInt8(ascii: "u") else {
            guard let character = Self.character(letter) else { return nil }
            length = 2
            self.character = character
            return
        }
        guard let unit = Self.codeUnit(at: position, of: bytes) else { return nil }
        if UTF16.isLeadSurrogate(unit), let low = Self.codeUnit(at: position + 6, of: bytes), UTF16.isTrailSurrogate(low) {
            length = 12
            character = Unicode.Scalar(0x10000 + (UInt32(unit & 0x3FF) << 10 | UInt32(low & 0x3FF)))
        } else {
            length = 6
            character = Unicode.Scalar(unit)
        }
    }

    private static func character(_ letter: UInt8) -> Unicode.Scalar? {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): Unicode.Scalar(letter)
        case UInt8(ascii: "b"): "\u{8}"
        case UInt8(ascii: "f"): "\u{C}"
        case UInt8(ascii: "n"): "\n"
        case UInt8(ascii: "r"): "\r"
        case UInt8(ascii: "t"): "\t"
        default: nil
        }
    }

    /// The number of `\u` and four hexadecimal digits.
    private static func codeUnit(at position: Int, of bytes: RawSpan) -> UInt16? {
        guard position + 6 <= bytes.byteCount, bytes.byte(at: position) == UInt8(ascii: "\\"),
            bytes.byte(at: position + 1) == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt16 = 0
        for index in position + 2..<position + 6 {
            let byte = bytes.byte(at: index)
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "A") + 10)
            default: return nil
            }
        }
        return unit
    }
}
