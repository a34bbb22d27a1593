extension String {
    /// The text with line breaks and other control characters shown as spaces, so that it stays on one line.
    var singleLine: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.breaksLine ? " " : $0 }))
    }

    /// At most 60 characters of the text, on one line. Counts Unicode scalars, because a single character may be of any size.
    var shortened: String {
        unicodeScalars.count > 60 ? "\(String(unicodeScalars.prefix(57)).singleLine)..." : singleLine
    }

    /// The text between backquotes, shortened when it is long.
    var quoted: String {
        let shown = count > 60 ? "\(prefix(57))..." : self
        return "`\(shown.singleLine)`"
    }
}

extension Unicode.Scalar {
    fileprivate var breaksLine: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
