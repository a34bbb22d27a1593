import Mongo
import Runtime

/// A string in a JSON text that ``JSONScanner`` has checked.
struct JSONString {
    /// What is between the quotes.
    let range: Range<Int>
    /// The size of the text, escapes replaced.
    let utf8Count: Int
    /// Whether it is text: an escape may be half of a surrogate pair, which is no character.
    let isUnicode: Bool

    // Every escape is longer than the character that it stands for.
    var hasEscapes: Bool { utf8Count != range.count }

    func text(of bytes: RawSpan) -> String {
        guard hasEscapes else {
            return bytes.extracting(range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        }
        var buffer = OutputBuffer(capacity: utf8Count)
        write(of: bytes, into: &buffer)
        return buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// Appends the text, ``utf8Count`` bytes, with U+FFFD for half of a surrogate pair.
    func write(of bytes: RawSpan, into buffer: inout OutputBuffer) {
        guard hasEscapes else { return buffer.append(contentsOf: bytes, in: range) }
        var position = range.lowerBound
        while position < range.upperBound {
            if let escape = JSONEscape(at: position, of: bytes) {
                for byte in (escape.character ?? "\u{FFFD}").utf8 { buffer.append(byte) }
                position += escape.length
            } else {
                buffer.append(bytes.byte(at: position))
                position += 1
            }
        }
    }
}
