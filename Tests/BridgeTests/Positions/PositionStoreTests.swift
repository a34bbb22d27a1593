import CKafka
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

@Suite(.blocking) struct PositionStoreTests {
    private let kafka: TestKafka
    private let bridge = UniqueName.make("positions")
    private let store: PositionStore

    init() throws {
        kafka = try TestKafka.shared.get()
        store = PositionStore(
            bridge: bridge, admin: try KafkaAdmin(settings: kafka.settings, logger: .silent), settings: kafka.settings)
    }

    private func position(_ number: Int32, of stream: String = "inventory") -> StoredPosition {
        StoredPosition(
            stream: stream, position: PublisherSession.position(number), options: "00aa", replicaSet: "rs0", writer: "test/1",
            writtenAt: 1_651_826_079_123)
    }

    private func write(_ records: [(key: String?, value: [UInt8]?)]) throws {
        let producer = try ReportingProducer(kafka.settings)
        for record in records { #expect(try producer.produce(store.topic, key: record.key.map { Array($0.utf8) }, value: record.value)) }
        try producer.wait(acknowledged: records.count)
    }

    private func read(_ stream: String = "inventory") throws -> StoredPosition? { try store.read(stream: stream, timeout: Patience.limit) }

    @Test func theTopicIsNamedAfterTheBridge() { #expect(store.topic == "bridge.\(bridge).positions") }

    @Test func anEmptyTopicHasNoPosition() throws {
        try kafka.make(topic: store.topic)
        #expect(try read() == nil)
        #expect(try store.readAll(timeout: Patience.limit).isEmpty)
    }

    @Test(arguments: [1, 5] as [Int32])
    func theNewestPositionOfAStreamCounts(partitions: Int32) throws {
        try kafka.make(topic: store.topic, partitions: partitions)
        let streams = (0..<8).map { "stream-\($0)" }
        try write((1...20).flatMap { number in streams.map { ($0, position(number, of: $0).json) } })
        for stream in streams { #expect(try read(stream) == position(20, of: stream)) }
        #expect(try read("another") == nil)
        #expect(try store.readAll(timeout: Patience.limit).keys.sorted() == streams)
    }

    @Test func aTombstoneTakesAPositionBack() throws {
        try kafka.make(topic: store.topic)
        try write([("inventory", position(1).json), ("trucks", position(2, of: "trucks").json), ("inventory", nil)])
        #expect(try read() == nil)
        #expect(try read("trucks") == position(2, of: "trucks"))
        try write([("inventory", position(3).json)])
        #expect(try read() == position(3))
    }

    @Test func aRecordWithoutAKeyIsNobodysPosition() throws {
        try kafka.make(topic: store.topic)
        try write([("inventory", position(1).json), (nil, position(9).json)])
        #expect(try read() == position(1))
    }

    @Test(arguments: ["", "garbage", #"{"version":2}"#])
    func anUnreadableNewestRecordIsRefusedRatherThanSkipped(_ value: String) throws {
        try kafka.make(topic: store.topic)
        try write([("inventory", position(1).json), ("inventory", Array(value.utf8))])
        #expect(throws: PositionError.self) { try read() }
        // Another stream's is none of this one's business.
        #expect(try read("trucks") == nil)
    }

    /// Rule 1: a read sees all that was stored before it, also when an earlier read has answered already.
    @Test func everyQuestionSeesWhatWasStoredBeforeIt() async throws {
        try kafka.make(topic: store.topic)
        let store = store
        for round in 1...5 as ClosedRange<Int32> {
            try write((0..<8).map { ("stream-\($0)", position(round, of: "stream-\($0)").json) })
            let positions = try await withThrowingTaskGroup(of: StreamPosition?.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await LoopThread.run(name: "ask") {
                            Result { try store.read(stream: "stream-\(number)", timeout: .seconds(30))?.position }
                        }.get()
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(positions == Array(repeating: PublisherSession.position(round), count: 8))
        }
    }

    @Test func aStopEndsTheReading() throws {
        try kafka.make(topic: store.topic)
        try write([("inventory", position(1).json)])
        let stop = StopSignal()
        stop.request(grace: .zero)
        #expect(throws: Stopped.self) {
            _ = try store.read(stream: "inventory", timeout: .seconds(30), NewestValues.Waiting(stop: stop))
        }
        #expect(try read() == position(1))
    }

    @Test func whatCannotBeReadIsToldWithItsRecord() throws {
        try kafka.make(topic: store.topic)
        let text = String(decoding: position(1).json, as: UTF8.self).replacing(#""events":1,"#, with: #""events":9223372036854775807,"#)
        try write([("trucks", position(1, of: "trucks").json), ("inventory", Array(text.utf8))])
        let error = try #require(throws: PositionError.self) { try read() }
        #expect("\(error)".hasSuffix("in record \(store.topic)/0/1"), "\(error)")
        #expect("\(error)".contains(#"{"events":9223372036854775807}"#), "\(error)")
    }

    @Test func manyOldPositionsAreReadThrough() throws {
        try kafka.make(topic: store.topic)
        try write((1...5_000).map { ("inventory", position($0).json) })
        #expect(try read() == position(5_000))
    }

    @Suite(.enabled(if: !TestKafka.isReal, "these answers are the mock cluster's")) struct Outages {
        private let brokers: MockBrokers
        private let store: PositionStore

        init() throws {
            brokers = try MockBrokers(2)
            store = PositionStore(
                bridge: "b", admin: try KafkaAdmin(settings: brokers.settings, logger: .silent), settings: brokers.settings)
            try brokers.create(topic: store.topic, partitions: 2)
        }

        /// "No position" would make the stream start anew and lose events.
        @Test func anOutageIsNotTakenForAMissingPosition() throws {
            brokers.takeDown(-1)
            #expect(throws: KafkaError.self) { try store.read(stream: "inventory", timeout: .seconds(1)) }
        }

        @Test func aRefusalIsNotTakenForAMissingPosition() throws {
            brokers.describe(topic: store.topic, as: RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            #expect(throws: KafkaError.self) { try store.read(stream: "inventory", timeout: Patience.limit) }
        }

        @Test func anErrorThatPassesIsWaitedOut() throws {
            let producer = try ReportingProducer(brokers.settings)
            let stored = StoredPosition(
                stream: "inventory", position: PublisherSession.position(1), options: "", replicaSet: nil, writer: "", writtenAt: 0)
            #expect(try producer.produce(store.topic, key: Array("inventory".utf8), value: stored.json))
            try producer.wait(acknowledged: 1)
            brokers.fail(.fetch, with: [RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__TRANSPORT])
            #expect(try store.read(stream: "inventory", timeout: Patience.limit) == stored)
        }

        /// The topic was ensured before: a broker that does not know it is behind.
        @Test func aTopicThatABrokerDoesNotKnowIsNotTakenForAMissingPosition() throws {
            brokers.describe(topic: store.topic, as: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            let error = try #require(throws: KafkaError.self) { try store.read(stream: "inventory", timeout: Patience.limit) }
            guard case .restart = StreamFailure(error, stream: .sample()) else {
                Issue.record("\(error) does not start a new session")
                return
            }
        }
    }
}
