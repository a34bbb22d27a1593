import CKafka
import Testing

@testable import Kafka
@testable import StreamBridge

@Suite(.blocking) struct KafkaProducerTests {
    private let kafka: TestKafka
    private let topic = UniqueName.make("producer")

    init() throws { kafka = try TestKafka.shared.get() }

    private func producer(partitions: Int32 = 1, _ properties: [String: String] = [:]) throws -> ReportingProducer {
        try kafka.make(topic: topic, partitions: partitions)
        return try ReportingProducer(kafka.settings, properties)
    }

    @Test func countsAcknowledgementsByTag() throws {
        let producer = try producer()
        for number in 0..<1_000 { #expect(try producer.produce(topic, key: "k", value: "\(number)", tag: UInt(number / 250 + 1))) }
        try producer.wait(acknowledged: 1_000)
        #expect(producer.acknowledged == [1: 250, 2: 250, 3: 250, 4: 250])
        #expect(try TopicContents.read(topic, from: kafka.settings).map(\.text) == (0..<1_000).map { "\($0)" })
    }

    @Test func tombstonesEmptyValuesAndMissingKeysStayDistinct() throws {
        let producer = try producer()
        let records: [(key: [UInt8]?, value: [UInt8]?)] = [
            ([1], [2]), ([1], nil), ([1], []), (nil, [2]), ([], [2]), (nil, nil), ([], []), ([0, 0xff], [0, 0xff]),
        ]
        for record in records { #expect(try producer.produce(topic, key: record.key, value: record.value)) }
        try producer.wait(acknowledged: records.count)
        let stored = try TopicContents.read(topic, from: kafka.settings)
        #expect(stored.map(\.key) == records.map(\.key))
        #expect(stored.map(\.value) == records.map(\.value))
    }

    @Test func headersKeepTheirOrderAndTheTimestampIsAsGiven() throws {
        let producer = try producer()
        let headers: [(StaticString, [UInt8])] = [("b", Array("2".utf8)), ("a", Array("1".utf8)), ("empty", []), ("ü", Array("ß".utf8))]
        #expect(try producer.produce(topic, key: nil, value: [1], headers: headers, timestamp: 1_651_826_079_000))
        #expect(try producer.produce(topic, key: nil, value: [1]))
        try producer.wait(acknowledged: 2)
        let stored = try TopicContents.read(topic, from: kafka.settings)
        #expect(stored[0].headerNames == ["b", "a", "empty", "ü"])
        #expect(stored[0].headers == ["b": "2", "a": "1", "empty": "", "ü": "ß"])
        #expect(stored[0].timestamp == 1_651_826_079_000)
        #expect(stored[1].headerNames == [])
        #expect(try #require(stored[1].timestamp) > 1_700_000_000_000)
    }

    @Test func refusesARecordThatIsLargerThanTheClientTakes() throws {
        let producer = try producer(["message.max.bytes": "2000"])
        let error = try #require(throws: KafkaError.self) {
            try producer.produce(topic, key: nil, value: [UInt8](repeating: 1, count: 3_000))
        }
        #expect(error.code == .msgSizeTooLarge)
        #expect("\(error)".contains(topic))
        #expect(try producer.produce(topic, key: "k", value: "small"))
        try producer.wait(acknowledged: 1)
    }

    @Test func aFullQueueTakesNothingMoreUntilItIsServed() throws {
        let producer = try producer(["queue.buffering.max.messages": "5", "linger.ms": "60000"])
        for number in 0..<5 { #expect(try producer.produce(topic, key: "k", value: "\(number)")) }
        #expect(try !producer.produce(topic, key: "k", value: "5"))
        producer.producer.endLinger()
        try producer.wait(acknowledged: 5)
        #expect(try producer.produce(topic, key: "k", value: "5"))
        producer.producer.endLinger()
        try producer.wait(acknowledged: 6)
        #expect(try TopicContents.read(topic, from: kafka.settings).map(\.text) == (0...5).map { "\($0)" })
    }

    @Test func theQueueIsBoundedInBytesAndALargerRecordGoesAlone() throws {
        try kafka.make(topic: topic)
        let producer = try ReportingProducer(kafka.settings, ["linger.ms": "60000"], queueBytes: 100)
        let large = [UInt8](repeating: 1, count: 1_000)
        for count in 1...2 {
            #expect(try producer.produce(topic, key: nil, value: large))
            #expect(try !producer.produce(topic, key: nil, value: [1]))
            producer.producer.endLinger()
            try producer.wait(acknowledged: count)
        }
    }

    @Test func whatIsGivenUpLeavesRoomInTheQueue() throws {
        try kafka.make(topic: topic)
        // Nobody flushes it: a record that is on its way when it is given up finishes the producer.
        let producer = try ReportingProducer(kafka.settings, ["linger.ms": "60000"], queueBytes: 100)
        for _ in 0..<2 { #expect(try producer.produce(topic, key: [1], value: [UInt8](repeating: 1, count: 49))) }
        #expect(try !producer.produce(topic, key: nil, value: [1]))
        producer.producer.abandon()
        try producer.wait(for: "the purge") { $0.refused.count == 2 }
        #expect(try producer.produce(topic, key: nil, value: [1]))
        producer.producer.endLinger()
        try producer.wait(acknowledged: 1)
    }

    @Test(arguments: [("no.such.property", "1"), ("acks", "some"), ("message.max.bytes", "many"), ("message.max.bytes", "-1")])
    func aPropertyThatIsRefusedIsNamed(_ name: String, _ value: String) throws {
        let error = try #require(throws: KafkaError.self) { try KafkaProducer(properties: [name: value], logger: .silent) }
        #expect(error.code == .invalidArg)
        #expect(error.message.contains(name), "\(error)")
    }

    @Test func propertiesThatContradictEachOtherAreRefused() throws {
        let error = try #require(throws: KafkaError.self) {
            try KafkaProducer(properties: ["enable.idempotence": "true", "acks": "1"], logger: .silent)
        }
        #expect(error.message.contains("acks"))
    }

    /// A cold producer has neither a connection nor a producer id when it is asked to hurry.
    @Test func aLoneRecordLeavesAtOnceWhenTheLingerIsEnded() throws {
        let producer = try producer(["linger.ms": "600000"])
        for number in 1...3 {
            #expect(try producer.produce(topic, key: "k", value: "v"))
            producer.producer.endLinger()
            try producer.wait(acknowledged: number)
        }
    }

    @Test func wakingEndsAWait() throws {
        let producer = try producer()
        producer.producer.client.wake()
        // Would last for an hour.
        producer.serve(.seconds(3600))
    }

    @Test func aProducerThatIsGivenUpKeepsNothing() throws {
        let producer = try producer(["linger.ms": "600000"])
        for _ in 0..<3 { #expect(try producer.produce(topic, key: "k", value: "v")) }
        producer.producer.abandon()
        try producer.wait(for: "the purge") { $0.refused.count == 3 }
        #expect(producer.refused.allSatisfy { $0.error.code == .purgeQueue && $0.key == "k" && $0.size == 2 && $0.topic == topic })
        #expect(try TopicContents.read(topic, from: kafka.settings).isEmpty)
    }
}
