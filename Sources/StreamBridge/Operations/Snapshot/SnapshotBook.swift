import Kafka
import Logging
import Runtime

/// What becomes of a stream's snapshots, the oldest first: the one that was meant, and others that change with it.
typealias SnapshotChange = @Sendable (_ known: [SnapshotRecord]) throws -> (changed: SnapshotRecord, others: [SnapshotRecord])

/// The snapshots of a bridge's streams, with how far the positions say that they are, and the way to change them. Used
/// on one thread.
struct SnapshotBook {
    private let configuration: BridgeConfiguration
    private let ledger: SnapshotLedger
    private let store: PositionStore
    private let topics: TopicCatalog
    private let admin: KafkaAdmin
    private let stop: StopSignal
    private let logger: Logger

    init(_ configuration: BridgeConfiguration, admin: KafkaAdmin, stop: StopSignal, logger: Logger) {
        self.configuration = configuration
        self.admin = admin
        self.stop = stop
        self.logger = logger
        ledger = SnapshotLedger(bridge: configuration.name, admin: admin, settings: configuration.kafka)
        store = PositionStore(bridge: configuration.name, admin: admin, settings: configuration.kafka)
        topics = TopicCatalog(admin: admin, settings: configuration.topics, stop: stop, logger: logger)
    }

    /// Those of a stream, or of all, the oldest first. Blocks.
    ///
    /// - Throws: ``KafkaError``, ``Stopped``.
    func records(of stream: String?) throws -> [SnapshotRecord] {
        let timeout = configuration.startupTimeout
        let waiting = NewestValues.Waiting(stop: stop)
        let records = try ledger.records(of: stream, timeout: timeout, waiting)
        guard records.contains(where: { $0.state == .running }), try admin.topic(store.topic, within: timeout, stop: stop) != nil else {
            return records
        }
        let positions = try store.readAll(timeout: timeout, waiting)
        return records.map { record in
            record.merging(positions[record.stream].flatMap { try? StoredPosition($0) }?.position.snapshot)
        }
    }

    /// Whether a stream has a stored position. Blocks.
    ///
    /// - Throws: ``KafkaError``, ``Stopped``.
    func hasPosition(_ stream: String) throws -> Bool {
        guard try admin.topic(store.topic, within: configuration.startupTimeout, stop: stop) != nil else { return false }
        return try store.readAll(timeout: configuration.startupTimeout, .init(stop: stop))[stream] != nil
    }

    /// Makes the stream's leader stand back, and stores what `change` makes of the snapshots that there are then.
    /// Blocks.
    ///
    /// - Returns: the one that was changed.
    /// - Throws: ``Halt`` when the group gave no word, ``KafkaError``, ``Stopped``, and what `change` throws.
    func change(_ stream: String, _ change: SnapshotChange) throws -> SnapshotRecord {
        try topics.ensure(
            ledger.topic, partitions: 1, config: CompactedTopic.config(under: configuration.topics), timeout: configuration.startupTimeout)
        let lead = try takeLead(of: stream)
        defer { lead.release() }
        let transaction = StreamTransaction(configuration: configuration, stream: stream, lead: lead, stop: stop, logger: logger)
        return try transaction.commit {
            let result = try change(records(of: stream))
            return ((result.others + [result.changed]).map { .init(ledger.topic, key: $0.id, value: $0.json) }, result.changed)
        }
    }

    private func takeLead(of stream: String) throws -> LeadershipHold {
        do {
            return try LeadershipHold.take(of: stream, configuration, topics: topics, stop: stop, logger: logger)
        } catch let refused as LeadershipHold.Refused {
            throw Halt(
                reason:
                    "the process that leads stream \(stream) could not be made to stand back: \(refused), and only the leader acts on snapshots",
                remedy: "Nothing was changed. Try again, or stop the bridge first", status: .configuration)
        }
    }
}
