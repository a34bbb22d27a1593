import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// What `bridge check` finds in Kafka.
@Suite struct KafkaCheckMongodTests {
    private static let names = ["control", "positions", "position-edits", "gaps"]

    @Test func everyTopicThatTheGrantsAreForIsLookedAt() async throws {
        try await Scene.play { scene in
            for name in Self.names { try scene.kafka.create(topic: "bridge.\(scene.name).\(name)") }
            let subjects = try scene.configuration([scene.stream()]).check().map(\.subject)
            for name in Self.names { #expect(subjects.count { $0 == "topic bridge.\(scene.name).\(name)" } == 1, "\(subjects)") }
        }
    }

    /// The streams run without it, but nobody can edit their positions.
    @Test func aMissingTopicThatOnlyEditsNeedIsAWarning() async throws {
        try await Scene.play { scene in
            let missing = "bridge.\(scene.name).position-edits"
            scene.kafka.hide(topic: missing)
            var configuration = scene.configuration([scene.stream()])
            configuration.topics.create = false
            let finding = try #require(try configuration.check().first { $0.subject == "topic \(missing)" })
            #expect(finding.level == .warning)
            #expect(finding.remedy?.contains("kafka-topics --create --topic \(missing)") == true)
        }
    }
}
