import CKafka
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// A publisher whose process leads no more stores nothing, whatever it was doing meanwhile.
@Suite(.enabled(if: !TestKafka.isReal, "the mock cluster's groups take their time, which is what this needs"))
struct TermTests {
    /// The broker takes a generation from the group's members only. A process that learns by it that the group has
    /// continued without it publishes nothing.
    @Test func aProcessThatTheGroupHasGivenUpBeginsNoSession() throws {
        let brokers = try MockBrokers()
        let positions = InternalTopics.positions(of: "b")
        for name in ["records", positions, InternalTopics.control(of: "b")] { try brokers.create(topic: name) }
        let stop = StopSignal()
        let leadership = try StreamLeadership(
            of: .sample { $0.delivery = .exactlyOnce }, bridge: "b", index: 0, kafka: brokers.settings,
            topics: TopicCatalog(
                admin: try KafkaAdmin(settings: brokers.settings, logger: .silent),
                settings: .init(create: false, partitions: 1, replicationFactor: 1, config: [:]), stop: stop, logger: .silent),
            status: StreamStatus(stream: "inventory", logger: .silent), heartbeat: Watchdog().heartbeat(of: "lead"), logger: .silent)
        try leadership.join(isAlone: false)
        defer { leadership.leave() }
        let term = try #require(try leadership.awaitTerm(stop))
        let session = try PublisherSession(brokers.settings, topic: "records", positions: positions, bridge: "b", term: term)
        brokers.fail(.txnOffsetCommit, with: [RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION])
        let error = try #require(throws: KafkaError.self) { try session.publisher.fence() }
        #expect(error.isOfGeneration)
        guard case .restart = StreamFailure(error, stream: .sample()) else { throw error }
    }

    @Test(arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func whatIsDueWhenTheTermEndsIsNotStored(_ delivery: Delivery) throws {
        let kafka = try TestKafka.shared.get()
        let (bridge, topic) = (UniqueName.make("term"), UniqueName.make("records"))
        let admin = try KafkaAdmin(settings: kafka.settings, logger: .silent)
        let store = PositionStore(bridge: bridge, admin: admin, settings: kafka.settings)
        for name in [topic, store.topic, InternalTopics.control(of: bridge)] { try kafka.make(topic: name) }
        let stop = StopSignal()
        let leadership = try StreamLeadership(
            of: .sample { $0.delivery = delivery }, bridge: bridge, index: 0, kafka: kafka.settings,
            topics: TopicCatalog(
                admin: admin, settings: .init(create: false, partitions: 1, replicationFactor: 1, config: [:]), stop: stop, logger: .silent),
            status: StreamStatus(stream: "inventory", logger: .silent), heartbeat: Watchdog().heartbeat(of: "lead"), logger: .silent)
        try leadership.join(isAlone: true)
        defer { leadership.leave() }
        let term = try #require(try leadership.awaitTerm(stop))
        let session = try PublisherSession(
            kafka.settings, topic: topic, positions: store.topic, bridge: delivery == .exactlyOnce ? bridge : nil, term: term)
        try session.publisher.fence()
        try session.publishAndSeal(1...3)
        #expect(try session.publisher.finish(within: nil))
        #expect(try store.read(stream: "inventory", timeout: .seconds(30))?.position == PublisherSession.position(3))

        try session.publishAndSeal(4...6)
        leadership.sessionFailed()
        #expect(throws: NotLeading.self) { _ = try session.publisher.finish(within: nil) }
        #expect(throws: NotLeading.self) {
            try session.publisher.claim(
                StoredPosition(
                    stream: "inventory", position: PublisherSession.position(9), options: "", replicaSet: nil, writer: "", writtenAt: 0))
        }
        #expect(try store.read(stream: "inventory", timeout: .seconds(30))?.position == PublisherSession.position(3))
    }
}
