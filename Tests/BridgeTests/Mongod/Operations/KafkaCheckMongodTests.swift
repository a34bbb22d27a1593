import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// What `bridge check` finds in Kafka.
@Suite struct KafkaCheckMongodTests {
    private static let names = ["control", "positions", "position-edits", "gaps", "snapshots"]

    @Test func everyTopicThatTheGrantsAreForIsLookedAt() async throws {
        try await Scene.play { scene in
            for name in Self.names { try scene.kafka.create(topic: "bridge.\(scene.name).\(name)") }
            let subjects = try scene.configuration([scene.stream()]).check().map(\.subject)
            for name in Self.names { #expect(subjects.count { $0 == "topic bridge.\(scene.name).\(name)" } == 1, "\(subjects)") }
        }
    }

    /// The streams run without it, but nobody can edit their positions, or begin a snapshot.
    @Test(arguments: [("position-edits", "bridge positions"), ("snapshots", "bridge snapshot")])
    func aMissingTopicThatOnlyACommandNeedsIsAWarning(_ name: String, _ command: String) async throws {
        try await Scene.play { scene in
            let missing = "bridge.\(scene.name).\(name)"
            scene.kafka.hide(topic: missing)
            var configuration = scene.configuration([scene.stream()])
            configuration.topics.create = false
            let finding = try #require(try configuration.check().first { $0.subject == "topic \(missing)" })
            #expect(finding.level == .warning)
            #expect(finding.text == "does not exist, and topics.create is false: `\(command)` needs it")
            #expect(finding.remedy?.contains("kafka-topics --create --topic \(missing)") == true)
        }
    }

    @Test func aStreamThatBeginsWithASnapshotNeedsItsLedger() async throws {
        try await Scene.play { scene in
            let missing = "bridge.\(scene.name).snapshots"
            scene.kafka.hide(topic: missing)
            var configuration = scene.configuration([scene.stream { $0.snapshot.when = .initial }])
            configuration.topics.create = false
            let finding = try #require(try configuration.check().first { $0.subject == "topic \(missing)" })
            #expect(finding.level == .error)
            #expect(finding.remedy?.contains("cleanup.policy=compact") == true, "\(finding)")
        }
    }
}
