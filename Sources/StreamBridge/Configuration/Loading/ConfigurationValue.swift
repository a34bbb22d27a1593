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
        /// A fault about it was already reported: readers of the value report nothing more.
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

    /// What it is, in the words of a fault. Where a list or a mapping belongs, a text is not quoted: it may be a secret
    /// whose key is missing.
    var kind: String {
        switch content {
        case .scalar(let scalar): scalar.isNull ? "nothing" : "a single value"
        case .list: "a list"
        case .mapping: "a mapping"
        case .broken: "a broken value"
        }
    }
}
