import Logging
import Mongo

/// Kafka's part of the check, and the positions that it found.
struct KafkaCheck {
    private(set) var findings: [Finding] = []
    private(set) var positions: [String: StoredPosition] = [:]

    init(configuration: BridgeConfiguration, timeout: Duration, logger: Logger) {
        let servers = configuration.kafka.common["bootstrap.servers"] ?? configuration.kafka.common["metadata.broker.list"] ?? ""
        findings += Self.producers(configuration)
        do {
            let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
            let brokers = try admin.brokers(timeout: timeout)
            findings.append(.ok("Kafka", "\(servers): \(brokers) broker\(brokers == 1 ? "" : "s")"))
            if configuration.topics.create, configuration.topics.replicationFactor > brokers {
                findings.append(
                    .error(
                        "topics", "replicationFactor \(configuration.topics.replicationFactor) needs as many brokers",
                        mend: "Set topics.replicationFactor to at most \(brokers)"))
            }
            try lookAtTopics(configuration, admin: admin, timeout: timeout)
            try lookAtPositions(configuration, admin: admin, timeout: timeout)
            for dispatcher in configuration.dispatchers {
                findings += try DispatcherCheck(settings: dispatcher, bridge: configuration.name, timeout: timeout)
                    .findings(admin: admin, kafka: configuration.kafka, logger: logger)
            }
        } catch {
            let status: Int32 = error.name == "_INVALID_ARG" ? 78 : 69
            findings.append(
                .error(
                    "Kafka", "\(servers): \(error)",
                    mend: "Start the cluster, or correct bootstrap.servers and the security settings under kafka",
                    status: status))
        }
    }

    /// What the properties say about each other shows when a producer is made.
    private static func producers(_ configuration: BridgeConfiguration) -> [Finding] {
        func fault(_ subject: String, _ transactional: ProducerProperties.Transactional?) -> Finding? {
            do {
                _ = try ProducerProperties.make(
                    configuration.kafka, memory: StreamMemory(limit: configuration.limits.memory, streams: 1), transactional: transactional)
                return nil
            } catch {
                return .error(subject, "\(error)", mend: "Correct kafka in the configuration")
            }
        }
        let bridge = configuration.name
        return configuration.streams.compactMap {
            fault("stream \($0.name)", $0.delivery == .exactlyOnce ? .stream($0.name, of: bridge) : nil)
        }
            + configuration.dispatchers.compactMap {
                fault("dispatcher \($0.name)", $0.delivery == .exactlyOnce ? .dispatcher($0.name, of: bridge, instance: "check") : nil)
            }
    }

    private mutating func lookAtTopics(_ configuration: BridgeConfiguration, admin: KafkaAdmin, timeout: Duration) throws(KafkaError) {
        for stream in configuration.streams {
            let namespaces: [Namespace] =
                switch stream.watch {
                case .collection(let namespace): [namespace]
                case .collections(let namespaces): namespaces
                // Which topics a whole database or cluster needs shows when its events come.
                case .database, .cluster: []
                }
            for name in Set(namespaces.map { TopicName.render(stream.topic, for: $0) }).sorted() {
                lookAt(topic: name, configuration, found: try admin.topic(name, timeout: timeout))
            }
        }
        var internals = configuration.streams.isEmpty ? [] : [StreamLeadership.topic(bridge: configuration.name)]
        if configuration.streams.contains(where: { $0.onLostPosition != .halt }) {
            internals.append(GapRecord.topic(bridge: configuration.name))
        }
        for name in internals { lookAt(topic: name, configuration, found: try admin.topic(name, timeout: timeout), partitions: 1) }
        // Dispatchers may share those for outcomes and for dead letters.
        for name in Set(configuration.dispatchers.flatMap { [$0.commands, $0.outcomes, $0.deadLetters] }).sorted() {
            lookAt(topic: name, configuration, found: try admin.topic(name, timeout: timeout))
        }
    }

    private mutating func lookAt(
        topic name: String, _ configuration: BridgeConfiguration, found: KafkaAdmin.TopicDescription?, partitions: Int? = nil
    ) {
        let subject = "topic \(name)"
        if let found {
            findings.append(.ok(subject, "\(found.partitions) partitions, replication factor \(found.replicationFactor)"))
        } else if configuration.topics.create {
            findings.append(
                .ok(subject, "does not exist yet and will be created, partitions: \(partitions ?? configuration.topics.partitions)"))
        } else {
            findings.append(
                .error(
                    subject, "does not exist, and topics.create is false",
                    mend: "Create it (kafka-topics --create --topic \(name)), or set topics.create: true"))
        }
    }

    /// An account may read and write a topic without the right to see its settings: worth a warning, and no reason to look no further.
    private func cleanupPolicy(of topic: String, admin: KafkaAdmin, timeout: Duration) -> Finding {
        do {
            return switch try admin.settings(ofTopic: topic, timeout: timeout)?["cleanup.policy"] {
            case "compact"?: .ok("topic \(topic)", "compacted")
            case nil: .ok("topic \(topic)", "exists; this cluster does not tell its settings")
            case let policy?:
                .error(
                    "topic \(topic)", "has cleanup.policy=\(policy), so positions are deleted after a while",
                    mend: "kafka-configs --alter --topic \(topic) --add-config cleanup.policy=compact")
            }
        } catch {
            return .warning(
                "topic \(topic)", "\(error)", mend: "Grant DescribeConfigs on the topic, or see yourself that it has cleanup.policy=compact"
            )
        }
    }

    private mutating func lookAtPositions(_ configuration: BridgeConfiguration, admin: KafkaAdmin, timeout: Duration) throws(KafkaError) {
        guard !configuration.streams.isEmpty else { return }
        let store = PositionStore(bridge: configuration.name, admin: admin, settings: configuration.kafka)
        guard try admin.topic(store.topic, timeout: timeout) != nil else {
            lookAt(topic: store.topic, configuration, found: nil, partitions: 1)
            return
        }
        findings.append(cleanupPolicy(of: store.topic, admin: admin, timeout: timeout))
        for (stream, value) in try store.readAll(timeout: timeout) {
            do {
                positions[stream] = try StoredPosition(json: value)
            } catch {
                findings.append(
                    .error(
                        "stream \(stream)", "\(error)", mend: "Remove the record with key \(stream) from \(store.topic)",
                        status: StreamHalt.Status.lostPosition.rawValue))
            }
        }
    }
}
