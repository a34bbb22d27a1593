import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct KafkaClientTests {
    private static let roles: [(KafkaClient.Role, [String: String])] = [
        (.producer, [:]), (.consumer, [:]), (.groupMember, ["group.id": "g"]),
    ]

    private func client(_ role: KafkaClient.Role, _ properties: [String: String]) throws -> KafkaClient {
        try KafkaClient(role: role, properties: properties.merging(["bootstrap.servers": "127.0.0.1:1"]) { $1 })
    }

    /// A topic that was deleted would come back with the broker's number of partitions.
    @Test func noClientLetsABrokerCreateWhatItAsksAbout() throws {
        for (role, properties) in Self.roles {
            for given in [[:], ["allow.auto.create.topics": "true"]] {
                let client = try client(role, properties.merging(given) { $1 })
                #expect(client.value(of: "allow.auto.create.topics") == "false", "\(role)")
            }
        }
    }

    @Test func everyClientNoticesNewPartitionsSoonUnlessTheConfigurationSaysWhen() throws {
        for (role, properties) in Self.roles {
            let client = try client(role, properties)
            #expect(client.value(of: "topic.metadata.refresh.interval.ms") == "30000", "\(role)")
            #expect(client.value(of: "metadata.max.age.ms") == "900000", "\(role)")
            let other = try self.client(role, properties.merging(["topic.metadata.refresh.interval.ms": "7000"]) { $1 })
            #expect(other.value(of: "topic.metadata.refresh.interval.ms") == "7000", "\(role)")
            #expect(other.value(of: "metadata.max.age.ms") == "21000", "\(role)")
        }
    }
}
