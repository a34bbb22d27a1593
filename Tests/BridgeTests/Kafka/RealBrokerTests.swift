import CKafka
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// What the mock cluster cannot show.
@Suite(.blocking, .enabled(if: TestKafka.isReal, "set BRIDGE_TEST_KAFKA=host:port of a broker with no access control"))
struct RealBrokerTests {
    private let kafka: TestKafka
    private let admin: KafkaAdmin
    private let topic = UniqueName.make("real")

    init() throws {
        kafka = try TestKafka.shared.get()
        admin = try KafkaAdmin(settings: kafka.settings, logger: .silent)
    }

    private static let timeout = Patience.limit

    private func catalog(
        create: Bool = true, partitions: Int = 3, replicationFactor: Int = 1, config: [String: String] = [:]
    ) -> TopicCatalog {
        TopicCatalog(
            admin: admin,
            settings: TopicSettings(create: create, partitions: partitions, replicationFactor: replicationFactor, config: config),
            stop: StopSignal(), logger: .silent)
    }

    // MARK: Topics

    @Test func createsATopicAsConfigured() throws {
        try catalog(config: ["retention.ms": "3600000"]).ensure(topic, timeout: Self.timeout)
        let found = try #require(try admin.topic(topic, timeout: Self.timeout))
        #expect(found.partitions == 3)
        #expect(found.replicationFactor == 1)
        let settings = try #require(try admin.settings(ofTopic: topic, timeout: Self.timeout))
        #expect(settings["retention.ms"] == "3600000")
        #expect(settings["cleanup.policy"] == "delete")
    }

    @Test func createsThePositionsTopicCompacted() throws {
        try catalog(config: ["cleanup.policy": "delete", "retention.ms": "3600000"]).ensure(
            topic, partitions: 1, config: ["cleanup.policy": "compact"], timeout: Self.timeout)
        #expect(try admin.topic(topic, timeout: Self.timeout)?.partitions == 1)
        #expect(try admin.settings(ofTopic: topic, timeout: Self.timeout)?["cleanup.policy"] == "compact")
    }

    @Test func aNewTopicCanBeProducedToAtOnce() throws {
        for number in 0..<5 {
            let topic = "\(topic).\(number)"
            try catalog().ensure(topic, timeout: Self.timeout)
            let producer = try ReportingProducer(kafka.settings)
            for key in 0..<30 { #expect(try producer.produce(topic, key: "\(key)", value: "v")) }
            try producer.wait(acknowledged: 30)
            #expect(try TopicContents.read(topic, partitions: 3, from: kafka.settings).count == 30)
        }
    }

    @Test func aTopicThatIsThereAlreadyStaysAsItIs() throws {
        try catalog(partitions: 2).ensure(topic, timeout: Self.timeout)
        try catalog(partitions: 5, config: ["retention.ms": "1"]).ensure(topic, timeout: Self.timeout)
        #expect(try admin.topic(topic, timeout: Self.timeout)?.partitions == 2)
        #expect(
            try admin.create(topic: topic, partitions: 5, replicationFactor: 1, config: [:], timeout: Self.timeout) == .existed)
    }

    /// On a broker with auto.create.topics.enable a question in the wrong words creates what it asks for.
    @Test func aMissingTopicStaysMissingHoweverOftenItIsAskedFor() throws {
        for _ in 0..<3 {
            #expect(throws: MissingTopic.self) { try catalog(create: false).ensure(topic, timeout: Self.timeout) }
            #expect(try admin.topic(topic, timeout: Self.timeout) == nil)
        }
        let store = PositionStore(bridge: topic, admin: admin, settings: kafka.settings)
        #expect(throws: KafkaError.self) { try store.read(stream: "inventory", timeout: Self.timeout) }
        #expect(try admin.topic(store.topic, timeout: Self.timeout) == nil)
    }

