import Hashing
import Mongo

extension FieldSettings {
    private enum MaskWord: String, CaseIterable {
        case hash, redact
    }

    /// Reads `fields:` of a stream, when there is one.
    ///
    /// - Parameters:
    ///   - key: what the records' key is; nil when that cannot be read.
    ///   - format: the same.
    /// - Returns: nil when there is none, and when something in it is wrong.
    static func optional(reading stream: ConfigurationSection, key: RecordKey?, format: RecordFormat?) -> FieldSettings? {
        guard stream.has("fields") else { return nil }
        let section = stream.section("fields")
        guard section.entries != nil else { return nil }
        var rules: [FieldRule] = []
        for (name, kind) in [("include", FieldRule.Kind.include), ("exclude", .exclude)] where section.has(name) {
            guard let paths = paths(name, kind, in: section) else { return nil }
            rules += paths
        }
        guard let renames = entries("rename", in: section, read: rename), let masks = entries("mask", in: section, read: mask) else {
            return nil
        }
        rules += renames + masks
        guard !rules.isEmpty else {
            // A rule that could not be read is none that is missing.
            guard !section.reading.hasFault(at: section.path) else { return nil }
            section.reading.report(section.mark, section.path, "found no rule", "write include, exclude, rename or mask, or remove the key")
            return nil
        }
        let isWhole = FieldRuleReview(rules, section: section, key: key, format: format).report()
        let secret = secret(in: section, isNeeded: rules.contains { $0.kind == .mask(.hash) })
        guard isWhole, secret.isRight else { return nil }
        var settings = FieldSettings(key: secret.key)
        for rule in rules {
            switch rule.kind {
            case .include: settings.include = (settings.include ?? []) + [rule.path]
            case .exclude: settings.exclude.append(rule.path)
            case .rename(let name): settings.rename.append(Rename(path: rule.path, name: name))
            case .mask(let mask): settings.mask.append(Mask(path: rule.path, mask: mask))
            }
        }
        return settings
    }

    // MARK: Rules

    private static func paths(_ name: String, _ kind: FieldRule.Kind, in section: ConfigurationSection) -> [FieldRule]? {
        guard let located = section.value(name), case .list(let items) = located.value.content else { return nil }
        guard !items.isEmpty else {
            section.report(located, "found an empty list", "name at least one field, such as card.number, or remove the key")
            return nil
        }
        let rules = items.enumerated().map { index, item -> FieldRule? in
            let own = ConfigurationSection.Located(value: item, path: located.path.appending(index: index))
            guard case .scalar(let scalar) = item.content, !scalar.isNull else {
                if !item.isBroken { section.report(own, "found \(item.kind)", "write a field's path, such as card.number") }
                return nil
            }
            return section.parse(scalar, own, path).map { FieldRule(kind: kind, path: $0, place: own) }
        }
        return rules.allSatisfy { $0 != nil } ? rules.compactMap(\.self) : nil
    }

    /// The rules of a mapping whose keys are paths.
    private static func entries(
        _ name: String, in section: ConfigurationSection, read: (ConfigurationSection, String, [String]) -> FieldRule.Kind?
    ) -> [FieldRule]? {
        guard section.has(name) else { return [] }
        let mapping = section.section(name)
        guard let entries = mapping.entries else { return nil }
        let rules = entries.map { entry -> FieldRule? in
            // The place of a path is its own, and not that of its value.
            let place = ConfigurationSection.Located(
                value: ConfigurationValue(content: .broken, mark: entry.keyMark), path: mapping.path(of: entry.key))
            do throws(ConfigurationComplaint) {
                let path = try path(entry.key)
                return read(mapping, entry.key, path).map { FieldRule(kind: $0, path: path, place: place) }
            } catch {
                section.report(place, error.found ?? "found the path \(entry.key.quoted)", error.remedy)
                return nil
            }
        }
        return rules.allSatisfy { $0 != nil } ? rules.compactMap(\.self) : nil
    }

