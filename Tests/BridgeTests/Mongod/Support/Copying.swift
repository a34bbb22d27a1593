import Logging
import Mongo

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// A corner of a Kafka cluster in which topics are copied; no MongoDB.
final class CopyScene: Sendable {
    let kafka: TestKafka
    let bridge = UniqueName.make("copies")
    let source = UniqueName.make("source")
    let target = UniqueName.make("target")

    init(partitions: Int32 = 2, targetPartitions: Int32? = nil) throws {
        kafka = try TestKafka()
        try kafka.create(topic: source, partitions: partitions)
        try kafka.create(topic: target, partitions: targetPartitions ?? partitions)
        try kafka.create(topic: "bridge.\(bridge).replays")
    }

    var configuration: BridgeConfiguration {
        BridgeConfiguration(
            name: bridge,
            mongodb: MongoDBSettings(
                uri: "mongodb://127.0.0.1:1", maxPoolSize: 1, serverSelectionTimeout: .seconds(1),
                writeConcern: .init(w: .majority, wtimeout: nil, journal: false)),
            kafka: kafka.settings, topics: TopicSettings(create: true, partitions: 1, replicationFactor: 1, config: [:]), streams: [],
            limits: .init(memory: 64 << 20), startupTimeout: Patience.limit, shutdownTimeout: Patience.limit)
    }

    /// Puts records into the source, waits until they are there, and returns them.
    @discardableResult
    func send(_ records: [OutgoingRecord]) throws -> [OutgoingRecord] {
        let producer = try KafkaProducer(
            properties: ProducerProperties.make(kafka.settings, memory: StreamMemory(limit: 64 << 20, streams: 1)), logger: .silent)
        let topic = try producer.topic(source)
        var stored = 0
        for record in records { _ = try producer.produce(record, to: topic, tag: 1) }
        let deadline = ContinuousClock.now + Patience.limit
        while stored < records.count {
            guard .now < deadline else { throw WaitedInVain(what: "the records") }
            producer.endLinger()
            try producer.serve(timeout: .milliseconds(50)) { if case .acknowledged(_, let count) = $0 { stored += count } }
        }
        return records
    }

    /// Records with keys `k0`, `k1`, …, a second apart, in turns in each partition.
    @discardableResult
    func send(_ count: Int, partitions: Int = 2) throws -> [OutgoingRecord] {
        try send(
            (0..<count).map { number in
                OutgoingRecord(
                    key: Array("k\(number)".utf8), value: Array("v\(number)".utf8), headers: [("number", Array("\(number)".utf8))],
                    partition: Int32(number % partitions), timestamp: Self.time + Int64(number) * 1000)
            })
    }

    /// Of the first record, in milliseconds.
    static let time: Int64 = 1_769_817_600_000

    func request(_ change: (inout TopicCopy.Request) -> Void = { _ in }) -> TopicCopy.Request {
        var request = TopicCopy.Request(source: source, target: target, by: "ann@desk")
        change(&request)
        return request
    }

    @discardableResult
    func copy(_ change: (inout TopicCopy.Request) -> Void = { _ in }) async throws -> Replay.Summary {
        try await replay().run(request(change))
    }

    /// A copy that has not begun, with the id `late`.
    func record(source: String? = nil, _ stretches: [Int32: TopicCopyRecord.Stretch]) -> TopicCopyRecord {
        TopicCopyRecord(
            id: "late", source: source ?? self.source, target: target, key: nil, by: "ann@desk", startedAt: 0, stretches: stretches)
    }

    func session(_ record: TopicCopyRecord) throws -> TopicCopySession {
        let admin = try KafkaAdmin(settings: kafka.settings, logger: .silent)
        let stop = StopSignal()
        return TopicCopySession(
            configuration: configuration, record: record, rate: nil, admin: admin,
            ledger: ReplayLedger(configuration, admin: admin, stop: stop), stop: stop, logger: .silent)
    }

    func replay() -> Replay { Replay(configuration: configuration, logger: .silent) }

    /// The newest record of a copy's progress.
    func recorded(_ id: String) throws -> BSONDocument? {
        try records("bridge.\(bridge).replays", partitions: 1).last { $0.keyText == id }.map { try $0.document() }
    }

    func records(_ topic: String? = nil, partitions: Int32 = 2) throws -> [TestRecord] {
        try TopicFollower(topic ?? target, partitions: partitions, on: kafka.settings).readToEnd(of: kafka, partitions: partitions)
    }
}
