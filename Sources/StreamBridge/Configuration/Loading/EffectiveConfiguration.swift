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

    /// Settings as a mapping: the types of the model have the keys' names for their properties, in the order of the
    /// text.
    private static func tree(of settings: Any) -> EffectiveValue {
        .mapping(
            Mirror(reflecting: settings).children.compactMap { name, setting in
                name.flatMap { name in value(of: setting, named: name).map { (name, $0) } }
            })
    }

    /// A setting in the notation of the file; nil when it is absent.
    private static func value(of setting: Any, named name: String) -> EffectiveValue? {
        switch (name, setting) {
        case ("uri", let uri as String): .text(ConnectionURI.redacted(uri))
        case ("token", is String): .text(ConnectionURI.mask)
        case ("pipeline", let stages as String) where stages == "[]": .list([])
        case ("memory", let bytes as Int): .text(SizeText.format(bytes))
        case ("fields", let fields as [CommandField]): .mapping(fields.map { ($0.name, tree(of: $0)) })
        case (_, let text as String): .text(text)
        case (_, is Bool), (_, is Int): .literal("\(setting)")
        case (_, let duration as Duration): .text(DurationText.format(duration))
        case (_, let word as any RawRepresentable<String>): .text(word.rawValue)
        case (_, let template as TextTemplate): .text(template.description)
        case (_, let namespace as Namespace): .text(namespace.description)
        case (_, let properties as [String: String]): .mapping(entries(of: properties))
        case (_, let concern as WriteConcern): tree(of: concern)
        case (_, let snapshot as SnapshotSettings): tree(of: snapshot)
        case (_, let fields as FieldSettings): tree(of: fields)
        case (_, let kafka as KafkaSettings): tree(of: kafka)
        case (_, let scope as WatchScope): tree(of: scope)
        case (_, let start as StartPoint): tree(of: start)
        case (_, let key as RecordKey): tree(of: key)
        case (_, let format as RecordFormat): tree(of: format)
        case (_, let sections as [Any]): .list(sections.map { tree(of: $0) })
        default: unwrapped(setting).map { tree(of: $0) }
        }
    }

    private static func unwrapped(_ setting: Any) -> Any? {
        let mirror = Mirror(reflecting: setting)
        return mirror.displayStyle == .optional ? mirror.children.first?.value : setting
    }

    // MARK: Settings with a notation of their own

    private static func tree(of concern: WriteConcern) -> EffectiveValue {
        let acknowledgement: EffectiveValue =
            if case .nodes(let count) = concern.w { .literal("\(count)") } else { .text(concern.w.description) }
        return .mapping([
            ("w", acknowledgement),
            ("wtimeout", concern.wtimeout.map { .text(DurationText.format($0)) } ?? .literal("null")),
            ("journal", .literal("\(concern.journal)")),
        ])
    }

    private static func tree(of snapshot: SnapshotSettings) -> EffectiveValue {
        .mapping([
            ("when", .text(snapshot.when.rawValue)),
            ("filter", .mapping(snapshot.filters.sorted { "\($0.key)" < "\($1.key)" }.map { ("\($0.key)", .text($0.value)) })),
            ("cursors", .literal("\(snapshot.cursors)")),
        ])
    }

    private static func tree(of fields: FieldSettings) -> EffectiveValue {
        func text(_ path: [String]) -> String { path.joined(separator: ".") }
        func list(_ paths: [[String]]) -> EffectiveValue { .list(paths.map { .text(text($0)) }) }
        var entries: [(String, EffectiveValue)] = []
        if let include = fields.include { entries.append(("include", list(include))) }
        if !fields.exclude.isEmpty { entries.append(("exclude", list(fields.exclude))) }
        if !fields.rename.isEmpty { entries.append(("rename", .mapping(fields.rename.map { (text($0.path), .text($0.name)) }))) }
        if !fields.mask.isEmpty { entries.append(("mask", .mapping(fields.mask.map { (text($0.path), tree(of: $0.mask)) }))) }
        if fields.key != nil { entries.append(("key", .text(ConnectionURI.mask))) }
        return .mapping(entries)
    }

    private static func tree(of mask: FieldMask) -> EffectiveValue {
        switch mask {
        case .hash: .text("hash")
        case .keep(let count): .mapping([("keep", .literal("\(count)"))])
        case .redact: .text("redact")
        }
    }

    private static func tree(of kafka: KafkaSettings) -> EffectiveValue {
        .mapping(
            entries(of: kafka.common) + [
                ("producer", .mapping(entries(of: kafka.producer))),
                ("consumer", .mapping(entries(of: kafka.consumer))),
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
        case .debezium(let settings): .mapping([("debezium", tree(of: settings))])
        case .cloudevents(let mode): .mapping([("cloudevents", .text(mode.rawValue))])
        }
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

    private static func entries(of properties: [String: String]) -> [(String, EffectiveValue)] {
        properties.sorted { $0.key < $1.key }.map { name, value in
            // The address of a server may have a login in it.
            (name, .text(KafkaSettings.isSecret(name) ? ConnectionURI.mask : value.contains("://") ? ConnectionURI.redacted(value) : value))
        }
    }
}
