import CKafka
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// What a session does with its transactions. The mock cluster ignores isolation: what readers see is asserted on a
/// real broker only.
@Suite(.blocking) struct TransactionalPublisherTests {
    private let kafka: TestKafka
    private let bridge = UniqueName.make("publisher")
    private let topic = UniqueName.make("records")
    private let store: PositionStore

    init() throws {
        kafka = try TestKafka.shared.get()
        store = PositionStore(bridge: bridge, admin: try KafkaAdmin(settings: kafka.settings, logger: .silent), settings: kafka.settings)
        try kafka.make(topic: topic)
        try kafka.make(topic: store.topic)
    }

    private func session(_ properties: [String: String] = [:]) throws -> PublisherSession {
        let session = try PublisherSession(kafka.settings, topic: topic, positions: store.topic, bridge: bridge, properties)
        try session.publisher.fence()
        return session
    }

    private func stored() throws -> StreamPosition? { try store.read(stream: "inventory", timeout: Patience.limit)?.position }

    private func tokens() throws -> [String] { try TopicContents.read(topic, from: kafka.settings).map(\.token) }

    private static func tokens(_ numbers: ClosedRange<Int32>) -> [String?] { numbers.map { SampleEvent.token($0).data } }

    @Test func recordsAndTheirPositionAreCommittedTogether() throws {
        let session = try session()
        try session.publishAndSeal(1...10)
        #expect(session.status.snapshot.recordsPublished == 0)
        #expect(session.status.snapshot.positionsStored == 0)
        #expect(try session.publisher.finish(within: nil))
        #expect(try tokens() == Self.tokens(1...10))
        let position = try #require(try store.read(stream: "inventory", timeout: Patience.limit))
        #expect(position.position == PublisherSession.position(10))
        #expect(position.options == "00aa")
        #expect(position.replicaSet == "rs0")
        #expect(position.writer == "test/1")
        #expect(session.status.snapshot.recordsPublished == 10)
        #expect(session.status.snapshot.positionsStored == 1)
        #expect(session.status.snapshot.storedToken == SampleEvent.token(10).data)
    }

    @Test func whatIsCaughtUpIsCommittedAtOnce() throws {
        let session = try session()
        for number in 1...3 as ClosedRange<Int32> {
            try session.publishAndSeal(number...number)
            try session.publisher.endLinger(isCaughtUp: true)
            // On its way: nothing is due that a clock would have to tell.
            #expect(session.publisher.nextDeadline == nil)
            try session.wait(for: "commit \(number)") { $0.positionsStored == Int(number) }
            #expect(session.status.snapshot.recordsPublished == Int(number))
        }
        #expect(try session.publisher.finish(within: nil))
        #expect(try TopicContents.read(store.topic, from: kafka.settings).count == 3)
        #expect(try tokens() == Self.tokens(1...3))
    }

    @Test func whileMoreIsOnItsWayATransactionStaysOpenForAWhile() throws {
        let session = try session()
        try session.publishAndSeal(1...3)
        try session.publisher.endLinger(isCaughtUp: false)
        let deadline = try #require(session.publisher.nextDeadline)
        try session.wait(for: "the commit") { $0.positionsStored == 1 }
        #expect(.now >= deadline)
        #expect(try session.publisher.finish(within: nil))
        #expect(try stored() == PublisherSession.position(3))
    }

    @Test func aFloodIsFewTransactions() throws {
        let session = try session()
        let start = ContinuousClock.now
        for number in 1...200 as ClosedRange<Int32> {
            try session.publishAndSeal(number...number)
            try session.publisher.endLinger(isCaughtUp: false)
            try session.publisher.serve(timeout: .zero)
        }
        #expect(try session.publisher.finish(within: nil))
        // Each stays open for a tenth of a second, and the last one is cut short.
        #expect(session.status.snapshot.positionsStored <= Int(start.duration(to: .now) / .milliseconds(100)) + 1)
        #expect(session.status.snapshot.recordsPublished == 200)
        #expect(try tokens() == Self.tokens(1...200))
    }

