/// A scalar, with what is needed to tell `5` from `"5"`.
struct ConfigurationScalar: Sendable {
    /// The text after interpolation.
    var text: String
    /// The text as it stands in the file.
    var written: String
    /// Between quotes, in a block, or tagged `!!str`: a text whatever it looks like.
    var isText: Bool
    /// Whether any part of it came from `${…}`.
    var isInterpolated: Bool

    /// A scalar without quotes.
    init(plain text: String) {
        self.init(text: text, written: text, isText: false, isInterpolated: false)
    }

    init(text: String, written: String, isText: Bool, isInterpolated: Bool) {
        self.text = text
        self.written = written
        self.isText = isText
        self.isInterpolated = isInterpolated
    }

    /// `null`, `~` or nothing at all.
    var isNull: Bool { !isText && !isInterpolated && ["", "~", "null", "Null", "NULL"].contains(text) }

    /// How a fault quotes it: as written, so that what `${…}` brought in stays hidden, and without the password of a
    /// URI.
    var shown: String {
        if isText, text.isEmpty { return "an empty text" }
        return (written.contains("@") ? ConnectionURI.redacted(written) : written).quoted
    }
}
