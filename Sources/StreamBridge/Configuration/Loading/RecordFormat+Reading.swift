extension RecordFormat {
    private enum Word: String, CaseIterable {
        case relaxed, canonical, simple, bson, debezium, cloudevents
    }

    /// The notations that are mappings.
    private static let mappings = "{template: \"...\"}, {debezium: {...}}, {cloudevents: ...}"

    /// Reads `format:` of a stream; nil when something in it is wrong.
    init?(reading stream: ConfigurationSection, bridge: String?) {
        guard let located = stream.value("format") else { return nil }
        if case .mapping(let entries) = located.value.content {
            guard let name = entries.first?.key, entries.count == 1 else {
                let found = entries.isEmpty ? "found an empty mapping" : "found \(entries.count) formats"
                stream.report(located, found, "write \(Self.mappings)")
                return nil
            }
            self.init(named: name, reading: stream.section("format"), bridge: bridge)
            return
        }
        let word = stream.parse("format") { text throws(ConfigurationComplaint) -> Word in
            if let word = Word(rawValue: text) { return word }
            throw ConfigurationComplaint(
                ConfigurationSection.remedy(word: text, among: Word.allCases.map(\.rawValue)) + ", " + Self.mappings)
        }
        switch word {
        case .relaxed: self = .relaxed
        case .canonical: self = .canonical
        case .simple: self = .simple
        case .bson: self = .bson
        case .debezium: self = .debezium(DebeziumSettings(topicPrefix: bridge ?? ""))
        case .cloudevents: self = .cloudevents(.binary)
        case nil: return nil
        }
    }

    private init?(named name: String, reading section: ConfigurationSection, bridge: String?) {
        switch name {
        case "template":
            let template = section.parse(name) { text throws(ConfigurationComplaint) in try TextTemplate.any(text) }
            guard let template else { return nil }
            self = .template(template)
        case "debezium":
            let settings = section.section(name)
            let prefix = settings.has("topicPrefix") ? settings.parse("topicPrefix", LegalName.bridgePart) : bridge ?? ""
            let document = settings.choice("document", DebeziumSettings.Document.self)
            guard let prefix, let document else { return nil }
            self = .debezium(DebeziumSettings(topicPrefix: prefix, document: document))
        default:
            guard let mode = section.choice(name, CloudEventsMode.self) else { return nil }
            self = .cloudevents(mode)
        }
    }
}
