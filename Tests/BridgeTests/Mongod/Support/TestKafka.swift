import CKafka
import CKafka.Mock
import Foundation
import Logging

@testable import Kafka
@testable import StreamBridge

/// The Kafka of one scene: an embedded cluster of its own, or the broker of `BRIDGE_TEST_KAFKA`.
struct TestKafka: Sendable {
    /// The address of a real broker, when the suite is to run on one.
    static let realBroker = ProcessInfo.processInfo.environment["BRIDGE_TEST_KAFKA"]
    static var isReal: Bool { realBroker != nil }

    let bootstrapServers: String
    let embedded: EmbeddedCluster?

    init() throws {
        if let broker = Self.realBroker {
            bootstrapServers = broker
            embedded = nil
        } else {
            let cluster = try EmbeddedCluster()
            embedded = cluster
            bootstrapServers = cluster.bootstrapServers
        }
    }

    var settings: KafkaSettings {
        KafkaSettings(
            common: ["bootstrap.servers": bootstrapServers, "reconnect.backoff.ms": "50", "reconnect.backoff.max.ms": "250"], producer: [:],
            consumer: [:])
    }

    /// The mock cluster knows no CreateTopics and gives a topic that is only asked for four partitions, so tests make
    /// all topics beforehand.
    func create(topic: String, partitions: Int32 = 1) throws {
        if let embedded {
            // A topic that exists is none of the caller's business.
            try? embedded.create(topic: topic, partitions: partitions)
        } else {
            let admin = try KafkaAdmin(settings: settings, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            // As the bridge would make a positions topic; and large enough for the tests of large records, like the
            // embedded cluster.
            let config = topic.hasSuffix(".positions") ? ["cleanup.policy": "compact"] : ["max.message.bytes": "40000000"]
            _ = try admin.create(topic: topic, partitions: Int(partitions), replicationFactor: 1, config: config, timeout: Patience.limit)
        }
    }

    /// Of a real broker.
    func delete(topic: String) throws {
        let admin = try KafkaAdmin(settings: settings, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        var old = rd_kafka_DeleteTopic_new(topic)
        defer { rd_kafka_DeleteTopic_destroy(old) }
        let answers = rd_kafka_queue_new(admin.client.handle)
        defer { rd_kafka_queue_destroy(answers) }
        rd_kafka_DeleteTopics(admin.client.handle, &old, 1, nil, answers)
        guard let answer = rd_kafka_queue_poll(answers, 30_000) else { throw WaitedInVain(what: "the deletion of topic \(topic)") }
        rd_kafka_event_destroy(answer)
        let deadline = ContinuousClock.now + Patience.limit
        while try admin.topic(topic, timeout: .seconds(30)) != nil {
            guard .now < deadline else { throw WaitedInVain(what: "the end of topic \(topic)") }
        }
    }

    /// Lets the embedded cluster answer that there is no such topic; by itself it makes every topic that it is asked
    /// for.
    func hide(topic: String) { set(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, for: topic) }

    /// Ends ``hide(topic:)``.
    func show(topic: String) { set(RD_KAFKA_RESP_ERR_NO_ERROR, for: topic) }

    private func set(_ error: rd_kafka_resp_err_t, for topic: String) {
        if let embedded { rd_kafka_mock_topic_set_error(embedded.cluster, topic, error) }
    }

    /// The embedded brokers, for tests that tell them what to answer.
    var brokers: MockBrokers? { embedded.map { MockBrokers(cluster: $0) } }

    /// The names of all topics; the embedded cluster makes a topic that it is asked for by its name.
    func topics() throws -> [String] {
        let client = try KafkaAdmin(settings: settings, logger: .silent).client
        var metadata: UnsafePointer<rd_kafka_metadata>?
        guard rd_kafka_metadata(client.handle, 1, nil, &metadata, 30_000) == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else {
            throw WaitedInVain(what: "the list of topics")
        }
        defer { rd_kafka_metadata_destroy(metadata) }
        return (0..<Int(metadata.pointee.topic_cnt)).map { String(cString: metadata.pointee.topics[$0].topic) }
    }

    /// Takes the embedded brokers away, or brings them back.
    func setReachable(_ isReachable: Bool) {
        guard let embedded else { return }
        if isReachable { rd_kafka_mock_broker_set_up(embedded.cluster, 1) } else { rd_kafka_mock_broker_set_down(embedded.cluster, 1) }
    }
}

/// A record as a consumer sees it.
struct TestRecord: Sendable {
    let partition: Int32
    let offset: Int64
    let key: [UInt8]?
    var value: [UInt8]?
    var headers: [String: String]
    let headerNames: [String]
    let timestamp: Int64?

    init(_ record: borrowing TopicReader.Record) {
        partition = record.partition
        offset = record.offset
        key = record.key
        value = record.value
        timestamp = record.timestamp
        let headers = record.headers
        headerNames = headers.map(\.name)
        self.headers = Dictionary(headers.map { ($0.name, String(decoding: $0.value ?? [], as: UTF8.self)) }) { first, _ in first }
    }

    var keyText: String? { key.map { String(decoding: $0, as: UTF8.self) } }
    var text: String? { value.map { String(decoding: $0, as: UTF8.self) } }
    var token: String { headers["mongodb.token"] ?? "" }
    var operation: String { headers["mongodb.op"] ?? "" }
}

/// Reads a topic from its beginning, waiting for what is still to come.
final class TopicFollower {
    private let reader: TopicReader
    private let topic: String
    private(set) var records: [TestRecord] = []
    private var tokens: Set<String> = []
    /// How far each partition was read when it had no more. The last offset may be that of a transaction's marker,
    /// which is no record.
    private var ends: [Int32: Int64] = [:]

    init(_ topic: String, partitions: Int32 = 1, on settings: KafkaSettings) throws {
        self.topic = topic
        reader = try TopicReader(settings: settings)
        for partition in 0..<partitions { try reader.start(topic: topic, partition: partition, at: 0) }
    }

    /// Blocks until the records are as wanted.
    ///
    /// - Returns: all records so far.
    @discardableResult
    func wait(for what: String, until isDone: ([TestRecord]) -> Bool) throws -> [TestRecord] {
        var deadline = ContinuousClock.now + Patience.limit
        while !isDone(records) {
            // An outage that the test itself makes is an error here, too: what counts is whether records come in the
            // end.
            switch try? reader.next(timeout: .seconds(1), TestRecord.init) {
            case .record(let record)?:
                records.append(record)
                tokens.insert(record.token)
                deadline = .now + Patience.limit
            case .end(_, let partition, let offset)?: ends[partition] = offset
            case .nothing?, nil: break
            }
            guard .now < deadline else { throw WaitedInVain(what: "\(what) in topic \(topic); it has \(records.count) records") }
        }
        return records
    }

    @discardableResult
    func wait(count: Int) throws -> [TestRecord] { try wait(for: "\(count) records") { $0.count >= count } }

    /// Blocks until `count` different events came, repeats not counted.
    @discardableResult
    func wait(events count: Int) throws -> [TestRecord] { try wait(for: "\(count) different events") { _ in tokens.count >= count } }

    /// Everything up to the ends of the moment, which may be a transaction's marker: for asserting that nothing else is
    /// there.
    func readToEnd(of kafka: TestKafka, partitions: Int32 = 1) throws -> [TestRecord] {
        let admin = try KafkaAdmin(settings: kafka.settings, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        var ends: [Int32: Int64] = [:]
        for partition in 0..<partitions {
            let offsets = try admin.watermarks(topic: topic, partition: partition, timeout: Patience.limit)
            if !offsets.isEmpty { ends[partition] = offsets.upperBound }
        }
        return try wait(for: "the end") { records in
            ends.allSatisfy { partition, end in
                self.ends[partition] ?? 0 >= end || records.contains { $0.partition == partition && $0.offset == end - 1 }
            }
        }
    }
}
