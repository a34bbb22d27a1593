import Kafka
import Logging
import Mongo

/// Kafka's part of the check, and the positions that it found.
struct KafkaCheck {
    private(set) var findings: [Finding] = []
    private(set) var positions: [String: StoredPosition] = [:]
    /// Streams of which nobody can tell where they would begin: Kafka did not say, or what is stored is none.
    private(set) var unknown: Set<String>
    private let configuration: BridgeConfiguration
    private let needs: [KafkaNeed]
    private let timeout: Duration
    private let logger: Logger
    /// The ids of those in the cluster.
    private var brokers: [Int32] = []

    init(configuration: BridgeConfiguration, timeout: Duration, logger: Logger) {
        self.configuration = configuration
        unknown = Set(configuration.streams.map(\.name))
        needs = KafkaNeeds.of(configuration, includesTools: false)
        self.timeout = timeout
        self.logger = logger
        let servers = configuration.kafka.servers
        findings += Self.producers(configuration)
        do {
            let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
            brokers = try admin.brokers(askedAbout: InternalTopics.any(of: configuration), timeout: timeout)
            findings.append(.ok(.kafkaReached, "Kafka", "\(servers): \(brokers.count) broker\(brokers.count == 1 ? "" : "s")"))
            if configuration.topics.create, configuration.topics.replicationFactor > brokers.count {
                findings.append(
                    .error(
                        .topicReplicationFactor, "topics",
                        "replicationFactor \(configuration.topics.replicationFactor) needs as many brokers",
                        remedy: "Set topics.replicationFactor to at most \(brokers.count)"))
            }
            if let broker = brokers.first {
                let limits = try? admin.settings(ofBroker: broker, timeout: Self.trialTime)
                findings += BrokerLimits(settings: limits ?? [:]).findings(on: configuration)
            }
            try lookAtTopics(admin)
            try lookAtPositions(admin)
            try lookAtGroups(admin)
            for dispatcher in configuration.dispatchers {
                findings += try DispatcherCheck(settings: dispatcher, bridge: configuration.name, timeout: timeout)
                    .findings(admin: admin, kafka: configuration.kafka, logger: logger)
            }
        } catch {
            // What would halt a stream is no outage.
            let halt: Halt? = if case .halt(let halt) = StreamFailure(kafka: error) { halt } else { nil }
            findings.append(
                .error(
                    halt == nil ? .kafkaUnreachable : .kafkaRefused, "Kafka", "\(servers): \(error)",
                    remedy: halt?.remedy ?? "Start the cluster, or correct bootstrap.servers and the security settings under kafka",
                    status: halt == nil ? .unreachable : .configuration))
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
                return .error(.kafkaProperties, subject, "\(error)", remedy: "Correct kafka in the configuration")
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

    private mutating func lookAtTopics(_ admin: KafkaAdmin) throws(KafkaError) {
        for stream in configuration.streams {
            let namespaces: [Namespace] =
                switch stream.watch {
                case .collection(let namespace): [namespace]
                case .collections(let namespaces): namespaces
                // Which topics a whole database or cluster needs shows when its events come.
                case .database, .cluster: []
                }
            for name in Set(namespaces.map { TopicName.render(stream.topic, for: $0) }).sorted() {
                do throws(Halt) {
                    try TopicName.refuseLong(name)
                } catch {
                    findings.append(.halt(.topicNameTooLong, "stream \(stream.name)", error))
                    continue
                }
                try lookAt(topic: name, admin)
            }
        }
        try lookAtInternals(admin)
        // Dispatchers may share those for outcomes and for dead letters.
        for name in Set(configuration.dispatchers.flatMap { [$0.commands, $0.outcomes, $0.deadLetters] }).sorted() {
            try lookAt(topic: name, admin)
        }
    }

    /// The topics of the bridge's own but for the positions, which ``lookAtPositions(_:)`` looks at.
    private mutating func lookAtInternals(_ admin: KafkaAdmin) throws(KafkaError) {
        let bridge = configuration.name
        let (edits, gaps) = (InternalTopics.positionEdits(of: bridge), InternalTopics.gaps(of: bridge))
        let (positions, snapshots) = (InternalTopics.positions(of: bridge), InternalTopics.snapshots(of: bridge))
        var users = [edits: "bridge positions"]
        if configuration.streams.allSatisfy({ $0.onLostPosition == .halt }) { users[gaps] = "bridge positions" }
        if configuration.streams.allSatisfy({ $0.snapshot.when == .never }) { users[snapshots] = "bridge snapshot" }
        for name in KafkaNeeds.internals(of: configuration).map(\.resource.name) where name != positions {
            if name == snapshots {
                _ = try lookAt(compacted: name, admin, onlyFor: users[name])
            } else {
                try lookAt(topic: name, admin, partitions: 1, onlyFor: users[name])
            }
        }
    }

    /// - Parameter command: needs the topic, and the bridge runs without it; nil when it does not.
    private mutating func lookAt(
        topic name: String, _ admin: KafkaAdmin, partitions: Int? = nil, config: [String: String] = [:], onlyFor command: String? = nil
    ) throws(KafkaError) {
        let subject = "topic \(name)"
        let found: KafkaAdmin.TopicDescription?
        do {
            found = try admin.topic(name, timeout: timeout)
        } catch {
            findings.append(try refusal(error, of: subject, .topic, name))
            return
        }
        if let found {
            findings.append(finding(on: found))
        } else if configuration.topics.create {
            findings.append(try creation(of: name, partitions: partitions ?? configuration.topics.partitions, admin))
        } else {
            let text = "does not exist, and topics.create is false"
            let missing = MissingTopic(topic: name, partitions: partitions, config: config, reason: "topics.create is false")
            let remedy = Halt(missing).remedy
            findings.append(
                command.map { .warning(.topicMissing, subject, "\(text): `\($0)` needs it", remedy: remedy) }
                    ?? .error(.topicMissing, subject, text, remedy: remedy))
        }
    }

    private func finding(on topic: KafkaAdmin.TopicDescription) -> Finding {
        let isOwn =
            InternalTopics.names(of: configuration.name).contains(topic.name)
            || configuration.dispatchers.contains { [$0.outcomes, $0.deadLetters].contains(topic.name) }
        return Self.finding(on: topic, isOwn: isOwn, brokers: brokers)
    }

    /// What the bridge writes for itself and reads again is gone with the only broker that has it.
    ///
    /// - Parameter brokers: the ids of those in the cluster.
    static func finding(on topic: KafkaAdmin.TopicDescription, isOwn: Bool, brokers: [Int32]) -> Finding {
        let subject = "topic \(topic.name)"
        let text = "\(topic.partitions) partitions, replication factor \(topic.replicationFactor)"
        guard isOwn, topic.replicationFactor == 1, brokers.count > 1 else { return .ok(.topicFound, subject, text) }
        return .warning(
            .topicOneReplica, subject,
            "\(text): one of \(brokers.count) brokers has it, and what is in it is lost with that broker",
            remedy: "Give it more replicas: kafka-reassign-partitions --execute --reassignment-json-file <(echo "
                + "'\(reassignment(of: topic, to: brokers))')")
    }

    /// The plan that gives a topic three replicas, or as many as there are brokers.
    private static func reassignment(of topic: KafkaAdmin.TopicDescription, to brokers: [Int32]) -> String {
        let partitions = (0..<topic.partitions).map { partition in
            let replicas = (0..<min(3, brokers.count)).map { "\(brokers[(partition + $0) % brokers.count])" }.joined(separator: ",")
            return #"{"topic":"\#(topic.name)","partition":\#(partition),"replicas":[\#(replicas)]}"#
        }
        return #"{"version":1,"partitions":[\#(partitions.joined(separator: ","))]}"#
    }

    /// Not every cluster answers the question for a topic's settings.
    private static let settingsTime: Duration = .seconds(3)
    /// How long the cluster may think about a topic that it is not to make.
    private static let trialTime: Duration = .seconds(2)

    /// Whether the cluster would make the topic. One that does not answer that question may still make it.
    private func creation(of name: String, partitions: Int, _ admin: KafkaAdmin) throws(KafkaError) -> Finding {
        let subject = "topic \(name)"
        let topics = configuration.topics
        do {
            _ = try admin.create(
                topic: name, partitions: partitions, replicationFactor: topics.replicationFactor, config: topics.config, isTrial: true,
                timeout: Self.trialTime)
        } catch {
            if error.isAuthorization { return try refusal(error, of: subject, .topic, name) }
            if case .halt(let halt) = StreamFailure(kafka: error) { return .halt(.topicCannotBeCreated, subject, halt) }
        }
        return .ok(.topicWillBeCreated, subject, "does not exist yet and will be created, partitions: \(partitions)")
    }

    /// What the account lacks, when that is the error.
    private func refusal(_ error: KafkaError, of subject: String, _ kind: KafkaNeed.Kind, _ name: String) throws(KafkaError) -> Finding {
        guard error.isAuthorization else { throw error }
        return .error(kind == .group ? .kafkaGroupRights : .kafkaTopicRights, subject, "\(error)", remedy: needs.remedy(kind, name))
    }

    /// A stream's group is where its processes agree who leads. A dispatcher looks at its own.
    private mutating func lookAtGroups(_ admin: KafkaAdmin) throws(KafkaError) {
        let topic = InternalTopics.control(of: configuration.name)
        // What is wrong with the topic is told already.
        guard let found = try? admin.topic(topic, timeout: timeout), found.partitions > 0 else { return }
        for stream in configuration.streams {
            let group = GroupName.of(stream.name, of: configuration.name)
            do {
                _ = try GroupOffsets(of: group, topic: topic, kafka: configuration.kafka, timeout: timeout, logger: logger).committed([0])
            } catch {
                findings.append(try refusal(error, of: "stream \(stream.name)", .group, group))
            }
        }
    }

    /// An account may read and write a topic without the right to see its settings: worth a warning, and no reason to
    /// look no further.
    private func cleanupPolicy(of topic: String, _ admin: KafkaAdmin) -> Finding {
        do {
            guard let settings = try admin.settings(ofTopic: topic, timeout: Self.settingsTime), settings["cleanup.policy"] != nil else {
                return .ok(.topicSettingsHidden, "topic \(topic)", "exists; this cluster does not tell its settings")
            }
            let complaint = CompactedTopic.complaint(
                about: topic, found: settings, configuration: configuration.topics, kafka: configuration.kafka)
            guard let complaint else { return .ok(.topicCompacted, "topic \(topic)", "compacted") }
            return complaint.losesValues
                ? .error(.topicNotCompacted, "topic \(topic)", complaint.text, remedy: complaint.remedy)
                : .warning(.topicCompactedLate, "topic \(topic)", complaint.text, remedy: complaint.remedy)
        } catch {
            return .warning(
                .topicSettingsUnreadable, "topic \(topic)", "\(error)",
                remedy: (error.isTimeout
                    ? "Check again when the broker answers" : KafkaNeed.remedy(granting: "DescribeConfigs on topic \(topic)"))
                    + ". Or see yourself that it has cleanup.policy=compact")
        }
    }

    /// - Returns: whether it is there.
    private mutating func lookAt(compacted name: String, _ admin: KafkaAdmin, onlyFor command: String? = nil) throws(KafkaError) -> Bool {
        guard let found = try? admin.topic(name, timeout: timeout), found.partitions > 0 else {
            try lookAt(
                topic: name, admin, partitions: 1, config: CompactedTopic.config(under: configuration.topics), onlyFor: command)
            return false
        }
        findings.append(cleanupPolicy(of: name, admin))
        let replicas = finding(on: found)
        if replicas.level == .warning { findings.append(replicas) }
        return true
    }

    private mutating func lookAtPositions(_ admin: KafkaAdmin) throws(KafkaError) {
        guard !configuration.streams.isEmpty else { return }
        let store = PositionStore(bridge: configuration.name, admin: admin, settings: configuration.kafka)
        guard try lookAt(compacted: store.topic, admin) else {
            unknown = []
            return
        }
        let values: [String: NewestValue]
        do {
            values = try store.readAll(timeout: timeout)
        } catch let error as KafkaError {
            findings.append(try refusal(error, of: "topic \(store.topic)", .topic, store.topic))
            return
        } catch {
            // Nobody stops a check.
            return
        }
        unknown = []
        for (stream, value) in values {
            do {
                positions[stream] = try StoredPosition(value)
            } catch {
                unknown.insert(stream)
                findings.append(
                    .error(
                        .streamPositionUnreadable, "stream \(stream)", "\(error)",
                        remedy: error.remedy(stream: stream, bridge: configuration.name),
                        status: .lostPosition))
            }
        }
    }
}
