import CKafka
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// What readers of committed records see of a stream's transactions. The mock cluster cannot show it.
@Suite(.blocking, .enabled(if: TestKafka.isReal, "set BRIDGE_TEST_KAFKA=host:port of a broker with no access control"))
struct TransactionsRealBrokerTests {
    private let kafka: TestKafka
    private let admin: KafkaAdmin
    private let bridge = UniqueName.make("transactions")
    private let topic = UniqueName.make("records")
    private let store: PositionStore

    init() throws {
        kafka = try TestKafka.shared.get()
        admin = try KafkaAdmin(settings: kafka.settings, logger: .silent)
        store = PositionStore(bridge: bridge, admin: admin, settings: kafka.settings)
        try kafka.make(topic: topic)
        try kafka.make(topic: store.topic)
    }

    private func session(stream: String = "inventory", _ properties: [String: String] = [:]) throws -> PublisherSession {
        try PublisherSession(kafka.settings, topic: topic, positions: store.topic, bridge: bridge, stream: stream, properties)
    }

    private func stored() throws -> StreamPosition? { try store.read(stream: "inventory", timeout: Patience.limit)?.position }

    private func tokens() throws -> [String] { try TopicContents.read(topic, from: kafka.settings).map(\.token) }

    private static func tokens(_ numbers: ClosedRange<Int32>) -> [String?] { numbers.map { SampleEvent.token($0).data } }

    /// Publishes into a transaction that stays open, and waits until the broker has the records.
    private func leaveOpen(_ numbers: ClosedRange<Int32>, of session: PublisherSession) throws {
        try session.publishAndSeal(numbers)
        try session.publisher.endLinger(isCaughtUp: false)
        let deadline = ContinuousClock.now + Patience.limit
        while try admin.watermarks(topic: topic, partition: 0, timeout: Patience.limit).count < numbers.count {
            guard .now < deadline else { throw WaitedInVain(what: "the records") }
        }
    }