    @Test func tailingAMissingTopicDoesNotCreateIt() async throws {
        let tail = Tail(settings: kafka.settings, timeout: Self.timeout, logger: .silent)
        await #expect(throws: Tail.UnknownTopic.self) {
            try await tail.run(topics: [topic], from: .beginning, follow: false, limit: nil) { _ in }
        }
        #expect(try admin.topic(topic, timeout: Self.timeout) == nil)
    }

    @Test(
        arguments: [
            ("replication", 3, 9, [:]), ("partitions", 0, 1, [:]), ("config", 1, 1, ["no.such.setting": "1"]),
            ("value", 1, 1, ["retention.ms": "soon"]), ("name with spaces", 1, 1, [:]),
        ] as [(String, Int, Int, [String: String])])
    func aTopicThatCannotBeCreatedHaltsTheStreamWithTheReason(
        _ name: String, _ partitions: Int, _ replicationFactor: Int, _ config: [String: String]
    ) throws {
        let catalog = catalog(partitions: partitions, replicationFactor: replicationFactor, config: config)
        do {
            try catalog.ensure("\(topic).\(name)", timeout: Self.timeout)
            Issue.record("the topic was created")
        } catch {
            let halt = try #require(StreamFailure(error, stream: .sample()).halt, "\(error)")
            #expect(halt.status == .configuration)
            #expect(halt.reason.contains(topic), "\(halt)")
        }
    }

    // MARK: Records

    /// The client's limit is its own; the topic's is the broker's, and comes with the report.
    @Test func aRecordThatIsTooLargeForItsTopicHaltsTheStreamWithASentence() throws {
        try catalog(partitions: 1, config: ["max.message.bytes": "2000"]).ensure(topic, timeout: Self.timeout)
        let producer = try ReportingProducer(kafka.settings)
        // Noise, so that compression does not make it small.
        var generator = SeededGenerator(seed: 1)
        let value = (0..<5_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        #expect(try producer.produce(topic, key: Array("k-1".utf8), value: value))
        try producer.wait(for: "the refusal") { !$0.refused.isEmpty }
        let refused = try #require(producer.refused.first)
        let failure = StreamFailure(
            RecordRefused(error: refused.error, topic: refused.topic, key: refused.key, size: refused.size, index: nil), stream: .sample())
        let halt = try #require(failure.halt)
        for part in ["5003 bytes", topic, "k-1"] { #expect(halt.reason.contains(part), "\(halt)") }
        #expect(halt.remedy.contains("max.message.bytes"))
    }

    @Test func aRecordWithoutAKeyForACompactedTopicHaltsTheStream() throws {
        try catalog(partitions: 1, config: ["cleanup.policy": "compact"]).ensure(topic, timeout: Self.timeout)
        let producer = try ReportingProducer(kafka.settings)
        #expect(try producer.produce(topic, key: nil, value: [1]))
        try producer.wait(for: "the refusal") { !$0.refused.isEmpty }
        let error = try #require(producer.refused.first).error
        #expect(StreamFailure(error, stream: .sample()).halt != nil, "\(error)")
    }

    @Test func aRecordWhoseTimeIsOutOfBoundsHaltsTheStream() throws {
        try catalog(partitions: 1, config: ["message.timestamp.before.max.ms": "3600000"]).ensure(topic, timeout: Self.timeout)
        let producer = try ReportingProducer(kafka.settings)
        #expect(try producer.produce(topic, key: [1], value: [1], timestamp: 1_651_826_079_000))
        try producer.wait(for: "the refusal") { !$0.refused.isEmpty }
        let error = try #require(producer.refused.first).error
        #expect(StreamFailure(error, stream: .sample()).halt != nil, "\(error)")
    }

    @Test func aTopicThatIsGoneStartsANewSession() throws {
        try catalog(partitions: 1).ensure(topic, timeout: Self.timeout)
        let producer = try ReportingProducer(kafka.settings, ["topic.metadata.propagation.max.ms": "100"])
        #expect(try producer.produce("\(topic).gone", key: "k", value: "v"))
        // With auto.create.topics.enable the broker makes the topic, which is why no producer sees a name before the
        // catalog did.
        try producer.wait(for: "an answer") { !$0.refused.isEmpty || $0.count == 1 }
        guard let error = producer.refused.first?.error else { return }
        guard case .restart = StreamFailure(error, stream: .sample()) else {
            Issue.record("\(error) does not start a new session")
            return
        }
    }

    // MARK: Positions

    /// A transaction's end is a record of its own, which no reader is given: the last offset never comes.
    @Test(arguments: [true, false])
    func positionsOfTransactionsCountOnlyWhenTheyAreCommitted(isCommitted: Bool) throws {
        let store = PositionStore(bridge: topic, admin: admin, settings: kafka.settings)
        let catalog = catalog()
        try catalog.ensure(store.topic, partitions: 1, config: catalog.configOfCompacted, timeout: Self.timeout)
        let found = try #require(try admin.settings(ofTopic: store.topic, timeout: Self.timeout))
        #expect(found.filter { catalog.configOfCompacted[$0.key] != nil } == catalog.configOfCompacted)
        func position(_ number: Int32) -> StoredPosition {
            StoredPosition(
                stream: "inventory", position: PublisherSession.position(number), options: "", replicaSet: nil, writer: "", writtenAt: 0)
        }
        let plain = try ReportingProducer(kafka.settings)
        #expect(try plain.produce(store.topic, key: Array("inventory".utf8), value: position(1).json))
        try plain.wait(acknowledged: 1)
        let writer = try ReportingProducer(kafka.settings, ["transactional.id": topic, "message.timeout.ms": "30000"])
        let handle = writer.producer.client.handle
        try check(rd_kafka_init_transactions(handle, 30_000))
        try check(rd_kafka_begin_transaction(handle))
        #expect(try writer.produce(store.topic, key: Array("inventory".utf8), value: position(2).json))
        try writer.wait(acknowledged: 1)
        try check(isCommitted ? rd_kafka_commit_transaction(handle, 30_000) : rd_kafka_abort_transaction(handle, 30_000))
        // Rule 1, fence before reading: the broker answers a commit before every partition shows it, and a fence waits
        // for that.
        let heir = try ReportingProducer(kafka.settings, ["transactional.id": topic, "message.timeout.ms": "30000"])
        try check(rd_kafka_init_transactions(heir.producer.client.handle, 30_000))
        #expect(try store.read(stream: "inventory", timeout: Self.timeout) == position(isCommitted ? 2 : 1))
    }

    private func check(_ error: OpaquePointer?) throws {
        guard let error else { return }
        defer { rd_kafka_error_destroy(error) }
        throw KafkaError(rd_kafka_error_code(error), operation: "run a transaction", detail: String(cString: rd_kafka_error_string(error)))
    }
}
