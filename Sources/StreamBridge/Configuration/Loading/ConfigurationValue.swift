/// A place in the configuration file, counted from 1.
struct ConfigurationMark: Hashable, Sendable {
    var line: Int
    var column: Int
}

/// A node of the configuration file: YAML with `${…}` already replaced.
struct ConfigurationValue: Sendable {
    /// One key of a mapping.
    struct Entry: Sendable {
        var key: String
        var keyMark: ConfigurationMark
        var value: ConfigurationValue
    }

    enum Content: Sendable {
        case scalar(ConfigurationScalar)
        case list([ConfigurationValue])
        case mapping([Entry])
        /// A fault about it was already reported: whoever reads it says nothing more.
        case broken
    }

    var content: Content
    var mark: ConfigurationMark

    var isBroken: Bool {
        if case .broken = content { true } else { false }
    }

    var isNull: Bool {
        if case .scalar(let scalar) = content { scalar.isNull } else { false }
    }

    /// What it is, in the words of a fault. Where a list or a mapping belongs, a text is not quoted: it may be a secret whose key is missing.
    var kind: String {
        switch content {
        case .scalar(let scalar): scalar.isNull ? "nothing" : "a single value"
        case .list: "a list"
        case .mapping: "a mapping"
        case .broken: "a broken value"
        }
    }
}

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

    /// How a fault quotes it: as written, so that what `${…}` brought in stays hidden, and without the password of a URI.
    var shown: String {
        if isText, text.isEmpty { return "an empty text" }
        return (written.contains("@") ? ConnectionURI.redacted(written) : written).quoted
    }
}

/// The key path of a value: `streams[0].format`.
struct ConfigurationPath: Sendable, CustomStringConvertible {
    private enum Component: Sendable {
        case key(String)
        case index(Int)
    }

    private var components: [Component] = []

    static let root = ConfigurationPath()

    func appending(key: String) -> ConfigurationPath { appending(.key(key)) }

    func appending(index: Int) -> ConfigurationPath { appending(.index(index)) }

    private func appending(_ component: Component) -> ConfigurationPath {
        var path = self
        path.components.append(component)
        return path
    }

    /// The key at its end.
    var lastKey: String {
        if case .key(let key) = components.last { key } else { "" }
    }

    /// As users read it: `streams[0].format`.
    var description: String {
        components.reduce(into: "") { text, component in
            switch component {
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            case .index(let number): text += "[\(number)]"
            }
        }
    }
}
