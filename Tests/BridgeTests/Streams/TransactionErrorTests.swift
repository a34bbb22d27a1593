import CKafka
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// What brokers answer to a stream's transactions, and what becomes of it. The mock cluster's answers, because a real
/// broker gives them seldom.
@Suite(.blocking, .enabled(if: !TestKafka.isReal, "these errors are injected into the mock cluster")) struct TransactionErrorTests {
    private let brokers: MockBrokers
    private let store: PositionStore

    init() throws {
        brokers = try MockBrokers()
        store = PositionStore(
            bridge: "b", admin: try KafkaAdmin(settings: brokers.settings, logger: .silent), settings: brokers.settings)
        try brokers.create(topic: "records")
        try brokers.create(topic: store.topic)
    }

    private func open(_ properties: [String: String] = [:]) throws -> PublisherSession {
        try PublisherSession(brokers.settings, topic: "records", positions: store.topic, bridge: "b", properties)
    }

    private func session(_ properties: [String: String] = [:]) throws -> PublisherSession {
        let session = try open(properties)
        try session.publisher.fence()
        return session
    }

    /// What ends a session that continues until its commit.
    private func failure(of session: PublisherSession) throws -> any Error {
        do {
            try session.publisher.endLinger(isCaughtUp: true)
            try session.wait(for: "the end") { _ in false }
        } catch let error where !(error is WaitedInVain) {
            // However it ended: the session that is over comes to an end soon and has stored nothing.
            try session.publisher.seal(PublisherSession.position(90))
            #expect(try !session.publisher.finish(within: .seconds(2)))
            #expect(session.status.snapshot.positionsStored == 0)
            #expect(session.status.snapshot.recordsPublished == 0)
            return error
        }
        throw WaitedInVain(what: "the end")
    }

    /// The next session of the same stream works.
    private func expectHeir(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let heir = try session()
        try heir.publishAndSeal(1...5)
        #expect(try heir.publisher.finish(within: nil), sourceLocation: sourceLocation)
        #expect(
            try store.read(stream: "inventory", timeout: Patience.limit)?.position == PublisherSession.position(5),
            sourceLocation: sourceLocation)
    }

    @Test(
        arguments: [
            (.initProducerId, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS), (.initProducerId, RD_KAFKA_RESP_ERR_NOT_COORDINATOR),
            (.initProducerId, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS),
            (.addPartitionsToTxn, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS), (.addPartitionsToTxn, RD_KAFKA_RESP_ERR_NOT_COORDINATOR),
            (.addPartitionsToTxn, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE),
            (.endTxn, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE), (.endTxn, RD_KAFKA_RESP_ERR_NOT_COORDINATOR),
            (.endTxn, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS), (.endTxn, RD_KAFKA_RESP_ERR__TRANSPORT),
            (.produce, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION), (.produce, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS),
        ] as [(MockBrokers.Request, rd_kafka_resp_err_t)])
    func whatPassesIsTriedAgain(_ request: MockBrokers.Request, _ code: rd_kafka_resp_err_t) throws {
        // One request at a time, because the mock cluster looks at no sequence numbers.
        let session = try open(["max.in.flight": "1"])
        brokers.fail(request, with: [code, code])
        try session.publisher.fence()
        try session.publishAndSeal(1...5)
        try session.publisher.endLinger(isCaughtUp: true)
        try session.wait(for: "the commit") { $0.positionsStored == 1 }
        #expect(session.status.snapshot.recordsPublished == 5)
        try session.publishAndSeal(6...6)
        #expect(try session.publisher.finish(within: nil))
        #expect(
            try TopicContents.read("records", from: brokers.settings).map(\.token) == (1...6).map { SampleEvent.token($0).data })
    }

    /// A transactional call that cannot be made has no flag, and ends the producer like a fatal error.
    @Test func anErrorWithoutAFlagEndsTheSession() throws {
        let session = try open()
        let client = try #require(session.client)
        let error = try #require(throws: KafkaError.self) { try client.beginTransaction() }
        #expect(error.isFatal && !error.isRetriable && !error.requiresAbort, "\(error)")
        guard case .restart = StreamFailure(error, stream: .sample()) else { throw error }
        try expectHeir()
    }

    /// Between two transactions, amid one, and while the broker that was the coordinator is away: the producer looks
    /// for the new one.
    @Test func aCoordinatorThatMovesIsFollowed() throws {
        let brokers = try MockBrokers(3)
        try brokers.create(topic: "records")
        try brokers.create(topic: store.topic)
        let id = MockBrokers.Coordinated.transactionalID("bridge.b.inventory")
        brokers.moveCoordinator(of: id, to: 2)
        let session = try PublisherSession(brokers.settings, topic: "records", positions: store.topic, bridge: "b")
        try session.publisher.fence()
        func commit(_ number: Int32) throws {
            try session.publisher.endLinger(isCaughtUp: true)
            try session.wait(for: "commit \(number)") { $0.positionsStored == Int(number) }
        }

        try session.publishAndSeal(1...1)
        try commit(1)
        brokers.moveCoordinator(of: id, to: 3)
        try session.publishAndSeal(2...2)
        try commit(2)

        try session.publishAndSeal(3...3)
        brokers.moveCoordinator(of: id, to: 2)
        try commit(3)

        try session.publishAndSeal(4...4)
        brokers.moveCoordinator(of: id, to: 3)
        brokers.takeDown(2)
        try commit(4)
        #expect(try session.publisher.finish(within: nil))
        #expect(try TopicContents.read("records", from: brokers.settings).map(\.token) == (1...4).map { SampleEvent.token($0).data })
    }

    @Test(
        arguments: [
            (.endTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH), (.endTxn, RD_KAFKA_RESP_ERR_PRODUCER_FENCED),
            (.endTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING), (.endTxn, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE),
            (.addPartitionsToTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH), (.addPartitionsToTxn, RD_KAFKA_RESP_ERR_PRODUCER_FENCED),
            (.addPartitionsToTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING),
            (.produce, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER), (.produce, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH),
            (.produce, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID), (.produce, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE),
            // A group's only, and nothing that librdkafka has a rule for here.
            (.addPartitionsToTxn, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID),
        ] as [(MockBrokers.Request, rd_kafka_resp_err_t)])
    func whatAnotherProducerMendsEndsTheSession(_ request: MockBrokers.Request, _ code: rd_kafka_resp_err_t) throws {
        let session = try session()
        brokers.fail(request, with: [code])
        try session.publishAndSeal(1...5)
        let error = try failure(of: session)
        guard case .restart = StreamFailure(error, stream: .sample()) else { throw error }
        try expectHeir()
    }

    @Test(
        arguments: [
            (.produce, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), (.produce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE),
            (.produce, RD_KAFKA_RESP_ERR_INVALID_RECORD), (.addPartitionsToTxn, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED),
            (.endTxn, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
        ] as [(MockBrokers.Request, rd_kafka_resp_err_t)])
    func whatWouldBeRefusedAgainHaltsTheStream(_ request: MockBrokers.Request, _ code: rd_kafka_resp_err_t) throws {
        let session = try session()
        brokers.fail(request, with: [code])
        try session.publishAndSeal(1...5)
        let error = try failure(of: session)
        #expect(StreamFailure(error, stream: .sample()).halt?.status == .configuration, "\(error)")
        try expectHeir()
    }

    /// The reason is told, not that the transaction cannot be used any more.
    @Test(arguments: [MockBrokers.Request.produce, .addPartitionsToTxn])
    func whatIsPublishedIntoAFailedTransactionIsToldWhy(_ request: MockBrokers.Request) throws {
        let session = try session()
        brokers.fail(request, with: [RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED])
        let deadline = ContinuousClock.now + Patience.limit
        var number: Int32 = 0
        do {
            while .now < deadline {
                number += 1
                try session.publish(number...number)
            }
            Issue.record("every record was taken")
        } catch {
            #expect(StreamFailure(error, stream: .sample()).halt?.reason.contains("TOPIC_AUTHORIZATION_FAILED") == true, "\(error)")
        }
        try session.publisher.seal(PublisherSession.position(number))
        #expect(try !session.publisher.finish(within: .seconds(2)))
        try expectHeir()
    }

    @Test(arguments: [
        RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
    ])
    func aFenceThatIsRefusedHaltsTheStream(_ code: rd_kafka_resp_err_t) throws {
        let session = try open()
        brokers.fail(.initProducerId, with: [code])
        let error = try #require(throws: KafkaError.self) { try session.publisher.fence() }
        #expect(StreamFailure(error, stream: .sample()).halt?.status == .configuration, "\(error)")
        #expect(try session.publisher.finish(within: Patience.limit))
    }

    /// As after any failed call: what the session holds must not become a transaction of its own.
    @Test func aTransactionThatCannotBeginEndsTheSession() throws {
        let session = try open()
        #expect(throws: KafkaError.self) { try session.publishAndSeal(1...5) }
        try session.publisher.seal(PublisherSession.position(5))
        _ = try? session.publisher.finish(within: .seconds(2))
        #expect(session.status.snapshot.positionsStored == 0)
        #expect(try TopicContents.read("records", from: brokers.settings).isEmpty)
    }

    // MARK: Outages

    @Test func anOutageAmidACommitIsWaitedOut() throws {
        let session = try session()
        try session.publishAndSeal(1...5)
        brokers.takeDown(1)
        try session.publisher.endLinger(isCaughtUp: true)
        // One call to commit lasts for a second.
        let start = ContinuousClock.now
        try session.wait(for: "an outage that outlasts the call") { $0.state == .retrying && start.duration(to: .now) > .seconds(2) }
        #expect(session.status.snapshot.positionsStored == 0)
        // What the stream continues to read meanwhile changes nothing.
        try session.publisher.seal(PublisherSession.position(6))
        brokers.bringUp(1)
        try session.wait(for: "the commit") { $0.positionsStored == 1 }
        #expect(try session.publisher.finish(within: nil))
        #expect(try store.read(stream: "inventory", timeout: Patience.limit)?.position == PublisherSession.position(6))
        #expect(session.status.snapshot.recordsPublished == 5)
    }

    /// librdkafka would ask the coordinator again and again until the transaction's time is over, a minute, and then
    /// say that records have timed out.
    @Test func aTopicThatIsGoneEndsTheSessionAndIsNamed() throws {
        let session = try session()
        try session.publishAndSeal(1...1)
        try session.publisher.endLinger(isCaughtUp: true)
        try session.wait(for: "the first commit") { $0.positionsStored == 1 }
        brokers.describe(topic: "records", as: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        brokers.fail(.addPartitionsToTxn, with: Array(repeating: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, count: 1000))
        try session.publishAndSeal(2...5)
        try session.publisher.endLinger(isCaughtUp: true)
        let error = try #require(throws: (any Error).self) { try session.wait(for: "the end") { _ in false } }
        #expect("\(error)".contains("UNKNOWN_") && "\(error)".contains("records"), "\(error)")
        guard case .restart = StreamFailure(error, stream: .sample()) else { throw error }
        #expect(try !session.publisher.finish(within: .seconds(2)))
        #expect(session.status.snapshot.positionsStored == 1)
        brokers.describe(topic: "records", as: RD_KAFKA_RESP_ERR_NO_ERROR)
        brokers.stopFailing(.addPartitionsToTxn)
        try expectHeir()
    }

    /// The broker answers, so nothing else would say that the stream stands still.
    @Test(
        arguments: [
            (.produce, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, "Kafka has acknowledged nothing"),
            (.endTxn, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, "transaction"),
        ] as [(MockBrokers.Request, rd_kafka_resp_err_t, String)])
    func aRequestThatIsRefusedForLongIsReported(_ request: MockBrokers.Request, _ code: rd_kafka_resp_err_t, _ words: String) throws {
        // Longer than a busy machine may take, so that nothing times out meanwhile.
        let session = try open(["max.in.flight": "1", "transaction.timeout.ms": "900000"])
        try session.publisher.fence()
        brokers.fail(request, with: Array(repeating: code, count: 100_000))
        try session.publishAndSeal(1...5)
        try session.publisher.endLinger(isCaughtUp: true)
        try session.wait(for: "the report") { $0.state == .retrying && $0.reason?.contains(words) == true }
        brokers.stopFailing(request)
        try session.wait(for: "the commit") { $0.positionsStored == 1 && $0.state != .retrying }
        #expect(try session.publisher.finish(within: nil))
    }

    @Test func finishingGivesUpAfterItsLimitAndLeavesNothingThatArrivesLater() throws {
        var session: PublisherSession? = try session()
        brokers.takeDown(1)
        try session?.publishAndSeal(1...5)
        try session?.publisher.endLinger(isCaughtUp: true)
        // Sealed behind a commit that goes nowhere.
        try session?.publisher.seal(PublisherSession.position(6))
        #expect(try session?.publisher.finish(within: .milliseconds(20)) == false)
        weak let client = session?.client
        session = nil
        #expect(client == nil)
        brokers.bringUp(1)
        let next = try self.session()
        try next.publishAndSeal(7...7)
        #expect(try next.publisher.finish(within: nil))
        #expect(try TopicContents.read("records", from: brokers.settings).map(\.token) == [SampleEvent.token(7).data])
    }

    @Test func anOverdueStopEndsACommit() throws {
        let session = try session()
        brokers.takeDown(1)
        try session.publishAndSeal(1...5)
        try session.publisher.endLinger(isCaughtUp: true)
        session.stop.request(grace: .zero)
        #expect(throws: Stopped.self) { try session.publish(6...6) }
        #expect(try !session.publisher.finish(within: nil))
        #expect(session.status.snapshot.positionsStored == 0)
    }

    /// Some of the batch is in the transaction, and its position is not: whatever is sealed then, it must not be
    /// committed.
    @Test func anOverdueStopAmidABatchCommitsNothingOfIt() throws {
        let session = try session(["queue.buffering.max.messages": "3"])
        brokers.takeDown(1)
        session.stop.request(grace: .zero)
        #expect(throws: Stopped.self) { try session.publish(1...10) }
        brokers.bringUp(1)
        try session.publisher.seal(PublisherSession.position(2))
        #expect(try !session.publisher.finish(within: nil))
        #expect(session.status.snapshot.positionsStored == 0)
    }

    @Test func aStopEndsAFenceThatNobodyAnswers() throws {
        let session = try open()
        brokers.takeDown(1)
        session.stop.request(grace: .seconds(60))
        #expect(throws: Stopped.self) { try session.publisher.fence() }
    }

    @Test func aFullQueueWaitsForRoomAndKeepsTheOrder() throws {
        let session = try session(["queue.buffering.max.messages": "3"])
        try session.publishAndSeal(1...100)
        try session.publisher.endLinger(isCaughtUp: true)
        try session.publishAndSeal(101...150)
        #expect(try session.publisher.finish(within: nil))
        #expect(
            try TopicContents.read("records", from: brokers.settings).map(\.token) == (1...150).map { SampleEvent.token($0).data })
        #expect(session.status.snapshot.recordsPublished == 150)
    }

    /// A record lives no longer than its transaction; the next session publishes it.
    @Test func anOutageThatOutlivesTheTransactionEndsTheSession() throws {
        let session = try session(["transaction.timeout.ms": "1000"])
        brokers.takeDown(1)
        try session.publishAndSeal(1...5)
        let error = try failure(of: session)
        guard case .restart = StreamFailure(error, stream: .sample()) else { throw error }
        brokers.bringUp(1)
        try expectHeir()
    }
}
