/// A value on its way to YAML or JSON.
indirect enum EffectiveValue {
    /// A text; `${` in it is escaped, so that it is not taken for an interpolation.
    case text(String)
    /// A number, a boolean or null.
    case literal(String)
    case list([EffectiveValue])
    case mapping([(String, EffectiveValue)])

    // MARK: YAML

    func yaml(indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        switch self {
        case .text, .literal: return scalar
        case .list(let items):
            return items.map { item in
                let lines = item.yaml(indent: indent + 2)
                // A mapping's first key stands on the line of its dash.
                return if case .mapping = item { "\(margin)- \(lines.dropFirst(indent + 2))" } else { "\(margin)- \(lines)\n" }
            }.joined()
        case .mapping(let entries):
            return entries.map { key, value in
                let name = Self.isPlain(key) ? key : key.jsonQuoted
                return if value.isBlock { "\(margin)\(name):\n\(value.yaml(indent: indent + 2))" } else {
                    "\(margin)\(name): \(value.scalar)\n"
                }
            }.joined()
        }
    }

    /// Whether it takes lines of its own in YAML.
    private var isBlock: Bool {
        switch self {
        case .text, .literal: false
        case .list(let items): !items.isEmpty
        case .mapping(let entries): !entries.isEmpty
        }
    }

    private var scalar: String {
        switch self {
        case .text(let text):
            let escaped = Self.escaped(text)
            return Self.isPlain(escaped) ? escaped : escaped.jsonQuoted
        case .literal(let text): return text
        case .list: return "[]"
        case .mapping: return "{}"
        }
    }

    /// Whether a text needs no quotes in any version of YAML.
    private static func isPlain(_ text: String) -> Bool {
        let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        return text.wholeMatch(of: #/[A-Za-z][A-Za-z0-9._-]*|[0-9]+(ms|s|m|h|KiB|MiB|GiB)/#) != nil && !words.contains(text.lowercased())
    }

    private static func escaped(_ text: String) -> String { text.replacing("${", with: "$${") }

    // MARK: JSON

    func json(indent: Int) -> String {
        let margin = String(repeating: " ", count: indent + 2)
        let end = String(repeating: " ", count: indent)
        switch self {
        case .text(let text): return Self.escaped(text).jsonQuoted
        case .literal(let text): return text
        case .list(let items):
            if items.isEmpty { return "[]" }
            return "[\n" + items.map { margin + $0.json(indent: indent + 2) }.joined(separator: ",\n") + "\n\(end)]"
        case .mapping(let entries):
            if entries.isEmpty { return "{}" }
            let lines = entries.map { "\(margin)\($0.jsonQuoted): \($1.json(indent: indent + 2))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(end)}"
        }
    }
}
