/// Looks for rules of one stream that contradict each other, the records' key or the template.
struct FieldRuleReview {
    private let rules: [FieldRule]
    private let section: ConfigurationSection
    private let key: RecordKey?
    private let format: RecordFormat?

    init(_ rules: [FieldRule], section: ConfigurationSection, key: RecordKey?, format: RecordFormat?) {
        self.rules = rules
        self.section = section
        self.key = key
        self.format = format
    }

    /// Reports what is wrong.
    ///
    /// - Returns: whether nothing is.
    func report() -> Bool {
        let before = section.reading.faults.count
        if section.has("include"), section.has("exclude") {
            section.reading.report(
                section.mark(of: "exclude"), section.path(of: "exclude"), "found `include` as well",
                "write one of them: with `include`, what it does not name is left out")
            return false
        }
        for (index, rule) in rules.enumerated() {
            guard
                let (found, remedy) = contradiction(of: rule, with: rules[..<index]) ?? contradictionOfName(of: rule, with: rules[..<index])
            else { continue }
            section.report(rule.place, found, remedy)
        }
        reviewKey()
        reviewTemplate()
        return section.reading.faults.count == before
    }

    // MARK: Each other

    private func contradiction(of rule: FieldRule, with others: ArraySlice<FieldRule>) -> (found: String, remedy: String)? {
        for other in others {
            if let mixture = mixture(of: rule, with: other) { return mixture }
            let (outer, inner) = other.path.count <= rule.path.count ? (other, rule) : (rule, other)
            guard inner.path.begins(with: outer.path) else { continue }
            if inner.path.count == outer.path.count {
                if other.kind == rule.kind, !rule.isMask { return ("\(rule.text.quoted) is in the list twice", "keep one of them") }
                if other.kind == .exclude { return ("\(rule.text.quoted) is excluded as well", "keep one of the two rules") }
                continue
            }
            let isWithout = outer.kind == .exclude || outer.isMask || (outer.isInclude && inner.isInclude)
            guard isWithout else { continue }
            let whole = outer.isMask ? "masked as a whole" : outer.participle
            return (
                "\(inner.text.quoted) is inside of \(outer.text.quoted), which is \(whole)", "keep one of the two rules"
            )
        }
        let included = rules.filter(\.isInclude)
        guard !included.isEmpty, !rule.isInclude else { return nil }
        let isThere = included.contains { rule.path.begins(with: $0.path) || (!rule.isMask && $0.path.begins(with: rule.path)) }
        return isThere ? nil : ("\(rule.text.quoted) is not among the fields of `include`", "add it there, or remove the rule")
    }

    /// A rule for one position of an array, and one for all of its elements: at that position the one would hide the
    /// other.
    private func mixture(of rule: FieldRule, with other: FieldRule) -> (found: String, remedy: String)? {
        let common = zip(rule.path, other.path).prefix { $0.utf8.elementsEqual($1.utf8) }.count
        guard common > 0, common < rule.path.count, common < other.path.count,
            FieldSettings.isPosition(rule.path[common]) != FieldSettings.isPosition(other.path[common])
        else { return nil }
        let (single, every) = FieldSettings.isPosition(rule.path[common]) ? (rule, other) : (other, rule)
        return (
            "\(single.text.quoted) is for one position, and \(every.text.quoted) for every element",
            "write both for every element, without the position"
        )
    }

    private func contradictionOfName(
        of rule: FieldRule, with others: ArraySlice<FieldRule>
    ) -> (found: String, remedy: String)? {
        guard let name = rule.newPath else { return nil }
        let shown = name.joined(separator: ".").quoted
        if let other = rules.first(where: { $0.path.begins(with: name) }) {
            return ("\(rule.text.quoted) would become \(shown), and there is a rule for \(other.text.quoted)", "write another name")
        }
        return others.first { $0.newPath?.isSame(as: name) ?? false }.map { other in
            ("\(other.text.quoted) and \(rule.text.quoted) would both become \(shown)", "write another name")
        }
    }

    // MARK: The records

    private func reviewKey() {
        guard case .field(let full)? = key, let path = Self.documentPath(full) else { return }
        let shown = full.joined(separator: ".").quoted
        for rule in rules where !rule.isInclude {
            let names = [rule.path, rule.newPath].compactMap(\.self).map(Self.withoutPositions)
            guard names.contains(where: { $0.begins(with: path) || path.begins(with: $0) }) else { continue }
            section.report(
                rule.place, "\(rule.text.quoted) is \(rule.participle), and the records' key is \(shown)",
                "remove the rule, or write another `key`")
        }
        let included = rules.filter(\.isInclude).map { Self.withoutPositions($0.path) }
        guard !included.isEmpty, path.first != "_id", !included.contains(where: { path.begins(with: $0) }) else { return }
        section.reading.report(
            section.mark(of: "include"), section.path(of: "include"), "the records' key is \(shown), which is not included",
            "add the whole of it, or write another `key`")
    }

    private func reviewTemplate() {
        guard case .template(let template)? = format else { return }
        for case .placeholder(let full) in template.segments {
            guard let path = Self.documentPath(full), !path.isEmpty, path.first != "_id" else { continue }
            let shown = "{\(full.joined(separator: "."))}".quoted
            for rule in rules {
                let name = Self.withoutPositions(published(rule.path.dropLast()) + rule.path.suffix(1))
                switch rule.kind {
                case .exclude where path.begins(with: name):
                    section.report(rule.place, "\(rule.text.quoted) is excluded, and the template has \(shown)", "remove one of them")
                case .rename(let other) where path.begins(with: name):
                    section.report(
                        rule.place, "\(rule.text.quoted) is renamed, and the template has \(shown)",
                        "write its new name in the template, \(other.quoted)")
                default: break
                }
            }
            let included = rules.filter(\.isInclude).map { Self.withoutPositions(published($0.path[...])) }
            if !included.isEmpty, !included.contains(where: { path.begins(with: $0) || $0.begins(with: path) }) {
                section.reading.report(
                    section.mark(of: "include"), section.path(of: "include"), "the template has \(shown), which is not included",
                    "add the field, or leave the placeholder out")
            }
        }
    }

    /// A path with the names that records have.
    private func published(_ path: ArraySlice<String>) -> [String] {
        path.indices.map { index in
            for rule in rules { if case .rename(let name) = rule.kind, rule.path.isSame(as: path[...index]) { return name } }
            return path[index]
        }
    }

    /// The part of an event's path that is in a document; nil for what no rule touches.
    private static func documentPath(_ path: [String]) -> [String]? {
        switch path.first {
        case "fullDocument", "fullDocumentBeforeChange": withoutPositions(Array(path.dropFirst()))
        case "updateDescription": path.dropFirst().first == "updatedFields" ? withoutPositions(Array(path.dropFirst(2))) : []
        default: nil
        }
    }

    private static func withoutPositions(_ path: [String]) -> [String] { path.filter { !FieldSettings.isPosition($0) } }
}
