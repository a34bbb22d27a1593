import Mongo

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

extension Scene {
    var snapshotsTopic: String { InternalTopics.snapshots(of: name) }

    /// A broker takes no less than 6 s. In the mock cluster a member that joins a group that was left waits for
    /// almost as long.
    static var sessionTimeout: String { TestKafka.isReal ? "6000" : "4000" }

    /// The topic of the ledger, which the mock cluster would give four partitions.
    func makeSnapshotsTopic() throws { try kafka.create(topic: snapshotsTopic) }

    /// Commands of `bridge snapshot` in this process.
    func snapshots<Success: Sendable>(
        _ streams: [StreamSettings], _ body: @escaping @Sendable (Snapshots) async throws -> Success
    ) throws -> Success {
        var configuration = configuration(streams)
        configuration.kafka.consumer["session.timeout.ms"] = Self.sessionTimeout
        let snapshots = Snapshots(configuration: configuration, user: "ann@desk", logger: log.logger)
        let end = Monitor<Result<Success, any Error>?>(nil)
        Task.detached {
            let result: Result<Success, any Error>
            do { result = .success(try await body(snapshots)) } catch { result = .failure(error) }
            end.update { $0 = result }
        }
        return try end.wait(for: "the snapshots") { $0 }.get()
    }

    @discardableResult
    func startSnapshot(
        of stream: StreamSettings, _ collections: [String] = [], filter: String? = nil, topic: String? = nil, why: String? = nil
    ) throws -> SnapshotRecord {
        let request = Snapshots.Request(stream: stream, collections: collections, filter: filter, topic: topic, why: why)
        return try snapshots([stream]) { try await $0.start(request) }
    }

    /// What the ledger has of each snapshot, in the order of their first records.
    func ledger() throws -> [SnapshotRecord] {
        var ids: [String] = []
        var newest: [String: SnapshotRecord] = [:]
        for record in try records(snapshotsTopic) {
            guard let id = record.keyText, let value = record.value.flatMap({ SnapshotRecord(json: $0) }) else { continue }
            if newest[id] == nil { ids.append(id) }
            newest[id] = value
        }
        return ids.compactMap { newest[$0] }
    }

    /// Writes into the ledger what a stream's leader would.
    func record(_ snapshot: SnapshotRecord) throws {
        let producer = try ReportingProducer(kafka.settings)
        guard try producer.produce(snapshotsTopic, key: Array(snapshot.id.utf8), value: snapshot.json) else {
            throw WaitedInVain(what: "room for a record")
        }
        try producer.wait(acknowledged: 1)
    }

    /// Stores a position as if the stream's leader had copied so much.
    func store(_ progress: SnapshotProgress) throws {
        var position = StreamPosition(token: ResumeToken.sample(beginning.seconds), wallTime: nil, events: 3)
        position.snapshot = progress
        try store(position)
    }
}
