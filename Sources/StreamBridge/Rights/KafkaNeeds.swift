import Kafka

/// What a configuration needs in Kafka: the one place that says so.
enum KafkaNeeds {
    /// - Parameter includesTools: also what `verify`, `replay`, `send` and `redrive` need beyond the bridge itself.
    static func of(_ configuration: BridgeConfiguration, includesTools: Bool) -> [KafkaNeed] {
        let bridge = configuration.name
        let needs =
            internals(of: configuration) + configuration.streams.flatMap { of($0, bridge: bridge) }
            + configuration.dispatchers.flatMap { of($0, bridge: bridge) }
            + (includesTools ? tools(of: configuration) : [])
        guard configuration.topics.create else { return needs }
        return needs + creation(of: needs)
    }

    // MARK: Streams

    /// Topics of the bridge's own.
    static func internals(of configuration: BridgeConfiguration) -> [KafkaNeed] {
        let (bridge, streams) = (configuration.name, configuration.streams)
        guard !streams.isEmpty else { return [] }
        return [
            KafkaNeed(
                "streams", [.read], on: .init(.topic, InternalTopics.control(of: bridge)), purpose: "agree which process leads"),
            KafkaNeed(
                "streams", [.read, .write, .describeConfigs], on: .init(.topic, InternalTopics.positions(of: bridge)),
                purpose: "store their positions; `bridge check` looks whether the topic is compacted"),
            KafkaNeed(
                "streams", [.read, .write], on: .init(.topic, InternalTopics.positionEdits(of: bridge)),
                purpose: "have positions set by `bridge positions`, which keeps who did it and why"),
            KafkaNeed(
                "streams", [.write], on: .init(.topic, InternalTopics.gaps(of: bridge)),
                purpose: "record what is left out, by `onLostPosition` or `bridge positions`"),
            KafkaNeed(
                "streams", [.read, .write, .describeConfigs], on: .init(.topic, InternalTopics.snapshots(of: bridge)),
                purpose: "keep what each snapshot copies; `bridge check` looks whether the topic is compacted"),
        ]
    }

    private static func of(_ stream: StreamSettings, bridge: String) -> [KafkaNeed] {
        let subject = PrivilegeNeeds.subject(stream)
        var needs = topics(of: stream).map { KafkaNeed(subject, [.write], on: $0, purpose: "publishes its events") }
        needs.append(
            KafkaNeed(
                subject, [.read], on: .init(.group, GroupName.of(stream.name, of: bridge)),
                purpose: "agrees which process leads"))
        let id = KafkaNeed.Resource(.transactionalId, ProducerProperties.Transactional.stream(stream.name, of: bridge).id)
        needs.append(producing(stream.delivery, subject, on: id))
        if stream.delivery == .atLeastOnce {
            needs.append(
                KafkaNeed(
                    subject, [.write], on: id, purpose: "`bridge positions` and `bridge snapshot` store what they change in one transaction"
                ))
        }
        return needs
    }

    private static func producing(_ delivery: Delivery, _ subject: String, on id: KafkaNeed.Resource) -> KafkaNeed {
        switch delivery {
        case .exactlyOnce: KafkaNeed(subject, [.write], on: id, purpose: "publishes in transactions")
        case .atLeastOnce:
            KafkaNeed(subject, [.idempotentWrite], on: .cluster, purpose: "produces without repeats; needed only before Kafka 2.8")
        }
    }

    /// Where a stream's events may go.
    static func topics(of stream: StreamSettings) -> [KafkaNeed.Resource] {
        func literal(_ namespaces: [Namespace]) -> [KafkaNeed.Resource] {
            Set(namespaces.map { TopicName.render(stream.topic, for: $0) }).sorted().map { .init(.topic, $0) }
        }
        func prefixed(_ database: String?) -> KafkaNeed.Resource? {
            // Kafka has no empty prefix; `*` is every topic.
            TopicName.fixedPart(of: stream.topic, database: database).map {
                $0.isEmpty ? .init(.topic, "*") : .init(.topic, $0, .prefixed)
            }
        }
        switch stream.watch {
        case .collection(let namespace): return literal([namespace])
        case .collections(let namespaces): return literal(namespaces)
        case .database(let database):
            // Events of the database itself have no collection.
            return literal([Namespace(database: database, collection: "")]) + (prefixed(database).map { [$0] } ?? [])
        case .cluster: return prefixed(nil).map { [$0] } ?? literal([Namespace(database: "", collection: "")])
        }
    }

    // MARK: Dispatchers