    @Test func aLargeTransactionIsCommittedByItsSize() throws {
        let session = try session()
        var batch = RecordBatch()
        for number in 0..<90 { batch.appendRecord(key: [UInt8(number)], value: [UInt8](repeating: 1, count: 100_000), event: number) }
        try session.publisher.publish(batch, to: [try session.publisher.topic(topic)])
        try session.publisher.seal(PublisherSession.position(90))
        #expect(session.publisher.nextDeadline == nil)
        try session.wait(for: "the commit") { $0.positionsStored == 1 }
        #expect(session.status.snapshot.recordsPublished == 90)
    }

    /// It would be published again after the position.
    @Test func whatIsNotCoveredByThePositionIsNotCommittedWithIt() throws {
        let session = try session()
        try session.publishAndSeal(1...3)
        try session.publish(4...6)
        try session.publisher.endLinger(isCaughtUp: true)
        #expect(try !session.publisher.finish(within: nil))
        #expect(session.status.snapshot.positionsStored == 0)
        #expect(session.status.snapshot.recordsPublished == 0)
        guard TestKafka.isReal else { return }
        #expect(try tokens() == [])
        #expect(try stored() == nil)
    }

    @Test func nothingIsCommittedWhenThereIsNothing() throws {
        let session = try session()
        #expect(session.publisher.nextDeadline == nil)
        try session.publisher.endLinger(isCaughtUp: true)
        try session.publisher.serve(timeout: .zero)
        #expect(try session.publisher.finish(within: nil))
        #expect(session.status.snapshot.positionsStored == 0)
        #expect(try stored() == nil)
    }

    // MARK: Idle streams

    @Test func theFirstPositionIsStoredAtOnceAndALaterTokenAfterAWhile() throws {
        let session = try session()
        try session.publisher.seal(PublisherSession.position(1))
        #expect(try #require(session.publisher.nextDeadline) <= .now)
        try session.wait(for: "the first position") { $0.positionsStored == 1 }
        try session.publisher.seal(PublisherSession.position(2))
        #expect(try #require(session.publisher.nextDeadline) > .now)
        try session.publisher.serve(timeout: .zero)
        #expect(session.status.snapshot.positionsStored == 1)
        try session.wait(for: "the second position") { $0.positionsStored == 2 }
        #expect(try session.publisher.finish(within: nil))
        #expect(try stored() == PublisherSession.position(2))
    }

    /// A wait until a deadline that has passed would spin.
    @Test func aPositionThatDidNotMoveIsNotStoredAgainAndWakesNobody() throws {
        let session = try session()
        for _ in 0..<3 {
            try session.publisher.seal(PublisherSession.position(1))
            try session.wait(for: "the position") { $0.positionsStored == 1 }
            #expect(session.publisher.nextDeadline == nil)
        }
        // Also while it is on its way.
        try session.publishAndSeal(2...2)
        try session.publisher.endLinger(isCaughtUp: true)
        try session.publisher.seal(PublisherSession.position(2))
        #expect(try session.publisher.finish(within: nil))
        #expect(session.publisher.nextDeadline == nil)
        #expect(try session.publisher.finish(within: nil))
        #expect(session.status.snapshot.positionsStored == 2)
        #expect(try TopicContents.read(store.topic, from: kafka.settings).count == 2)
    }

    @Test func anIdleStreamStoresItsNewestTokenWhenItFinishes() throws {
        let session = try session()
        session.publisher.resume(after: PublisherSession.position(1))
        for number in 2...5 as ClosedRange<Int32> { try session.publisher.seal(PublisherSession.position(number)) }
        #expect(try session.publisher.finish(within: nil))
        #expect(try stored() == PublisherSession.position(5))
        #expect(session.status.snapshot.positionsStored == 1)
    }

