extension String {
    /// The text, in which nothing commands a terminal: controls, also those of U+0080 to U+009F, and what turns the
    /// direction of writing around are escaped as in JSON, `\u001b`. Line breaks and tabs stay.
    ///
    /// Everything that is printed passes through here. In a JSON text such characters can only be inside of strings,
    /// where the escape means the same.
    package var harmless: String { escaping { $0.isUnprintable && $0 != "\n" && $0 != "\t" } }

    /// The same on one line: for what comes from outside, so that nobody forges a line.
    package var harmlessLine: String { escaping(\.isUnprintable) }

    private func escaping(_ isEscaped: (Unicode.Scalar) -> Bool) -> String {
        guard unicodeScalars.contains(where: isEscaped) else { return self }
        return unicodeScalars.reduce(into: "") { text, scalar in
            if isEscaped(scalar) { text += scalar.jsonEscape } else { text.unicodeScalars.append(scalar) }
        }
    }
}

extension Unicode.Scalar {
    /// Whether it moves the cursor, commands the terminal, ends a line, is invisible, or makes text run the other way.
    var isUnprintable: Bool {
        switch value {
        case 0x00...0x1F, 0x7F...0x9F: true
        // Line and paragraph separators; marks, embeddings, overrides and isolates of directions.
        case 0x061C, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F: true
        // A byte order mark, annotations, tags.
        case 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE007F: true
        default: false
        }
    }

    /// As JSON writes it: `\n`, `\u001b`; beyond U+FFFF a pair.
    var jsonEscape: String {
        switch self {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default:
            String(self).utf16.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }.joined()
        }
    }
}
