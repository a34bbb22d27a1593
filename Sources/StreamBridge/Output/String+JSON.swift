extension String {
    /// The text as a JSON string with its quotes. What YAML does not allow unescaped is escaped as well, so it is also
    /// a double-quoted YAML scalar.
    var jsonQuoted: String {
        var text = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            // YAML has no escape of two halves for what lies beyond.
            case "\u{FFFE}", "\u{FFFF}": text += scalar.jsonEscape
            case _ where scalar.isUnprintable && scalar.value <= 0xFFFF: text += scalar.jsonEscape
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
