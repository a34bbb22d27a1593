import CKafka
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// The real cluster's side of it is in ``RealBrokerTests``: the mock cluster creates a topic when it is asked for one.
@Suite(.blocking, .enabled(if: !TestKafka.isReal, "these answers are the mock cluster's")) struct TopicCatalogTests {
    private let brokers: MockBrokers

    init() throws {
        brokers = try MockBrokers()
        try brokers.create(topic: "t")
    }

    private func catalog(create: Bool) throws -> TopicCatalog {
        TopicCatalog(
            admin: try KafkaAdmin(settings: brokers.settings, logger: .silent),
            settings: TopicSettings(create: create, partitions: 1, replicationFactor: 1, config: [:]), stop: StopSignal(), logger: .silent)
    }

    @Test func aTopicThatExistsIsLookedAtOnce() throws {
        let catalog = try catalog(create: false)
        try catalog.ensure("t", timeout: Patience.limit)
        brokers.describe(topic: "t", as: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        try catalog.ensure("t", timeout: Patience.limit)
        catalog.forget()
        #expect(throws: MissingTopic.self) { try catalog.ensure("t", timeout: Patience.limit) }
    }

    @Test func aMissingTopicThatMayNotBeCreatedIsNamedWithTheReason() throws {
        brokers.describe(topic: "t", as: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        let catalog = try catalog(create: false)
        let error = try #require(throws: MissingTopic.self) { try catalog.ensure("t", timeout: Patience.limit) }
        #expect("\(error)" == "topic t does not exist, and topics.create is false")
        // It may be made by hand at any time.
        brokers.describe(topic: "t", as: RD_KAFKA_RESP_ERR_NO_ERROR)
        try catalog.ensure("t", timeout: Patience.limit)
    }

    @Test func aRefusedLookIsNoMissingTopic() throws {
        brokers.describe(topic: "t", as: RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        #expect(throws: KafkaError.self) { try catalog(create: true).ensure("t", timeout: Patience.limit) }
    }
}
