import Foundation

/// Passwords as people and generators make them, and what is left of them in a text.
enum SecretText {
    /// Letters that no sentence of the program has four of in a row, all punctuation of ASCII, and some of what is
    /// beyond.
    private static let characters = Array("QZXJqzxj") + Array("0123456789") + punctuation + punctuation + Array(" é日\u{301}€")
    private static let punctuation = Array(##"!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"##)

    static func password(using random: inout ConfigurationText.Random) -> String {
        String((0..<Int.random(in: 8...20, using: &random)).map { _ in characters[Int.random(in: 0..<characters.count, using: &random)] })
    }

    static func percentEncoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }

    /// Four characters in a row of a secret, as it is or percent-encoded, that a text has; nil when there are none.
    /// Four hexadecimal digits say nothing: ports, times and ids have them by chance, such as the 2540 of `%2540`.
    static func leak(of secret: String, in text: String) -> String? {
        for form in [secret, percentEncoded(secret)] {
            let scalars = Array(form.unicodeScalars)
            for start in 0...max(0, scalars.count - 4) where scalars.count >= 4 {
                var part = ""
                part.unicodeScalars.append(contentsOf: scalars[start..<start + 4])
                if part.allSatisfy(\.isHexDigit) { continue }
                if text.utf8.count >= part.utf8.count, text.range(of: part, options: .literal) != nil { return part }
            }
        }
        return nil
    }
}
