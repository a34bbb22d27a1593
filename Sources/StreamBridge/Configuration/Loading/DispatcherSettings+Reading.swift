extension DispatcherSettings {
    /// Reads `dispatchers:`; nil when something in it is wrong.
    static func list(reading top: ConfigurationSection, bridge: String?) -> [DispatcherSettings]? {
        guard top.value("dispatchers") != nil else { return nil }
        let sections = top.sections("dispatchers")
        let dispatchers = sections.map { DispatcherSettings(reading: $0, bridge: bridge) }
        refuseTakenNames(of: sections, streams: top.sections("streams"))
        refuseTakenTopics(of: sections)
        refuseOtherFields(of: sections)
        let complete = dispatchers.compactMap(\.self)
        return complete.count == dispatchers.count ? complete : nil
    }

    /// Reads one dispatcher; nil when something in it is wrong.
    private init?(reading section: ConfigurationSection, bridge: String?) {
        let name = section.parse("name", LegalName.bridgePart)
        let commands = section.parse("commands") { text throws(ConfigurationComplaint) in try LegalName.topic(text, bridge: bridge) }
        let outcomes = section.parse("outcomes") { text throws(ConfigurationComplaint) in try LegalName.topic(text, bridge: bridge) }
        let deadLetters = section.parse("deadLetters") { text throws(ConfigurationComplaint) in try LegalName.topic(text, bridge: bridge) }
        let collection = section.parse("collection") { text throws(ConfigurationComplaint) in try Namespace(ofOne: text) }
        let resource = ResourceSettings(reading: section.section("resource"), collection: collection)
        let fields = CommandField.list(reading: section.section("fields"), resource: section.section("resource").written("field")?.text)
        let delivery = section.choice("delivery", Delivery.self)

        guard let name, let commands, let outcomes, let deadLetters, let collection, let fields, let resource, let delivery else {
            return nil
        }
        self.init(
            name: name, commands: commands, outcomes: outcomes, deadLetters: deadLetters, collection: collection, fields: fields,
            resource: resource, delivery: delivery)
    }

    // MARK: Rules over several sections

    /// Consumer groups and ids are named after streams and dispatchers alike, so no two of them may have one name.
    private static func refuseTakenNames(of sections: [ConfigurationSection], streams: [ConfigurationSection]) {
        var owners: [String: String] = [:]
        for stream in streams {
            guard let name = stream.written("name"), owners[name.text] == nil else { continue }
            owners[name.text] = "by the stream in line \(stream.mark(of: "name").line)"
        }
        for section in sections {
            guard let name = section.written("name") else { continue }
            let mark = section.mark(of: "name")
            if let owner = owners[name.text] {
                section.reading.report(
                    mark, section.path(of: "name"), "the dispatcher name \(name.shown) is taken, \(owner)",
                    "give every dispatcher and stream its own name: consumer groups are named after them")
            } else {
                owners[name.text] = "first in line \(mark.line)"
            }
        }
    }

    /// A topic has one purpose, over all dispatchers, and commands are read by one of them only.
    private static func refuseTakenTopics(of sections: [ConfigurationSection]) {
        var uses: [String: (key: String, line: Int)] = [:]
        for key in ["commands", "outcomes", "deadLetters"] {
            for section in sections {
                guard let topic = section.written(key) else { continue }
                let mark = section.mark(of: key)
                guard let use = uses[topic.text] else {
                    uses[topic.text] = (key, mark.line)
                    continue
                }
                let remedy: String
                switch (use.key, key) {
                case ("commands", "commands"): remedy = "give every dispatcher its own: two would each carry out every command"
                case ("commands", _): remedy = "name another one: what is written there would be read as a command"
                case (key, key): continue
                default: remedy = "name another one: outcomes and dead letters go to different topics"
                }
                section.reading.report(
                    mark, section.path(of: key), "the topic \(topic.shown) is taken, for `\(use.key)` in line \(use.line)", remedy)
            }
        }
    }

    /// The documents of one dispatcher have no value in the other one's field, and to a unique index a missing value is
    /// a value.
    private static func refuseOtherFields(of sections: [ConfigurationSection]) {
        var uses: [String: (field: ConfigurationScalar, line: Int)] = [:]
        for section in sections {
            let resource = section.section("resource")
            guard let collection = section.written("collection"), let field = resource.written("field") else { continue }
            let mark = resource.mark(of: "field")
            guard let use = uses[collection.text] else {
                uses[collection.text] = (field, mark.line)
                continue
            }
            guard use.field.text != field.text else { continue }
            section.reading.report(
                mark, resource.path(of: "field"),
                "the documents in \(collection.shown) hold their resource in \(use.field.shown), for the dispatcher with that field in line "
                    + "\(use.line)",
                "name the same field, or another collection: under the unique index of one, all documents of the other hold null")
        }
    }
}

extension ResourceSettings {
    /// Reads `resource:`; nil when something in it is wrong.
    fileprivate init?(reading section: ConfigurationSection, collection: Namespace?) {
        let field = section.parse("field") { text throws(ConfigurationComplaint) in try CommandField.legalName(text, resource: nil) }
        let pool = section.parse("pool") { text throws(ConfigurationComplaint) in
            let pool = try Namespace(ofOne: text)
            guard pool != collection else { throw ConfigurationComplaint("the documents go there; name the collection of the resources") }
            return pool
        }
        let choose = section.choice("choose", Choice.self)
        let label = section.parse("label") { text throws(ConfigurationComplaint) in try Self.label(text) }
        guard let field, pool != nil || !section.has("pool"), let choose, let label else { return nil }
        self.init(field: field, pool: pool, choose: choose, label: label)
    }

    private static func label(_ text: String) throws(ConfigurationComplaint) -> String {
        guard text.contains(where: { !$0.isWhitespace }) else { throw ConfigurationComplaint("write a word, such as Truck") }
        guard !text.contains(where: \.isNewline), text.singleLine == text else {
            throw ConfigurationComplaint("write one line, without control characters")
        }
        guard text.count <= 100 else { throw ConfigurationComplaint("it has \(text.count) characters; allowed are 100") }
        return text
    }
}

extension Namespace {
    /// Reads the `db.coll` of one collection, which the bridge reads and writes itself.
    fileprivate init(ofOne text: String) throws(ConfigurationComplaint) {
        // Where several may be watched there are more ways to write it; their advice would mislead here.
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0 != "*" }), !text.contains(",") else {
            throw ConfigurationComplaint("write \"db.coll\": one collection")
        }
        guard parts.count == 1 || !["admin", "local", "config"].contains(parts[0]) else {
            throw ConfigurationComplaint("the databases admin, local and config belong to MongoDB itself")
        }
        guard parts.count == 1 || !parts[1].hasPrefix("system.") else {
            throw ConfigurationComplaint("system collections belong to MongoDB itself")
        }
        try self.init(parsing: text)
    }
}