    @Test func thePositionThatTheSessionBeganAtIsNotStoredAgain() throws {
        let session = try session()
        session.publisher.resume(after: PublisherSession.position(6))
        try session.publisher.seal(PublisherSession.position(6))
        #expect(session.publisher.nextDeadline == nil)
        #expect(try session.publisher.finish(within: nil))
        #expect(try stored() == nil)
    }

    // MARK: MongoDB transactions

    /// The position after insert `number`, with more of its MongoDB transaction to come.
    private static func amid(_ number: Int32) -> StreamPosition {
        var position = PublisherSession.position(number)
        position.transaction = TransactionPlace(id: SampleEvent.transaction(7, committedAs: number), index: Int64(number) - 1)
        return position
    }

    @Test func theEndOfAMongoDBTransactionIsAwaited() throws {
        let session = try session()
        let start = ContinuousClock.now
        try session.publish(1...3)
        try session.publisher.seal(Self.amid(3))
        try session.publisher.endLinger(isCaughtUp: true)
        // Not the tenth of a second that other transactions have.
        #expect(try #require(session.publisher.nextDeadline) >= start + TransactionState.maxGroupTime)
        try session.publish(4...4)
        try session.publisher.seal(Self.amid(4))
        try session.publisher.endLinger(isCaughtUp: true)
        #expect(session.status.snapshot.positionsStored == 0)
        try session.publisher.seal(PublisherSession.position(4))
        try session.publisher.endLinger(isCaughtUp: true)
        try session.wait(for: "the commit") { $0.positionsStored == 1 }
        #expect(session.status.snapshot.recordsPublished == 4)
        #expect(try session.publisher.finish(within: nil))
        #expect(try stored() == PublisherSession.position(4))
    }

