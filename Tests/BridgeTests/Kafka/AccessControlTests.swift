import Foundation
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

private let accessControlledBroker = ProcessInfo.processInfo.environment["BRIDGE_TEST_KAFKA_SASL"]

/// A broker with access control: `BRIDGE_TEST_KAFKA_SASL=host:port`, where `alice` (password `alice-secret`) has no
/// rights at all.
@Suite(.blocking, .enabled(if: accessControlledBroker != nil, "set BRIDGE_TEST_KAFKA_SASL=host:port of a broker with access control"))
struct AccessControlTests {
    private func settings(_ user: String, _ password: String) -> KafkaSettings {
        KafkaSettings(
            common: [
                "bootstrap.servers": accessControlledBroker ?? "", "security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN",
                "sasl.username": user, "sasl.password": password,
            ], producer: [:], consumer: [:])
    }

    private var alice: KafkaSettings { settings("alice", "alice-secret") }

    @Test func aTopicThatMayNotBeCreatedHaltsTheStreamAndNamesTheRight() throws {
        let catalog = TopicCatalog(
            admin: try KafkaAdmin(settings: alice, logger: .silent),
            settings: TopicSettings(create: true, partitions: 1, replicationFactor: 1, config: [:]), stop: StopSignal(), logger: .silent)
        do {
            try catalog.ensure(UniqueName.make("acl"), timeout: Patience.limit)
            Issue.record("the topic was created")
        } catch {
            let halt = try #require(StreamFailure(error, stream: .sample()).halt, "\(error)")
            #expect(halt.remedy.contains("Create"))
        }
    }

    @Test func recordsThatMayNotBeWrittenHaltTheStreamAndNameTheRight() throws {
        let producer = try ReportingProducer(alice)
        do {
            #expect(try producer.produce(UniqueName.make("acl"), key: "k", value: "v"))
            try producer.wait(for: "the refusal") { !$0.refused.isEmpty }
            let error = try #require(producer.refused.first).error
            let halt = try #require(StreamFailure(error, stream: .sample()).halt, "\(error)")
            #expect(halt.remedy.contains("Write"))
        } catch let error as KafkaError {
            // The producer's id is asked for first, on brokers that want IdempotentWrite for it.
            #expect(try #require(StreamFailure(error, stream: .sample()).halt).remedy.contains("IdempotentWrite"))
        }
    }

    @Test func theCheckNamesEachRightThatItMisses() throws {
        let configuration = SampleConfiguration.make {
            $0.name = UniqueName.make("acl")
            $0.kafka = alice
        }
        let findings = KafkaCheck(configuration: configuration, timeout: .seconds(10), logger: .silent).findings
        let topics = Set(KafkaNeeds.of(configuration, includesTools: false).map(\.resource).filter { $0.kind == .topic }.map(\.name))
        // Only who sets positions needs that one.
        for topic in topics where !topic.hasSuffix(".position-edits") {
            let finding = try #require(findings.first { $0.subject == "topic \(topic)" }, "\(topic): \(findings)")
            #expect(finding.level == .error && finding.status == .configuration)
            #expect(finding.remedy?.hasSuffix("on topic \(topic): \(KafkaNeed.advice)") == true, "\(finding)")
        }
        #expect(findings.allSatisfy { $0.status != .unreachable }, "\(findings)")
    }

    @Test func aWrongPasswordIsTheReasonThatThePingGives() throws {
        let admin = try KafkaAdmin(settings: settings("alice", "wrong"), logger: .silent)
        let error = try #require(throws: KafkaError.self) { try admin.ping(about: "t", timeout: .seconds(3)) }
        #expect("\(error)".contains("uthentication"), "\(error)")
        #expect(!"\(error)".contains("wrong"), "\(error)")
    }
}