    @Test func whatAPredecessorLeftOpenIsAbortedByTheFence() throws {
        var session: PublisherSession? = try session()
        try session?.publisher.fence()
        try leaveOpen(1...3, of: #require(session))
        session = nil
        let reader = try TopicReader(settings: kafka.settings)
        try reader.start(topic: topic, partition: 0, at: 0)
        guard case .end(_, 0, offset: 0) = try reader.next(timeout: Patience.limit, TestRecord.init) else {
            Issue.record("a record of an open transaction is seen")
            return
        }
        let heir = try self.session()
        try heir.publisher.fence()
        #expect(try tokens() == [])
        #expect(try stored() == nil)
        try heir.publishAndSeal(1...3)
        #expect(try heir.publisher.finish(within: nil))
        #expect(try tokens() == Self.tokens(1...3))
        #expect(try stored() == PublisherSession.position(3))
    }

    @Test func aSessionThatIsGivenUpAbortsWhatItHasOpen() throws {
        let session = try session()
        try session.publisher.fence()
        try leaveOpen(1...3, of: session)
        try session.publish(4...4)
        #expect(try !session.publisher.finish(within: .seconds(10)))
        // Up to the high watermark, so nothing is open any more.
        #expect(try tokens() == [])
    }

    /// The session's next commit is refused, and a new session is what helps.
    private func expectFence(of session: PublisherSession, positionsStored: Int) throws {
        do {
            try session.publisher.endLinger(isCaughtUp: true)
            try session.wait(for: "the fence") { _ in false }
        } catch {
            guard case .restart = StreamFailure(error, stream: .sample()) else { throw error }
        }
        #expect(try !session.publisher.finish(within: .seconds(5)))
        #expect(session.status.snapshot.positionsStored == positionsStored)
    }

    @Test func aRivalFencesASessionAmidItsTransaction() throws {
        let session = try session()
        try session.publisher.fence()
        try session.publishAndSeal(1...2)
        #expect(try session.publisher.finish(within: nil))
        try session.publishAndSeal(3...5)
        try session.publisher.endLinger(isCaughtUp: false)
        let rival = try self.session()
        try rival.publisher.fence()
        #expect(try stored() == PublisherSession.position(2))
        try expectFence(of: session, positionsStored: 1)
        rival.publisher.resume(after: PublisherSession.position(2))
        try rival.publishAndSeal(3...6)
        #expect(try rival.publisher.finish(within: nil))
        #expect(try tokens() == Self.tokens(1...6))
        #expect(try stored() == PublisherSession.position(6))
    }

    /// Nobody else is there: the broker gives a transaction up that has been open for too long, and fences its producer
    /// by that.
    @Test func aTransactionThatTheBrokerGaveUpEndsTheSession() throws {
        // The broker looks for such transactions every ten seconds.
        let session = try session(["transaction.timeout.ms": "1000"])
        try session.publisher.fence()
        try leaveOpen(1...3, of: session)
        let reader = try TopicReader(settings: kafka.settings)
        try reader.start(topic: topic, partition: 0, at: 0)
        let deadline = ContinuousClock.now + Patience.limit
        // Three records and the mark of their abort.
        waiting: while true {
            switch try reader.next(timeout: .seconds(1), TestRecord.init) {
            case .record:
                Issue.record("a record of a transaction that was given up is seen")
                return
            case .end(_, 0, offset: 4): break waiting
            default: guard .now < deadline else { throw WaitedInVain(what: "the broker to give the transaction up") }
            }
        }
        try expectFence(of: session, positionsStored: 0)

        let heir = try self.session()
        try heir.publisher.fence()
        #expect(try stored() == nil)
        try heir.publishAndSeal(1...3)
        #expect(try heir.publisher.finish(within: nil))
        #expect(try tokens() == Self.tokens(1...3))
    }

    @Test func sessionsOneAfterAnotherGiveEveryEventOnce() throws {
        var next: Int32 = 1
        var random = SeededGenerator(seed: 7)
        for round in 0..<12 {
            let session = try session()
            try session.publisher.fence()
            let position = try stored()
            next = Int32(position?.events ?? 0) + 1
            if let position { session.publisher.resume(after: position) }
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                let last = next + Int32.random(in: 0...30, using: &random)
                try session.publishAndSeal(next...last)
                next = last + 1
                try session.publisher.endLinger(isCaughtUp: Bool.random(using: &random))
                try session.publisher.serve(timeout: .zero)
            }
            // Some end well, some are given up, some vanish.
            if round % 3 == 0 {
                _ = try session.publisher.finish(within: nil)
            } else if round % 3 == 1 {
                try session.publish(next...next)
                _ = try session.publisher.finish(within: .milliseconds(Int64.random(in: 1...20, using: &random)))
            }
        }
        let session = try session()
        try session.publisher.fence()
        let events = try #require(try stored()).events
        #expect(try tokens() == Self.tokens(1...Int32(events)))
    }

    /// All streams of a bridge share a topic with one partition, in which an open transaction hides what came after it,
    /// committed or not. A position that is taken for the newest because nothing else can be seen would repeat events.
    @Test(arguments: [true, false])
    func anotherStreamsOpenTransactionHidesNoPosition(isCommitted: Bool) throws {
        let session = try session()
        try session.publisher.fence()
        try session.publishAndSeal(1...3)
        #expect(try session.publisher.finish(within: nil))
        let other = try ReportingProducer(kafka.settings, ["transactional.id": "\(topic).other", "message.timeout.ms": "30000"])
        try other.producer.client.initTransactions(timeout: Patience.limit)
        try other.producer.client.beginTransaction()
        #expect(try other.produce(store.topic, key: "other", value: "{}"))
        try other.wait(acknowledged: 1)
        try session.publishAndSeal(4...5)
        #expect(try session.publisher.finish(within: nil))
        let error = try #require(throws: KafkaError.self) { try store.read(stream: "inventory", timeout: .milliseconds(500)) }
        #expect("\(error)".contains("behind an open transaction"))
        guard case .restart = StreamFailure(error, stream: .sample()) else { throw error }
        if isCommitted {
            try other.producer.client.commitTransaction(timeout: Patience.limit)
        } else {
            try other.producer.client.abortTransaction(timeout: Patience.limit)
        }
        #expect(try stored() == PublisherSession.position(5))
    }

    @Test func aTransactionsTimeBeyondTheBrokersHaltsTheStream() throws {
        let session = try session(["transaction.timeout.ms": "90000000"])
        let error = try #require(throws: KafkaError.self) { try session.publisher.fence() }
        #expect(try #require(StreamFailure(error, stream: .sample()).halt).remedy.contains("transaction.max.timeout.ms"), "\(error)")
    }
}
