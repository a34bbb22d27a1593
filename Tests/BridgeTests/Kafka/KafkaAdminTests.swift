import CKafka
import Testing

@testable import Kafka
@testable import StreamBridge

@Suite(.blocking) struct KafkaAdminTests {
    private func admin(_ settings: KafkaSettings) throws -> KafkaAdmin { try KafkaAdmin(settings: settings, logger: .silent) }

    @Test func reachesAClusterAndCountsItsBrokers() throws {
        let kafka = try TestKafka.shared.get()
        let admin = try admin(kafka.settings)
        try admin.ping(about: "t", timeout: Patience.limit)
        #expect(try !admin.brokers(askedAbout: "t", timeout: Patience.limit).isEmpty)
    }

    @Test func anUnreachableClusterGivesTheReasonOfItsConnections() throws {
        let admin = try admin(KafkaSettings(common: ["bootstrap.servers": "127.0.0.1:1"], producer: [:], consumer: [:]))
        let error = try #require(throws: KafkaError.self) { try admin.ping(about: "t", timeout: .seconds(1)) }
        #expect("\(error)".contains("refused"), "\(error)")
        #expect("\(error)".contains("127.0.0.1:1"), "\(error)")
    }

    @Test func describesATopic() throws {
        let kafka = try TestKafka.shared.get()
        let topic = UniqueName.make("admin")
        try kafka.make(topic: topic, partitions: 3)
        let found = try #require(try admin(kafka.settings).topic(topic, timeout: Patience.limit))
        #expect(found.name == topic)
        #expect(found.partitions == 3)
        #expect(found.replicationFactor == 1)
    }

    @Test func watermarksFollowTheRecords() throws {
        let kafka = try TestKafka.shared.get()
        let topic = UniqueName.make("admin")
        try kafka.make(topic: topic)
        let admin = try admin(kafka.settings)
        #expect(try admin.watermarks(topic: topic, partition: 0, timeout: Patience.limit) == 0..<0)
        let producer = try ReportingProducer(kafka.settings)
        for _ in 0..<3 { _ = try producer.produce(topic, key: "k", value: "v") }
        try producer.wait(acknowledged: 3)
        #expect(try admin.watermarks(topic: topic, partition: 0, timeout: Patience.limit) == 0..<3)
    }

    @Suite(.enabled(if: !TestKafka.isReal, "these answers are the mock cluster's")) struct Answers {
        private let brokers: MockBrokers

        init() throws {
            brokers = try MockBrokers()
            try brokers.create(topic: "t", partitions: 2)
        }

        private func admin() throws -> KafkaAdmin { try KafkaAdmin(settings: brokers.settings, logger: .silent) }

        @Test func aTopicThatBrokersDoNotKnowIsNone() throws {
            brokers.describe(topic: "t", as: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            #expect(try admin().topic("t", timeout: Patience.limit) == nil)
        }

        @Test func aTopicThatMayNotBeSeenIsARefusal() throws {
            brokers.describe(topic: "t", as: RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            let error = try #require(throws: KafkaError.self) { try admin().topic("t", timeout: Patience.limit) }
            #expect(error.code == .topicAuthorizationFailed)
            #expect("\(error)".contains("topic t"))
        }

        @Test func aTopicWithoutALeaderIsATopic() throws {
            brokers.describe(topic: "t", as: RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
            #expect(try admin().topic("t", timeout: Patience.limit)?.partitions == 2)
        }
    }
}
