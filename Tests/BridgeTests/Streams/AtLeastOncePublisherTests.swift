import CKafka
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

@Suite(.blocking) struct AtLeastOncePublisherTests {
    private let kafka: TestKafka
    private let topic = UniqueName.make("records")
    private let store: PositionStore

    init() throws {
        kafka = try TestKafka.shared.get()
        store = PositionStore(
            bridge: UniqueName.make("publisher"), admin: try KafkaAdmin(settings: kafka.settings, logger: .silent), settings: kafka.settings
        )
        try kafka.make(topic: topic)
        try kafka.make(topic: store.topic)
    }

    private func session(_ properties: [String: String] = [:]) throws -> PublisherSession {
        try PublisherSession(kafka.settings, topic: topic, positions: store.topic, properties)
    }

    private func stored() throws -> StoredPosition? { try store.read(stream: "inventory", timeout: Patience.limit) }

    @Test func recordsAndTheirPositionArrive() throws {
        let session = try session()
        try session.publishAndSeal(1...10)
        #expect(try session.publisher.finish(within: nil))
        #expect(try TopicContents.read(topic, from: kafka.settings).map(\.token) == (1...10).map { SampleEvent.token($0).data })
        let position = try #require(try stored())
        #expect(position.position == PublisherSession.position(10))
        #expect(position.stream == "inventory")
        #expect(position.options == "00aa")
        #expect(position.replicaSet == "rs0")
        #expect(position.writer == "test/1")
        #expect(session.status.snapshot.recordsPublished == 10)
        #expect(session.status.snapshot.storedToken == SampleEvent.token(10).data)
    }

    @Test func finishingDoesNotWaitOutTheLinger() throws {
        let session = try session(["linger.ms": "600000"])
        try session.publishAndSeal(1...10)
        #expect(try session.publisher.finish(within: Patience.limit))
        #expect(try stored()?.position == PublisherSession.position(10))
    }

    @Test func whatIsNotSealedIsNotCovered() throws {
        let session = try session()
        try session.publishAndSeal(1...3)
        try session.publish(4...6)
        #expect(try session.publisher.finish(within: nil))
        #expect(try TopicContents.read(topic, from: kafka.settings).count == 6)
        #expect(try stored()?.position == PublisherSession.position(3))
    }

    @Test func theFirstPositionIsStoredAtOnceAndALaterOneAfterAWhileByItself() throws {
        let session = try session()
        try session.publishAndSeal(1...3)
        try session.wait(for: "the first position") { $0.positionsStored == 1 }
        try session.publishAndSeal(4...6)
        try session.wait(for: "the second position") { $0.positionsStored == 2 }
        #expect(session.publisher.nextDeadline == nil)
        #expect(try session.publisher.finish(within: nil))
        #expect(try stored()?.position == PublisherSession.position(6))
        #expect(try TopicContents.read(store.topic, from: kafka.settings).count == 2)
    }

