import Kafka
import Mongo

/// The configuration as the bridge understood it: every default filled in, every secret hidden.
///
/// Without secrets in it, the text loads again as the same configuration.
package enum EffectiveConfiguration {
    /// The notation of the text.
    package enum Format: String, Sendable, CaseIterable {
        case yaml, json
    }

    /// The text of a configuration, ending in a line break.
    package static func render(_ configuration: BridgeConfiguration, format: Format) -> String {
        let tree = tree(of: configuration)
        switch format {
        case .yaml: return tree.yaml(indent: 0)
        case .json: return tree.json(indent: 0) + "\n"
        }
    }

    private static func tree(of configuration: BridgeConfiguration) -> EffectiveValue {
        var entries: [(String, EffectiveValue)] = [
            ("name", .text(configuration.name)),
            ("mongodb", tree(of: configuration.mongodb)),
            ("kafka", tree(of: configuration.kafka)),
            ("topics", tree(of: configuration.topics)),
            ("streams", .list(configuration.streams.map { tree(of: $0) })),
            ("dispatchers", .list(configuration.dispatchers.map { tree(of: $0) })),
        ]
        if let http = configuration.http {
            var settings: [(String, EffectiveValue)] = [("listen", .text(http.listen))]
            if http.token != nil { settings.append(("token", .text(ConnectionURI.mask))) }
            entries.append(("http", .mapping(settings)))
        }
        entries += [
            ("limits", .mapping([("memory", .text(SizeText.format(configuration.limits.memory)))])),
            ("startupTimeout", duration(configuration.startupTimeout)),
            ("shutdownTimeout", duration(configuration.shutdownTimeout)),
        ]
        return .mapping(entries)
    }

    private static func tree(of mongodb: MongoDBSettings) -> EffectiveValue {
        let concern = mongodb.writeConcern
        let acknowledgement: EffectiveValue =
            if case .nodes(let count) = concern.w { .literal("\(count)") } else { .text(concern.w.description) }
        return .mapping([
            ("uri", .text(mongodb.redactedURI)),
            ("maxPoolSize", .literal("\(mongodb.maxPoolSize)")),
            ("serverSelectionTimeout", duration(mongodb.serverSelectionTimeout)),
            (
                "writeConcern",
                .mapping([
                    ("w", acknowledgement),
                    ("wtimeout", concern.wtimeout.map(duration) ?? .literal("null")),
                    ("journal", .literal("\(concern.journal)")),
                ])
            ),
        ])
    }

    private static func tree(of kafka: KafkaSettings) -> EffectiveValue {
        .mapping(
            properties(kafka.common) + [
                ("producer", .mapping(properties(kafka.producer))),
                ("consumer", .mapping(properties(kafka.consumer))),
            ])
    }

    private static func tree(of topics: TopicSettings) -> EffectiveValue {
        .mapping([
            ("create", .literal("\(topics.create)")),
            ("partitions", .literal("\(topics.partitions)")),
            ("replicationFactor", .literal("\(topics.replicationFactor)")),
            ("config", .mapping(properties(topics.config))),
        ])
    }

    private static func tree(of stream: StreamSettings) -> EffectiveValue {
        .mapping([
            ("name", .text(stream.name)),
            ("watch", tree(of: stream.watch)),
            ("pipeline", stream.pipeline == "[]" ? .list([]) : .text(stream.pipeline)),
            ("fullDocument", .text(stream.fullDocument.rawValue)),
            ("fullDocumentBeforeChange", .text(stream.fullDocumentBeforeChange.rawValue)),
            ("showExpandedEvents", .literal("\(stream.showExpandedEvents)")),
            ("startAt", tree(of: stream.startAt)),
            ("topic", .text(stream.topic.description)),
            ("key", tree(of: stream.key)),
            ("format", tree(of: stream.format)),
            ("content", .text(stream.content.rawValue)),
            ("tombstones", .literal("\(stream.tombstones)")),
            ("delivery", .text(stream.delivery.rawValue)),
            ("onLostPosition", .text(stream.onLostPosition.rawValue)),
            ("snapshot", tree(of: stream.snapshot)),
        ])
    }

    private static func tree(of snapshot: SnapshotSettings) -> EffectiveValue {
        .mapping([
            ("when", .text(snapshot.when.rawValue)),
            ("filter", .mapping(snapshot.filters.sorted { "\($0.key)" < "\($1.key)" }.map { ("\($0.key)", .text($0.value)) })),
            ("cursors", .literal("\(snapshot.cursors)")),
        ])
    }

    private static func tree(of scope: WatchScope) -> EffectiveValue {
        switch scope {
        case .collection(let namespace): .text(namespace.description)
        case .collections(let namespaces): .list(namespaces.map { .text($0.description) })
        case .database(let name): .text(name)
        case .cluster: .text("*")
        }
    }

    private static func tree(of start: StartPoint) -> EffectiveValue {
        switch start {
        case .now: .text("now")
        case .oldest: .text("oldest")
        case .time(let seconds): .mapping([("time", .literal("\(seconds)"))])
        case .clusterTime(let seconds, let increment): .mapping([("clusterTime", .text("\(seconds).\(increment)"))])
        case .token(let token): .mapping([("token", .text(token))])
        }
    }

    private static func tree(of key: RecordKey) -> EffectiveValue {
        switch key {
        case .documentKey: .text("documentKey")
        case .none: .text("none")
        case .field(let path): .text(path.joined(separator: "."))
        }
    }

    private static func tree(of format: RecordFormat) -> EffectiveValue {
        switch format {
        case .relaxed: .text("relaxed")
        case .canonical: .text("canonical")
        case .simple: .text("simple")
        case .bson: .text("bson")
        case .template(let template): .mapping([("template", .text(template.description))])
        }
    }

    private static func tree(of dispatcher: DispatcherSettings) -> EffectiveValue {
        .mapping([
            ("name", .text(dispatcher.name)),
            ("commands", .text(dispatcher.commands)),
            ("outcomes", .text(dispatcher.outcomes)),
            ("deadLetters", .text(dispatcher.deadLetters)),
            ("collection", .text(dispatcher.collection.description)),
            ("fields", .mapping(dispatcher.fields.map { ($0.name, tree(of: $0)) })),
            ("resource", tree(of: dispatcher.resource)),
            ("delivery", .text(dispatcher.delivery.rawValue)),
        ])
    }

    private static func tree(of field: CommandField) -> EffectiveValue {
        let limits: [(String, String?)] =
            switch field.type {
            case .int(let minimum, let maximum): [("minimum", minimum?.description), ("maximum", maximum?.description)]
            case .number(let minimum, let maximum): [("minimum", minimum?.description), ("maximum", maximum?.description)]
            case .string, .boolean, .date: []
            }
        return .mapping(
            [("type", .text(field.type.word.rawValue)), ("required", .literal("\(field.isRequired)"))]
                + limits.compactMap { name, limit in limit.map { (name, .literal($0)) } })
    }

    private static func tree(of resource: ResourceSettings) -> EffectiveValue {
        var entries: [(String, EffectiveValue)] = [("field", .text(resource.field))]
        if let pool = resource.pool { entries.append(("pool", .text(pool.description))) }
        entries += [("choose", .text(resource.choose.rawValue)), ("label", .text(resource.label))]
        return .mapping(entries)
    }

    private static func duration(_ duration: Duration) -> EffectiveValue { .text(DurationText.format(duration)) }

    private static func properties(_ properties: [String: String]) -> [(String, EffectiveValue)] {
        properties.sorted { $0.key < $1.key }.map { name, value in
            // The address of a server may have a login in it.
            (name, .text(KafkaSettings.isSecret(name) ? ConnectionURI.mask : value.contains("://") ? ConnectionURI.redacted(value) : value))
        }
    }
}

/// A value on its way to YAML or JSON.
private indirect enum EffectiveValue {
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