    private static func rename(_ section: ConfigurationSection, _ key: String, _ path: [String]) -> FieldRule.Kind? {
        section.parse(key) { text throws(ConfigurationComplaint) in
            guard !text.contains(".") else {
                throw ConfigurationComplaint("write the new name alone: the field stays in its document")
            }
            guard !text.isEmpty, !text.hasPrefix("$"), !text.contains("\0"), text.first?.isWhitespace != true,
                text.last?.isWhitespace != true
            else { throw ConfigurationComplaint("write a name without `$` and spaces around it") }
            guard !isPosition(text) else { throw ConfigurationComplaint("a number may be the position in an array; write a name") }
            guard !isPosition(path.last ?? "") else {
                throw ConfigurationComplaint(
                    "name a field", found: "`\(path.last ?? "")` may be the position in an array, which has no name")
            }
            guard !text.utf8.elementsEqual((path.last ?? "").utf8) else {
                throw ConfigurationComplaint("that is its name already: write another one")
            }
            guard path.count > 1 || text != "_id" else { throw ConfigurationComplaint("every document has an `_id`: write another name") }
            return .rename(text)
        }
    }

    private static func mask(_ section: ConfigurationSection, _ key: String, _ path: [String]) -> FieldRule.Kind? {
        guard let located = section.value(key) else { return nil }
        if case .mapping(let entries) = located.value.content {
            guard entries.contains(where: { $0.key == "keep" }) else {
                guard !section.reading.hasFault(at: located.path) else { return nil }
                section.report(located, "found an empty mapping", "allowed: hash, redact, {keep: 4}")
                return nil
            }
            return section.section(key).integer("keep", in: 1...100).map { .mask(.keep($0)) }
        }
        let word = section.parse(key) { text throws(ConfigurationComplaint) -> MaskWord in
            if let word = MaskWord(rawValue: text) { return word }
            throw ConfigurationComplaint(ConfigurationSection.remedy(word: text, among: MaskWord.allCases.map(\.rawValue)) + ", {keep: 4}")
        }
        return word.map { .mask($0 == .hash ? .hash : .redact) }
    }

    static func isPosition(_ name: String) -> Bool { !name.isEmpty && name.utf8.allSatisfy { (0x30...0x39).contains($0) } }

    // MARK: Paths

    /// What a path in a rule does not begin with: it is one of a document, and not of an event.
    private static let parts = ["fullDocument", "fullDocumentBeforeChange", "updateDescription", "documentKey"]
    /// Levels of a document, by the server.
    private static let maxDepth = 180

    private static func path(_ text: String) throws(ConfigurationComplaint) -> [String] {
        let path = try FieldPath.parse(text, example: "card.number")
        if path[0] == "_id" {
            throw ConfigurationComplaint(
                "remove it: `_id` is what records are keyed by, and always stays as it is", found: "found \(text.quoted)")
        }
        if let part = parts.first(where: { $0 == path[0] }) {
            let rest = path.dropFirst(path.starts(with: ["updateDescription", "updatedFields"]) ? 2 : 1).joined(separator: ".")
            throw ConfigurationComplaint(
                "a path begins in the document" + (rest.isEmpty || part == "documentKey" ? "" : ": write `\(rest)`"),
                found: "found \(text.quoted), which is a path of the event")
        }
        if let name = path.first(where: { $0 == "$" || $0.hasPrefix("$[") }) {
            throw ConfigurationComplaint(
                "leave it out: a rule holds for every element of an array", found: "found \(name.quoted) in \(text.quoted)")
        }
        guard path.count <= maxDepth else {
            throw ConfigurationComplaint("no document has more than \(maxDepth)", found: "found a path of \(path.count) levels")
        }
        return path
    }

    // MARK: The key

    /// Fewer bytes could be guessed.
    private static let minKeyBytes = 16

    private static func secret(in section: ConfigurationSection, isNeeded: Bool) -> (key: String?, isRight: Bool) {
        let advice = "write ${file:PATH} or ${NAME}; make one with `openssl rand -hex 32`"
        func report(_ found: String, _ remedy: String) -> (key: String?, isRight: Bool) {
            section.reading.report(section.mark(of: "key"), section.path(of: "key"), found, remedy)
            return (nil, false)
        }
        guard section.has("key") else {
            return isNeeded ? report("missing", "a mask is `hash`, which needs a key: \(advice)") : (nil, true)
        }
        guard let (scalar, _) = section.scalar("key") else { return (nil, false) }
        guard isNeeded else { return report("no mask is `hash`, so nothing uses the key", "remove the key, or write a mask") }
        let count = scalar.text.utf8.count
        guard count >= minKeyBytes else { return report("found a key of \(count) bytes", "it needs at least \(minKeyBytes); \(advice)") }
        guard KeyedHash.isAvailable else {
            return report("OpenSSL on this host has no HMAC-SHA-256", "check its configuration (OPENSSL_CONF, openssl.cnf)")
        }
        return (scalar.text, true)
    }
}
