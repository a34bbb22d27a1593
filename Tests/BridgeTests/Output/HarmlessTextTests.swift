import Foundation
import Testing

@testable import StreamBridge

@Suite struct HarmlessTextTests {
    /// Every character that a terminal obeys, or that hides what follows.
    static let harmful: [Unicode.Scalar] =
        (Array(0x00...0x1F) + Array(0x7F...0x9F) + [0x061C, 0x200B, 0x200E, 0x200F] + Array(0x2028...0x202E) + Array(0x2066...0x2069)
        + [0xFEFF, 0xE0041]).compactMap { Unicode.Scalar(UInt32($0)) }

    @Test(arguments: harmful)
    func whatATerminalObeysIsEscapedAsInJSON(_ scalar: Unicode.Scalar) throws {
        let text = "a\(String(scalar))b"
        let line = text.harmlessLine
        #expect(!line.unicodeScalars.contains { Self.harmful.contains($0) }, "\(line)")
        // As the inside of a JSON string it means what it was.
        let read = try JSONDecoder().decode([String].self, from: Data("[\"\(line)\"]".utf8))
        #expect(Array(read[0].unicodeScalars) == Array(text.unicodeScalars))
        if scalar == "\n" || scalar == "\t" { #expect(text.harmless == text) } else { #expect(text.harmless == line) }
    }

    @Test func escapesAreFourDigits() {
        #expect("\u{1b}]52;c;x\u{07}".harmlessLine == #"\u001b]52;c;x\u0007"#)
        #expect("\u{9b}2J".harmlessLine == #"\u009b2J"#)
        #expect("a\r\nb".harmlessLine == #"a\r\nb"#)
        #expect("\u{E0041}".harmlessLine == #"\udb40\udc41"#)
    }

    @Test(arguments: ["", "plain", "ü 日本 🍎 👩‍👩‍👧", "\u{0301}", "שלום", "a\\nb", "no\u{00A0}break", "زن‌ها"])
    func whatPeopleWriteStays(_ text: String) {
        #expect(text.harmless == text)
        #expect(text.harmlessLine == text)
    }
}
