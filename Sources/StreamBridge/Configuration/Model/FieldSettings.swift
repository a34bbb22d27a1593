import Mongo

/// Which fields of documents are left out, renamed and masked. Paths are lists of names.
package struct FieldSettings: Sendable, Equatable {
    package struct Rename: Sendable, Equatable {
        package var path: [String]
        /// In place of the path's last name.
        package var name: String
    }

    package struct Mask: Sendable, Equatable {
        package var path: [String]
        package var mask: FieldMask
    }

    /// Nothing but these and `_id` stays; nil for everything.
    package var include: [[String]]?
    package var exclude: [[String]] = []
    package var rename: [Rename] = []
    package var mask: [Mask] = []
    /// A secret: the key of the masks that are hashes.
    package var key: String?

    package init(
        include: [[String]]? = nil, exclude: [[String]] = [], rename: [Rename] = [], mask: [Mask] = [], key: String? = nil
    ) {
        self.include = include
        self.exclude = exclude
        self.rename = rename
        self.mask = mask
        self.key = key
    }
}

extension FieldRewriter {
    convenience init(_ settings: FieldSettings) {
        let rules = FieldRules(
            include: settings.include, exclude: settings.exclude, rename: settings.rename.map { ($0.path, $0.name) },
            mask: settings.mask.map { ($0.path, $0.mask) })
        self.init(rules, key: Array((settings.key ?? "").utf8))
    }
}

extension FieldMask: CustomStringConvertible {
    /// For people: `hash`, `keep 4`.
    package var description: String {
        switch self {
        case .hash: "hash"
        case .keep(let count): "keep \(count)"
        case .redact: "redact"
        }
    }
}

extension FieldSettings: CustomStringConvertible {
    /// The rules for people, without the key.
    package var description: String {
        func list(_ paths: [[String]]) -> String { paths.map { $0.joined(separator: ".") }.joined(separator: ", ") }
        var parts: [String] = []
        if let include { parts.append("only \(list(include)) and _id") }
        if !exclude.isEmpty { parts.append("without \(list(exclude))") }
        if !rename.isEmpty {
            parts.append("renamed " + rename.map { "\($0.path.joined(separator: ".")) to \($0.name)" }.joined(separator: ", "))
        }
        if !mask.isEmpty {
            parts.append("masked " + mask.map { "\($0.path.joined(separator: ".")) (\($0.mask))" }.joined(separator: ", "))
        }
        return parts.joined(separator: "; ")
    }
}
