import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct CompactedTopicTests {
    private static func topics(_ config: [String: String] = [:]) -> TopicSettings {
        TopicSettings(create: true, partitions: 3, replicationFactor: 1, config: config)
    }

    private static func complaint(_ found: [String: String], _ config: [String: String] = [:]) -> CompactedTopic.Complaint? {
        CompactedTopic.complaint(
            about: "bridge.b.positions", found: found, configuration: topics(config),
            kafka: KafkaSettings(common: ["bootstrap.servers": "kafka:9092"], producer: [:], consumer: [:]))
    }

    @Test func aNewTopicHasSmallSegmentsAndIsCompactedSoon() {
        #expect(
            CompactedTopic.config(under: Self.topics()) == [
                "cleanup.policy": "compact", "segment.bytes": "4194304", "min.cleanable.dirty.ratio": "0.1",
                "delete.retention.ms": "600000",
            ])
    }

    /// The configuration says it for all topics; but positions are never deleted.
    @Test func theConfigurationGoesBeforeTheTuningAndNotBeforeTheCompaction() {
        let config = CompactedTopic.config(under: Self.topics(["segment.bytes": "1048576", "cleanup.policy": "delete"]))
        #expect(config["segment.bytes"] == nil)
        #expect(config["cleanup.policy"] == "compact")
    }

    @Test func aTopicThatTheBridgeMadeIsWell() { #expect(Self.complaint(CompactedTopic.config(under: Self.topics())) == nil) }

    @Test func aTopicWithTheBrokersDefaultsIsSlow() throws {
        let defaults = [
            "cleanup.policy": "compact", "segment.bytes": "1073741824", "min.cleanable.dirty.ratio": "0.5",
            "delete.retention.ms": "86400000",
        ]
        let complaint = try #require(Self.complaint(defaults))
        #expect(!complaint.losesValues)
        #expect(complaint.text.contains("segment.bytes=1073741824"))
        #expect(
            complaint.remedy
                == "kafka-configs --bootstrap-server kafka:9092 --alter --topic bridge.b.positions --add-config "
                + "delete.retention.ms=600000,segment.bytes=4194304")
        // A value that the configuration names is a decision.
        #expect(Self.complaint(defaults, ["segment.bytes": "1073741824", "delete.retention.ms": "86400000"]) == nil)
    }

    @Test func aTopicThatDeletesIsWorse() throws {
        let complaint = try #require(Self.complaint(["cleanup.policy": "delete", "segment.bytes": "1073741824"]))
        #expect(complaint.losesValues)
        #expect(complaint.remedy.hasSuffix("--add-config cleanup.policy=compact,segment.bytes=4194304"))
    }

    @Test func whatTheClusterDoesNotTellIsNoFault() { #expect(Self.complaint(["segment.bytes": "much"]) == nil) }
}
