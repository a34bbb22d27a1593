import Kafka

/// The snapshots of a bridge's streams: the compacted topic `bridge.<name>.snapshots`, key the snapshot's id. Copies
/// share what was read.
struct SnapshotLedger: Sendable {
    /// `bridge.<name>.snapshots`.
    var topic: String { newest.topic }
    private let newest: NewestValues
    private let admin: KafkaAdmin

    init(bridge name: String, admin: KafkaAdmin, settings: KafkaSettings) {
        self.admin = admin
        newest = NewestValues(topic: InternalTopics.snapshots(of: name), admin: admin, settings: settings)
    }

    /// The snapshots of a stream, or of all, the oldest first. Blocks.
    ///
    /// - Throws: ``KafkaError``, ``Stopped``.
    func records(of stream: String? = nil, timeout: Duration, _ waiting: NewestValues.Waiting = .init()) throws -> [SnapshotRecord] {
        guard try admin.topic(topic, within: timeout, stop: waiting.stop) != nil else { return [] }
        return try newest.values(isolation: .readCommitted, timeout: timeout, waiting).values
            .compactMap { SnapshotRecord(json: $0.bytes) }.filter { stream == nil || $0.stream == stream }
            .sorted { ($0.startedAt, $0.id) < ($1.startedAt, $1.id) }
    }

    /// The snapshot of a stream that runs, as far as the stream's position says; nil when none does. Blocks.
    ///
    /// - Throws: ``KafkaError``, ``Stopped``.
    func running(of stream: String, at position: StoredPosition?, timeout: Duration, _ waiting: NewestValues.Waiting = .init()) throws
        -> SnapshotRecord?
    {
        try records(of: stream, timeout: timeout, waiting).last { $0.state == .running }?.merging(position?.position.snapshot)
    }
}
