import Mongo

/// A rule as it stands in the file.
struct FieldRule {
    enum Kind: Equatable {
        case include, exclude
        case rename(String)
        case mask(FieldMask)
    }

    let kind: Kind
    let path: [String]
    let place: ConfigurationSection.Located

    /// Where the field is when it has its new name.
    var newPath: [String]? {
        if case .rename(let name) = kind { path.dropLast() + [name] } else { nil }
    }

    /// The path as it is written.
    var text: String { path.joined(separator: ".") }

    var isInclude: Bool { kind == .include }
    var isMask: Bool { if case .mask = kind { true } else { false } }

    /// What it does to its field, for a sentence.
    var participle: String {
        switch kind {
        case .include: "included"
        case .exclude: "excluded"
        case .rename: "renamed"
        case .mask: "masked"
        }
    }
}

/// Paths are compared name by name and byte by byte, as MongoDB does: Swift takes two spellings of é for equal.
extension Sequence<String> {
    func begins(with other: some Sequence<String>) -> Bool { starts(with: other) { $0.utf8.elementsEqual($1.utf8) } }
    func isSame(as other: some Sequence<String>) -> Bool { elementsEqual(other) { $0.utf8.elementsEqual($1.utf8) } }
}
