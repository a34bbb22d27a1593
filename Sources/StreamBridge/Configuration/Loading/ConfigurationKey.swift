/// One key of `bridge.yaml`.
///
/// The list of them, ``all``, is the source of what the loader accepts, of the defaults it fills in, and of the table
/// in docs/CONFIGURATION.md.
package struct ConfigurationKey: Sendable, Equatable {
    /// What a value may be made of.
    struct Shape: OptionSet, Sendable {
        let rawValue: Int
        static let scalar = Shape(rawValue: 1)
        static let list = Shape(rawValue: 2)
        static let mapping = Shape(rawValue: 4)
        /// A list whose items are mappings with keys of their own.
        static let sections = Shape(rawValue: 8)
        /// A value that is taken as it is: nothing inside it is checked against the list of keys.
        static let verbatim = Shape(rawValue: 16)
    }

    /// What holds when a key is not written.
    enum Default: Sendable, Equatable {
        /// Nothing: the key has to be written.
        case required
        /// The key may be left out, and then has no value.
        case absent
        /// This scalar, as it is written in YAML without quotes.
        case scalar(String)
        /// This text, which YAML wants in quotes.
        case text(String)
        case emptyList
        /// The defaults of the keys below, or nothing when there are none.
        case emptyMapping
    }

    /// The key above, such as `streams[]`; empty at the top.
    var parent: String
    /// The key itself; `<property>` stands for any name.
    var name: String
    var shape: Shape
    /// The type, as users call it.
    package var type: String
    var `default`: Default
    /// What it is for, in one sentence of Markdown.
    package var meaning: String

    init(_ parent: String, _ name: String, _ shape: Shape, _ type: String, _ default: Default, _ meaning: String) {
        self.parent = parent
        self.name = name
        self.shape = shape
        self.type = type
        self.default = `default`
        self.meaning = meaning
    }

    /// The whole path, such as `streams[].format`.
    package var path: String { parent.isEmpty ? name : "\(parent).\(name)" }

    /// Whether it stands for any name.
    var isWildcard: Bool { name.hasPrefix("<") }

    /// The default as the documentation shows it.
    package var shownDefault: String {
        switch `default` {
        case .required: "required"
        case .absent: "none"
        case .scalar(let text): "`\(text)`"
        case .text(let text): "`\"\(text)\"`"
        case .emptyList: "`[]`"
        case .emptyMapping: "`{}`"
        }
    }

    // MARK: Looking up

    /// The keys that may stand below one, in the order of the documentation.
    static func children(of parent: String) -> [ConfigurationKey] { byParent[parent] ?? [] }

    /// The key of that name below a parent: the one itself, or the one that stands for any name.
    static func child(of parent: String, named name: String) -> ConfigurationKey? {
        let children = children(of: parent)
        return children.first { $0.name == name && !$0.isWildcard } ?? children.first(where: \.isWildcard)
    }

    private static let byParent = Dictionary(grouping: all, by: \.parent)

    // MARK: Documentation

    /// The table of docs/CONFIGURATION.md.
    package static var markdownTable: String {
        let rows = all.map { key in
            "| `\(key.path)` | \(key.type) | \(key.shownDefault.replacing("|", with: "\\|")) | \(key.meaning.replacing("|", with: "\\|")) |"
        }
        return (["| key | type | default | meaning |", "|---|---|---|---|"] + rows).joined(separator: "\n")
    }
}
