import CKafka
import Testing

@testable import Kafka
@testable import StreamBridge

/// What brokers answer to produce requests, and what becomes of it. The mock cluster's answers, because a real broker
/// gives them seldom.
@Suite(.blocking, .enabled(if: !TestKafka.isReal, "these errors are injected into the mock cluster")) struct BrokerErrorTests {
    private let brokers: MockBrokers

    init() throws {
        brokers = try MockBrokers()
        try brokers.create(topic: "t")
    }

    @Test(arguments: [
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, RD_KAFKA_RESP_ERR__TRANSPORT,
    ])
    func aPassingErrorAtTheHeadIsRetriedAndKeepsTheOrder(_ code: rd_kafka_resp_err_t) throws {
        // One request at a time: the mock cluster takes a request although the one before it failed, where a real
        // broker looks at the sequence numbers and refuses.
        let producer = try ReportingProducer(brokers.settings, ["linger.ms": "0", "max.in.flight": "1"])
        #expect(try producer.produce("t", key: "k", value: "warm"))
        try producer.wait(acknowledged: 1)
        brokers.fail(.produce, with: [code, code])
        for number in 0..<500 {
            #expect(try producer.produce("t", key: "k", value: "\(number)"))
            if number % 50 == 0 { producer.serve(.zero) }
        }
        try producer.wait(acknowledged: 501)
        #expect(producer.refused.isEmpty)
        #expect(try TopicContents.read("t", from: brokers.settings).map(\.text) == ["warm"] + (0..<500).map { "\($0)" })
    }

    @Test(arguments: [
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_RECORD,
    ])
    func aRefusalIsReportedWithTheRecordAndHaltsTheStream(_ code: rd_kafka_resp_err_t) throws {
        brokers.fail(.produce, with: [code])
        let producer = try ReportingProducer(brokers.settings)
        #expect(try producer.produce("t", key: "k", value: "value"))
        // The refusal stops the producer, so that nothing of the same key overtakes the record.
        try producer.wait(for: "the refusal and its consequence") { !$0.refused.isEmpty && $0.fatal != nil }
        let refused = try #require(producer.refused.first)
        #expect(refused.topic == "t")
        #expect(refused.key == "k")
        #expect(refused.error.code == KafkaError.Code(code))
        let failure = StreamFailure(
            RecordRefused(error: refused.error, topic: "t", key: "k", size: 6, index: nil), stream: .sample())
        #expect(failure.halt?.status == .configuration)
    }

    /// librdkafka cannot continue in order and gives the producer up; the next one begins at the stored position.
    @Test(arguments: [RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH])
    func aSequenceThatTheBrokerDoesNotKnowEndsTheProducerAndNotTheStream(_ code: rd_kafka_resp_err_t) throws {
        brokers.fail(.produce, with: [code])
        let producer = try ReportingProducer(brokers.settings)
        #expect(try producer.produce("t", key: "k", value: "value"))
        try producer.wait(for: "the end of the producer") { $0.fatal != nil }
        let error = try #require(producer.fatal)
        #expect(error.isFatal)
        guard case .restart = StreamFailure(error, stream: .sample()) else { throw error }
    }

    @Test func nothingOvertakesARefusedRecord() throws {
        let producer = try ReportingProducer(brokers.settings, ["linger.ms": "0", "max.in.flight": "1"])
        #expect(try producer.produce("t", key: "k", value: "warm"))
        try producer.wait(acknowledged: 1)
        brokers.fail(.produce, with: [RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED])
        for number in 0..<100 {
            // Refused, too, once the producer knows.
            _ = try? producer.produce("t", key: "k", value: "\(number)")
        }
        // Records that the producer drops for it may be reported before the one that was refused.
        try producer.wait(for: "the refusal") { producer in
            producer.fatal != nil && producer.refused.contains { StreamFailure($0.error, stream: .sample()).halt != nil }
        }
        #expect(producer.count == 1)
        let stored = try TopicContents.read("t", from: brokers.settings).map(\.text)
        #expect(stored == ["warm"])
    }

    /// A broker without IdempotentWrite for the account says so when the producer asks for its id; librdkafka makes
    /// that fatal.
    @Test func aMissingRightToTheClusterHaltsTheStream() throws {
        brokers.fail(.initProducerId, with: [RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED])
        let producer = try ReportingProducer(brokers.settings)
        #expect(try producer.produce("t", key: "k", value: "v"))
        try producer.wait(for: "a fatal error") { $0.fatal != nil }
        let error = try #require(producer.fatal)
        #expect(error.isFatal)
        #expect(try #require(StreamFailure(error, stream: .sample()).halt).remedy.contains("IdempotentWrite"))
    }

    @Test func anOutageIsWaitedOut() throws {
        let producer = try ReportingProducer(brokers.settings)
        #expect(try producer.produce("t", key: "k", value: "before"))
        try producer.wait(acknowledged: 1)
        brokers.takeDown(1)
        for number in 0..<10 { #expect(try producer.produce("t", key: "k", value: "\(number)")) }
        brokers.bringUp(1)
        try producer.wait(acknowledged: 11)
        #expect(try TopicContents.read("t", from: brokers.settings).map(\.text) == ["before"] + (0..<10).map { "\($0)" })
    }
}