    private static func of(_ dispatcher: DispatcherSettings, bridge: String) -> [KafkaNeed] {
        let subject = PrivilegeNeeds.subject(dispatcher)
        // Every process has an id of its own.
        let ids = ProducerProperties.Transactional.dispatcher(dispatcher.name, of: bridge, instance: "").id
        return [
            KafkaNeed(subject, [.read], on: .init(.topic, dispatcher.commands), purpose: "takes commands"),
            KafkaNeed(subject, [.write], on: .init(.topic, dispatcher.outcomes), purpose: "answers them"),
            KafkaNeed(subject, [.write], on: .init(.topic, dispatcher.deadLetters), purpose: "puts aside what can never be carried out"),
            KafkaNeed(
                subject, [.read], on: .init(.group, GroupName.of(dispatcher.name, of: bridge)),
                purpose: "shares the commands with other processes, and keeps how far they are answered"),
            producing(dispatcher.delivery, subject, on: .init(.transactionalId, ids, .prefixed)),
        ]
    }

    // MARK: Everybody

    private static func tools(of configuration: BridgeConfiguration) -> [KafkaNeed] {
        [
            KafkaNeed(
                "replays", [.read, .write], on: .init(.topic, InternalTopics.replays(of: configuration.name)),
                purpose: "`bridge replay` keeps how far each one is"),
            // Every replay has an id of its own.
            KafkaNeed(
                "replays", [.write],
                on: .init(.transactionalId, ProducerProperties.Transactional.replayPrefix(of: configuration.name), .prefixed),
                purpose: "`bridge replay` publishes in transactions"),
        ]
            + configuration.streams.flatMap { stream in
                topics(of: stream).map {
                    KafkaNeed(
                        PrivilegeNeeds.subject(stream), [.read], on: $0,
                        purpose: "`bridge verify` compares what was published, `bridge positions` takes a record's token")
                }
            }
            + configuration.dispatchers.flatMap { dispatcher in
                let subject = PrivilegeNeeds.subject(dispatcher)
                return [
                    KafkaNeed(
                        subject, [.write], on: .init(.topic, dispatcher.commands),
                        purpose: "`bridge send` and `bridge redrive` send commands"),
                    KafkaNeed(
                        subject, [.read], on: .init(.topic, dispatcher.outcomes), purpose: "`bridge send --wait` waits for the answers"),
                    KafkaNeed(subject, [.read], on: .init(.topic, dispatcher.deadLetters), purpose: "`bridge redrive` lists them"),
                ]
            }
    }

    private static func creation(of needs: [KafkaNeed]) -> [KafkaNeed] {
        var topics: [KafkaNeed] = []
        for need in needs where need.resource.kind == .topic && !topics.contains(where: { $0.resource == need.resource }) {
            topics.append(KafkaNeed(need.subject, [.create], on: need.resource, purpose: "topics.create: makes the topic if it is missing"))
        }
        return topics
    }
}

extension KafkaNeed.Resource {
    func covers(_ other: String) -> Bool { name == other || name == "*" || pattern == .prefixed && other.hasPrefix(name) }

    /// The one cluster.
    static let cluster = KafkaNeed.Resource(.cluster, "kafka-cluster")
}

extension KafkaNeed {
    /// What fixes that something is missing.
    static func remedy(granting list: String) -> String { "Grant the account \(list): \(advice)" }

    static let advice = "`bridge grants kafka` prints the ACLs that this configuration needs"
}

extension [KafkaNeed] {
    /// What fixes a refusal: everything that is needed on a resource of this name, or of a prefix of it.
    func remedy(_ kind: KafkaNeed.Kind, _ name: String) -> String {
        let operations = Set(filter { $0.resource.kind == kind && $0.resource.covers(name) }.flatMap(\.operations))
        let list = KafkaNeed.Operation.allCases.filter(operations.contains).map(\.rawValue).joined(separator: ", ")
        return KafkaNeed.remedy(granting: "\(list) on \(kind.rawValue) \(name)")
    }

    /// One entry for each resource, as an ACL has it.
    var entries: [(resource: KafkaNeed.Resource, operations: [KafkaNeed.Operation], needs: [KafkaNeed])] {
        var resources: [KafkaNeed.Resource] = []
        for need in self where !resources.contains(need.resource) { resources.append(need.resource) }
        return resources.map { resource in
            let needs = filter { $0.resource == resource }
            let operations = Set(needs.flatMap(\.operations))
            return (resource, KafkaNeed.Operation.allCases.filter(operations.contains), needs)
        }
    }
}
