import Foundation
import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct KafkaGrantsTests {
    /// `Read Create on topic lessons.shipments`, a star for a prefix.
    private static func lines(_ configuration: BridgeConfiguration, tools: Bool = false) -> [String] {
        KafkaNeeds.of(configuration, includesTools: tools).entries.map { entry in
            "\(entry.operations.map(\.rawValue).joined(separator: " ")) on \(entry.resource.kind.rawValue) \(entry.resource.name)"
                + (entry.resource.pattern == .prefixed ? "…" : "")
        }
    }

    @Test func aStreamAndADispatcherNeedThis() {
        let streams = [StreamSettings.sample { $0.delivery = .exactlyOnce }]
        let lines = Self.lines(SampleConfiguration.make(streams: streams) { $0.topics.create = false })
        #expect(
            lines == [
                "Read on topic bridge.lessons.control", "Read Write DescribeConfigs on topic bridge.lessons.positions",
                "Read Write on topic bridge.lessons.position-edits", "Write on topic bridge.lessons.gaps",
                "Read Write DescribeConfigs on topic bridge.lessons.snapshots", "Write on topic mongo.lessons.inventory",
                "Read on group bridge.lessons.inventory", "Write on transactionalId bridge.lessons.inventory",
                "Read on topic dispatch.commands", "Write on topic dispatch.outcomes", "Write on topic dispatch.dead-letters",
                "Read on group bridge.lessons.shipments", "Write on transactionalId bridge.lessons.shipments.…",
            ])
    }

    @Test func topicsAreCreatedOnlyWhereTheConfigurationSaysSo() {
        let configuration = SampleConfiguration.make { $0.topics.create = true }
        let topics = Self.lines(configuration).filter { $0.contains(" on topic ") }
        #expect(!topics.isEmpty && topics.allSatisfy { $0.contains("Create") })
        #expect(Self.lines(configuration).allSatisfy { $0.contains(" on topic ") || !$0.contains("Create") })
    }

    @Test func whateverTheDeliveryCommandsStoreWhatTheyChangeInATransaction() {
        for delivery in Delivery.allCases {
            let lines = Self.lines(SampleConfiguration.make(streams: [.sample { $0.delivery = delivery }]))
            #expect(lines.contains { $0.hasSuffix("Write on transactionalId bridge.lessons.inventory") }, "\(lines)")
        }
    }

    @Test func toolsNeedTheOtherSideOfEachTopic() {
        let configuration = SampleConfiguration.make { $0.topics.create = false }
        let lines = Self.lines(configuration, tools: true)
        for line in [
            "Read Write on topic mongo.lessons.inventory", "Read Write on topic dispatch.commands", "Read Write on topic dispatch.outcomes",
            "Read Write on topic dispatch.dead-letters", "Read Write on topic bridge.lessons.replays",
        ] {
            #expect(lines.contains(line), "\(lines)")
        }
        // Besides the topics, only the producers of replays.
        let others = lines.filter { !$0.contains(" on topic ") }
        #expect(
            Set(others)
                == Set(
                    Self.lines(configuration).filter { !$0.contains(" on topic ") } + ["Write on transactionalId bridge.lessons.replay.…"]))
    }

    /// (what is watched, the template, the topics; a prefix ends with …)
    @Test(arguments: [
        (WatchScope.database("lessons"), "mongo.{db}.{coll}", ["mongo.lessons", "mongo.lessons.…"]),
        (.database("lessons"), "all", ["all"]),
        (.database("lessons"), "{db}", ["lessons"]),
        (.database("lessons"), "{coll}", ["lessons", "*"]),
        (.database("ä"), "x.{db}-{coll}", ["x._", "x._-…"]),
        (.cluster, "mongo.{db}.{coll}", ["mongo.…"]),
        (.cluster, "{db}.{coll}", ["*"]),
        (.cluster, "all", ["all"]),
        (
            .collections([.init(database: "a", collection: "x"), .init(database: "b", collection: "y")]), "m.{db}.{coll}",
            ["m.a.x", "m.b.y"]
        ),
    ])
    func theTopicsOfAStreamAreThoseOfItsTemplate(_ watch: WatchScope, _ template: String, _ topics: [String]) throws {
        let template = try TextTemplate(parsing: template)
        let resources = KafkaNeeds.topics(
            of: .sample {
                $0.watch = watch
                $0.topic = template
            })
        #expect(resources.map { $0.name + ($0.pattern == .prefixed ? "…" : "") } == topics)
    }

    @Test func theCommandsSayWhoMayDoWhat() throws {
        let configuration = SampleConfiguration.make(dispatchers: []) {
            $0.topics.create = false
            $0.kafka.common["sasl.username"] = "o'neil"
        }
        let shell = try KafkaGrants(configuration, principal: nil, includesTools: false).shell
        let commands = shell.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(
            commands.first == """
                kafka-acls.sh --bootstrap-server '127.0.0.1:9092' --command-config admin.properties --add --allow-principal 'User:o'\\''neil' \
                --operation Read --topic 'bridge.lessons.control'
                """)
        // An idempotent producer of today needs no right on the cluster.
        #expect(commands.allSatisfy { !$0.contains("--cluster") })
        #expect(shell.contains("# kafka-acls.sh"))
        #expect(shell.contains("needed only before Kafka 2.8"))
    }

    @Test func thePrincipalIsGivenOrTheUser() throws {
        var configuration = SampleConfiguration.make()
        #expect(throws: KafkaGrants.UnknownPrincipal.self) {
            try KafkaGrants(configuration, principal: nil, includesTools: false)
        }
        configuration.kafka.common["sasl.username"] = "bridge"
        for (given, expected) in [(nil, "User:bridge"), ("User:CN=bridge", "User:CN=bridge")] {
            let grants = try KafkaGrants(configuration, principal: given, includesTools: false)
            let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(grants)) as? [String: Any]
            #expect(json?["principal"] as? String == expected)
            #expect((json?["acls"] as? [[String: Any]])?.count == KafkaNeeds.of(configuration, includesTools: false).entries.count)
        }
    }
}
