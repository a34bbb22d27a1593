extension String {
    /// The text on one line: line breaks and tabs are spaces, and nothing in it commands a terminal.
    var singleLine: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.isUnprintable && $0.properties.isWhitespace ? " " : $0 })).harmlessLine
    }

    /// At most 60 characters of the text, on one line. Counts Unicode scalars, because a single character may be of any
    /// size.
    var shortened: String {
        unicodeScalars.count > 60 ? "\(String(unicodeScalars.prefix(57)).singleLine)..." : singleLine
    }

    /// The text between backquotes, shortened when it is long.
    var quoted: String {
        let shown = count > 60 ? "\(prefix(57))..." : self
        return "`\(shown.singleLine)`"
    }
}
