extension CommandField {
    /// Reads `fields:`, in the order of the file; nil when something in it is wrong.
    ///
    /// - Parameter resource: the field of the resource, as it is written.
    static func list(reading section: ConfigurationSection, resource: String?) -> [CommandField]? {
        guard let entries = section.entries else { return nil }
        let fields = entries.map { CommandField(reading: $0, in: section, resource: resource) }
        let complete = fields.compactMap(\.self)
        return complete.count == fields.count ? complete : nil
    }

    private init?(reading entry: ConfigurationValue.Entry, in fields: ConfigurationSection, resource: String?) {
        let name: String?
        do throws(ConfigurationComplaint) {
            name = try Self.legalName(entry.key, resource: resource)
        } catch {
            fields.reading.report(entry.keyMark, fields.path(of: entry.key), "found the field \(entry.key.quoted)", error.remedy)
            name = nil
        }
        let section = fields.section(entry.key)
        let word: CommandFieldType.Word?
        let isRequired: Bool?
        if case .mapping = entry.value.content {
            word = section.parse("type") { text throws(ConfigurationComplaint) in try CommandFieldType.Word(parsing: text) }
            isRequired = section.boolean("required")
        } else {
            word = fields.parse(entry.key) { text throws(ConfigurationComplaint) in try CommandFieldType.Word(parsing: text) }
            isRequired = true
        }
        let type = word.flatMap { CommandFieldType($0, limits: section) }
        guard let name, let type, let isRequired else { return nil }
        self.init(name: name, type: type, isRequired: isRequired)
    }

    // MARK: Names

    /// What every command may have, with a meaning of its own.
    static let namesOfCommands = ["id", "complete", "expiresAt"]
    /// What the bridge writes into documents.
    static let namesOfBridge = [
        "_id", "status", "dispatched_at", "rejected_at", "completed_at", "completed_by", "completed_writer", "writer", "command", "outcome",
    ]

    /// A name that a field of commands and documents can have.
    ///
    /// - Parameter resource: the field of the resource; nil when the name is the one of this field itself.
    static func legalName(_ text: String, resource: String?) throws(ConfigurationComplaint) -> String {
        // By bytes, as MongoDB sees them: a `$` under an accent is still a `$`.
        guard let first = text.utf8.first else { throw ConfigurationComplaint("write at least one character") }
        guard first != UInt8(ascii: "$") else {
            throw ConfigurationComplaint("MongoDB takes it for an operator; let it begin without `$`")
        }
        guard !text.utf8.contains(UInt8(ascii: ".")) else {
            throw ConfigurationComplaint("MongoDB takes it for a path; write a name without dots")
        }
        guard !text.utf8.contains(0) else { throw ConfigurationComplaint("names of fields have no NUL") }
        guard !namesOfCommands.contains(text) else {
            throw ConfigurationComplaint("it has a meaning of its own in every command; choose another name")
        }
        guard !namesOfBridge.contains(text) else {
            throw ConfigurationComplaint("the bridge writes this field itself; choose another name")
        }
        guard let resource else { return text }
        guard text != resource else {
            throw ConfigurationComplaint("it is the field of the resource, which every command has anyway; remove it here")
        }
        guard text != "requested_\(resource)" else {
            throw ConfigurationComplaint("the bridge writes this field itself: the resource that was asked for; choose another name")
        }
        return text
    }
}

extension CommandFieldType {
    /// The types, as the configuration names them.
    enum Word: String, CaseIterable {
        case string, int, number, boolean, date
    }

    var word: Word {
        switch self {
        case .string: .string
        case .int: .int
        case .number: .number
        case .boolean: .boolean
        case .date: .date
        }
    }

    fileprivate init?(_ word: Word, limits section: ConfigurationSection) {
        switch word {
        case .int:
            guard let limits = section.limits({ section.integer($0, in: Int.min...Int.max) }) else { return nil }
            self = .int(minimum: limits.minimum.map { Int64($0) }, maximum: limits.maximum.map { Int64($0) })
        case .number:
            guard let limits = section.limits({ section.number($0) }) else { return nil }
            self = .number(minimum: limits.minimum, maximum: limits.maximum)
        case .string, .boolean, .date:
            let limits = ["minimum", "maximum"].filter { section.has($0) }
            for limit in limits {
                section.reading.report(
                    section.mark(of: limit), section.path(of: limit), "a \(word.rawValue) has no \(limit)",
                    "remove it, or write the type int or number")
            }
            guard limits.isEmpty else { return nil }
            self = word == .string ? .string : word == .boolean ? .boolean : .date
        }
    }
}

extension CommandFieldType.Word {
    /// Words of other languages and tools that are not near enough to be found by their letters.
    private static let synonyms: [String: CommandFieldType.Word] = [
        "bool": .boolean, "integer": .int, "long": .int, "int32": .int, "int64": .int, "double": .number, "float": .number,
        "decimal": .number, "text": .string, "str": .string, "datetime": .date, "timestamp": .date, "time": .date,
    ]

    fileprivate init(parsing text: String) throws(ConfigurationComplaint) {
        if let word = Self(rawValue: text) {
            self = word
        } else {
            let meant = Self.synonyms[text.lowercased()]?.rawValue ?? text
            throw ConfigurationComplaint(ConfigurationSection.remedy(word: meant, among: Self.allCases.map(\.rawValue)))
        }
    }
}

extension ConfigurationSection {
    /// Reads `minimum` and `maximum`, either of which may be left out; nil when something in them is wrong.
    fileprivate func limits<Number: Comparable>(_ read: (String) -> Number?) -> (minimum: Number?, maximum: Number?)? {
        let minimum = has("minimum") ? read("minimum") : nil
        let maximum = has("maximum") ? read("maximum") : nil
        guard (minimum != nil) == has("minimum"), (maximum != nil) == has("maximum") else { return nil }
        if let minimum, let maximum, minimum > maximum {
            reading.report(
                mark(of: "maximum"), path(of: "maximum"), "the maximum is below the minimum, so no value would do",
                "write a maximum that is not below it")
            return nil
        }
        return (minimum, maximum)
    }
}