    @Test func aMongoDBTransactionThatIsTooLargeIsCommittedInParts() throws {
        let session = try session()
        let size = 1 << 19
        let count = Int32(TransactionState.maxGroupBytes / size)
        for number in 1...count {
            var batch = RecordBatch()
            batch.appendRecord(key: [1], value: [UInt8](repeating: 1, count: size), event: 0)
            try session.publisher.publish(batch, to: [try session.publisher.topic(topic)])
            try session.publisher.seal(Self.amid(number))
            if number < count { #expect(session.publisher.nextDeadline != nil) }
        }
        try session.wait(for: "the commit") { $0.positionsStored == 1 }
        #expect(try stored() == Self.amid(count))
    }

    /// The next session publishes all of it.
    @Test func aPartOfAMongoDBTransactionIsGivenUpAtTheEnd() throws {
        let session = try session()
        try session.publishAndSeal(1...3)
        session.stop.request(grace: .seconds(60))
        // What is before it need not be given up with it.
        try session.publisher.seal(PublisherSession.position(3))
        try session.publish(4...6)
        try session.publisher.seal(Self.amid(6))
        #expect(try session.publisher.finish(within: nil))
        #expect(session.status.snapshot.recordsPublished == 3)
        #expect(try stored() == PublisherSession.position(3))
        if TestKafka.isReal { #expect(try tokens() == Self.tokens(1...3)) }
    }

    // MARK: Refusals

    @Test func aPositionThatGoesBackwardsIsRefusedAndItsRecordsAreNotCommitted() throws {
        let session = try session()
        session.publisher.resume(after: PublisherSession.position(6))
        try session.publishAndSeal(3...3)
        #expect(throws: PositionError.self) { try session.publisher.endLinger(isCaughtUp: true) }
        #expect(throws: PositionError.self) { try session.publisher.finish(within: nil) }
        #expect(session.status.snapshot.positionsStored == 0)
        if TestKafka.isReal { #expect(try tokens() == []) }
    }

    @Test func aRecordThatIsTooLargeIsRefusedByItsPlaceAndThoseBeforeItAreCommitted() throws {
        let session = try session(["message.max.bytes": "5000"])
        var batch = RecordBatch()
        for (index, size) in [10, 20, 9_000, 30].enumerated() {
            batch.appendRecord(key: Array("k\(size)".utf8), value: [UInt8](repeating: 1, count: size), event: index)
        }
        let refused = try #require(throws: RecordRefused.self) {
            try session.publisher.publish(batch, to: [try session.publisher.topic(topic)])
        }
        #expect(refused.index == 2)
        #expect(refused.error.code == .msgSizeTooLarge)
        #expect(refused.key == "k9000")
        #expect(refused.size == 9_005)
        try session.publisher.seal(PublisherSession.position(2))
        #expect(try session.publisher.finish(within: nil))
        #expect(try TopicContents.read(topic, from: kafka.settings).map { $0.value?.count } == [10, 20])
        #expect(try stored() == PublisherSession.position(2))
        #expect(session.status.snapshot.recordsPublished == 2)
    }

    /// Its first record would be published again with the second one.
    @Test func anEventWhoseSecondRecordIsRefusedIsNotCommittedByHalf() throws {
        let session = try session(["message.max.bytes": "5000"])
        var batch = RecordBatch()
        for (event, size) in [(1, 10), (2, 20), (2, 9_000)] {
            batch.appendRecord(key: [1], value: [UInt8](repeating: 1, count: size), event: event)
        }
        #expect(throws: RecordRefused.self) { try session.publisher.publish(batch, to: [try session.publisher.topic(topic)]) }
        try session.publisher.seal(PublisherSession.position(1))
        #expect(try !session.publisher.finish(within: nil))
        #expect(session.status.snapshot.positionsStored == 0)
        if TestKafka.isReal { #expect(try tokens() == []) }
    }

    @Test func aPositionThatIsTooLargeIsRefusedWithItsTopic() throws {
        let session = try session(["message.max.bytes": "1000", "batch.size": "1000"])
        var long = PublisherSession.position(1)
        long.token = ResumeToken(document: ["_data": .string(String(repeating: "8", count: 2_000))])
        try session.publisher.seal(long)
        let refused = try #require(throws: RecordRefused.self) { try session.publisher.finish(within: nil) }
        #expect(refused.topic == store.topic)
        #expect(refused.key == "inventory")
        #expect(StreamFailure(refused, stream: .sample()).halt != nil)
        #expect(session.status.snapshot.positionsStored == 0)
    }

    // MARK: The end

    @Test func aStopsWakeEndsAWait() throws {
        let session = try session()
        try session.stop.waking(session.publisher.wake) { () throws in
            session.stop.request(grace: .seconds(60))
            try session.publisher.serve(timeout: .seconds(3600))
        }
    }

    @Test func aSessionThatIsOverLeavesNoProducerBehind() throws {
        var session: PublisherSession? = try session()
        try session?.publishAndSeal(1...3)
        #expect(try session?.publisher.finish(within: nil) == true)
        let wake = try #require(session?.publisher.wake)
        weak let client = session?.client
        #expect(client != nil)
        session = nil
        #expect(client == nil)
        wake()
    }

    /// librdkafka 2.0.2 ends the process when a producer goes while the request is due that its records wait for.
    @Test func aSessionThatVanishesAmidATransactionEndsAlone() throws {
        for number: Int32 in 1...20 {
            let session = try session()
            try session.publish(number...number)
        }
    }

    @Test func aSessionThatIsGivenUpAmidATransactionLeavesNoProducerBehind() throws {
        var session: PublisherSession? = try session()
        try session?.publish(1...3)
        #expect(try session?.publisher.finish(within: .milliseconds(10)) == false)
        weak let client = session?.client
        session = nil
        #expect(client == nil)
        let next = try self.session()
        try next.publishAndSeal(1...3)
        #expect(try next.publisher.finish(within: nil))
        if TestKafka.isReal { #expect(try tokens() == Self.tokens(1...3)) }
    }
}