    @Test func anIdleStreamsPositionWaitsLongerThanOneWithEvents() throws {
        let session = try session()
        try session.publisher.seal(PublisherSession.position(1))
        try session.wait(for: "the first position") { $0.positionsStored == 1 }
        var idle = PublisherSession.position(2)
        idle.events = 1
        try session.publisher.seal(idle)
        try session.publisher.serve(timeout: .zero)
        let whenIdle = try #require(session.publisher.nextDeadline)
        #expect(session.status.snapshot.positionsStored == 1)
        try session.publisher.seal(PublisherSession.position(3))
        try session.publisher.serve(timeout: .zero)
        // Nil if so much time has passed that it is stored already.
        if let withEvents = session.publisher.nextDeadline { #expect(withEvents < whenIdle) }
        #expect(try session.publisher.finish(within: nil))
        #expect(try stored()?.position == PublisherSession.position(3))
    }

    @Test func anIdleStreamStoresItsNewestTokenWhenItFinishes() throws {
        let session = try session()
        for number in 1...5 as ClosedRange<Int32> {
            var idle = PublisherSession.position(number)
            idle.events = 0
            try session.publisher.seal(idle)
        }
        #expect(try session.publisher.finish(within: nil))
        #expect(try stored()?.position.token == SampleEvent.token(5))
        #expect(session.status.snapshot.positionsStored <= 2)
    }

    @Test func aPositionThatDidNotMoveIsNotStoredAgain() throws {
        let session = try session()
        for _ in 0..<3 { try session.publisher.seal(PublisherSession.position(1)) }
        #expect(try session.publisher.finish(within: nil))
        #expect(try session.publisher.finish(within: nil))
        #expect(try TopicContents.read(store.topic, from: kafka.settings).count == 1)
    }

    @Test func aPositionThatGoesBackwardsIsRefused() throws {
        let session = try session()
        try session.publishAndSeal(5...6)
        #expect(try session.publisher.finish(within: nil))
        try session.publisher.seal(PublisherSession.position(3))
        let error = try #require(throws: PositionError.self) { try session.publisher.finish(within: nil) }
        #expect(
            error == .backwards(stored: try #require(SampleEvent.token(6).data), offered: try #require(SampleEvent.token(3).data)))
        #expect(try stored()?.position == PublisherSession.position(6))
    }

    @Test func aPositionBeforeTheOneThatTheSessionBeganAtIsRefused() throws {
        let session = try session()
        session.publisher.resume(after: PublisherSession.position(6))
        try session.publisher.seal(PublisherSession.position(3))
        #expect(throws: PositionError.self) { try session.publisher.finish(within: nil) }
        #expect(try stored() == nil)
    }

    @Test func thePositionThatTheSessionBeganAtIsNotStoredAgain() throws {
        let session = try session()
        session.publisher.resume(after: PublisherSession.position(6))
        try session.publisher.seal(PublisherSession.position(6))
        #expect(try session.publisher.finish(within: nil))
        #expect(try stored() == nil)
        try session.publishAndSeal(7...7)
        #expect(try session.publisher.finish(within: nil))
        #expect(try stored()?.position == PublisherSession.position(7))
    }

    @Test func aRecordThatIsTooLargeIsRefusedByItsPlaceAndThoseBeforeItAreCovered() throws {
        let session = try session(["message.max.bytes": "5000"])
        var batch = RecordBatch()
        for size in [10, 20, 9_000, 30] { batch.appendRecord(key: Array("k\(size)".utf8), value: [UInt8](repeating: 1, count: size)) }
        let handle = try session.publisher.topic(topic)
        do {
            try session.publisher.publish(batch, to: [handle])
            Issue.record("the record was taken")
        } catch let refused as RecordRefused {
            #expect(refused.index == 2)
            #expect(refused.error.code == .msgSizeTooLarge)
            #expect(refused.key == "k9000")
            #expect(refused.size == 9_005)
            #expect(refused.topic == topic)
        }
        try session.publisher.seal(PublisherSession.position(2))
        #expect(try session.publisher.finish(within: nil))
        #expect(try TopicContents.read(topic, from: kafka.settings).map { $0.value?.count } == [10, 20])
        #expect(try stored()?.position == PublisherSession.position(2))
    }

    @Test func aStopsWakeEndsAWait() throws {
        let session = try session()
        try session.stop.waking(session.publisher.wake) { () throws in
            session.stop.request(grace: .seconds(60))
            try session.publisher.serve(timeout: .seconds(3600))
        }
    }

    /// A reader that waits for its server may outlive its session: what it keeps to wake the session must not keep the
    /// producer, with its threads and its queue.
    @Test func aSessionThatIsOverLeavesNoProducerBehind() throws {
        var session: PublisherSession? = try session()
        let wake = try #require(session?.publisher.wake)
        weak let client = session?.client
        #expect(client != nil)
        session = nil
        #expect(client == nil)
        wake()
    }

    // MARK: What brokers do

    /// Broker 1 has the records, broker 2 the positions: so one can be away while the other answers.
    @Suite(.enabled(if: !TestKafka.isReal, "these brokers are the mock cluster's")) struct Brokers {
        private let brokers: MockBrokers
        private let store: PositionStore

        init() throws {
            brokers = try MockBrokers(2)
            store = PositionStore(
                bridge: "b", admin: try KafkaAdmin(settings: brokers.settings, logger: .silent), settings: brokers.settings)
            try brokers.create(topic: "records", leader: 1)
            try brokers.create(topic: store.topic, leader: 2)
        }

        private func session(_ properties: [String: String] = [:]) throws -> PublisherSession {
            try PublisherSession(brokers.settings, topic: "records", positions: store.topic, properties)
        }

        private func stored() throws -> StoredPosition? { try store.read(stream: "inventory", timeout: Patience.limit) }

        @Test func aPositionIsStoredOnlyAfterTheAcknowledgementOfItsRecords() throws {
            let session = try session()
            try session.publishAndSeal(1...1)
            try session.wait(for: "the first position") { $0.positionsStored == 1 }
            brokers.takeDown(1)
            try session.publishAndSeal(2...5)
            try session.publisher.seal(PublisherSession.position(6))
            _ = try session.publisher.finish(within: .milliseconds(50))
            #expect(session.status.snapshot.positionsStored == 1)
            brokers.bringUp(1)
            #expect(try TopicContents.read(store.topic, from: brokers.settings).count == 1)
            #expect(try stored()?.position == PublisherSession.position(1))
        }

        @Test func aPositionFollowsWhenItsRecordsAreAcknowledgedAtLast() throws {
            let session = try session()
            brokers.takeDown(1)
            try session.publishAndSeal(1...5)
            try session.publisher.serve(timeout: .milliseconds(1))
            #expect(session.status.snapshot.positionsStored == 0)
            brokers.bringUp(1)
            #expect(try session.publisher.finish(within: nil))
            #expect(try stored()?.position == PublisherSession.position(5))
            #expect(try TopicContents.read(store.topic, from: brokers.settings).count == 1)
            #expect(try TopicContents.read("records", from: brokers.settings).count == 5)
        }

        /// An idle stream's token moves on for as long as the broker of the positions is away.
        @Test func positionsThatNobodyAcknowledgesDoNotPileUp() throws {
            let session = try session()
            try session.publishAndSeal(1...1)
            try session.wait(for: "the first position") { $0.positionsStored == 1 }
            brokers.takeDown(2)
            let deadline = ContinuousClock.now + Patience.limit
            var number: Int32 = 2
            func move() throws {
                try session.publisher.seal(PublisherSession.position(number))
                try session.publisher.serve(timeout: .milliseconds(20))
                number += 1
            }
            while session.publisher.unacknowledged() < 4, .now < deadline { try move() }
            // The next one is covered, and waits without a time at which it would be due.
            while session.publisher.nextDeadline != nil, .now < deadline { try move() }
            #expect(session.publisher.unacknowledged() == 4)
            brokers.bringUp(2)
            #expect(try session.publisher.finish(within: nil))
            #expect(try stored()?.position == PublisherSession.position(number - 1))
        }

        @Test func finishingGivesUpAfterItsLimitAndLeavesNothingThatArrivesLater() throws {
            let session = try session()
            brokers.takeDown(1)
            try session.publishAndSeal(1...5)
            #expect(try !session.publisher.finish(within: .milliseconds(20)))
            brokers.bringUp(1)
            // The thread that may have to wake it holds its client for a moment longer.
            let client = try #require(session.client)
            let deadline = ContinuousClock.now + Patience.limit
            while client.unacknowledged > 0, .now < deadline { _ = try? session.publisher.serve(timeout: .milliseconds(50)) }
            let next = try self.session()
            try next.publishAndSeal(6...6)
            #expect(try next.publisher.finish(within: nil))
            #expect(try TopicContents.read("records", from: brokers.settings).map(\.token) == [SampleEvent.token(6).data])
        }

        @Test func anOverdueStopEndsFinishing() throws {
            let session = try session()
            brokers.takeDown(1)
            try session.publishAndSeal(1...5)
            session.stop.request(grace: .zero)
            #expect(try !session.publisher.finish(within: nil))
            #expect(session.status.snapshot.positionsStored == 0)
        }

        @Test func anOverdueStopEndsAPublishThatWaitsForRoom() throws {
            let session = try session(["queue.buffering.max.messages": "3"])
            brokers.takeDown(1)
            session.stop.request(grace: .zero)
            #expect(throws: Stopped.self) { try session.publish(1...10) }
        }

        @Test func aFullQueueWaitsForRoomAndKeepsTheOrder() throws {
            let session = try session(["queue.buffering.max.messages": "3"])
            try session.publishAndSeal(1...100)
            #expect(try session.publisher.finish(within: nil))
            #expect(try TopicContents.read("records", from: brokers.settings).map(\.token) == (1...100).map { SampleEvent.token($0).data })
        }

        @Test func aRefusedRecordEndsTheSessionAndHoldsItsPositionBack() throws {
            let session = try session()
            try session.publishAndSeal(1...1)
            #expect(try session.publisher.finish(within: nil))
            brokers.fail(.produce, with: [RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED])
            // The report may come as early as while the position is sealed.
            let refused = try #require(throws: RecordRefused.self) {
                try session.publishAndSeal(2...3)
                try session.wait(for: "the refusal") { _ in false }
            }
            #expect(refused.topic == "records")
            #expect(refused.index == nil)
            #expect(StreamFailure(refused, stream: .sample()).halt != nil)
            // What comes after it is not covered either, and says the same again.
            #expect(throws: RecordRefused.self) { try session.publisher.finish(within: Patience.limit) }
            #expect(try stored()?.position == PublisherSession.position(1))
        }

        @Test func aRefusedPositionEndsTheSession() throws {
            let session = try session()
            try session.publish(1...1)
            try session.wait(for: "the acknowledgement") { $0.recordsPublished == 1 }
            brokers.fail(.produce, with: [RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED])
            try session.publisher.seal(PublisherSession.position(1))
            let refused = try #require(throws: RecordRefused.self) { try session.publisher.finish(within: nil) }
            #expect(refused.topic == store.topic)
            #expect(refused.key == "inventory")
            #expect(try stored() == nil)
        }

        /// Records that a session could not send must not come behind those of the next one, which publishes the same
        /// events again.
        @Test func aSessionThatFailedSendsNothingAfterItsEnd() throws {
            var session: PublisherSession? = try session(["linger.ms": "600000"])
            try session?.publish(1...5)
            weak let client = session?.client
            session = nil
            #expect(client == nil)
            let next = try self.session()
            try next.publishAndSeal(1...6)
            #expect(try next.publisher.finish(within: nil))
            #expect(try TopicContents.read("records", from: brokers.settings).map(\.token) == (1...6).map { SampleEvent.token($0).data })
        }
    }
}
