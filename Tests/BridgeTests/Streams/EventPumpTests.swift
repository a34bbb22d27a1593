import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

@Suite struct EventPumpTests {
    private let publisher: RecordingPublisher

    init() throws { publisher = try RecordingPublisher() }

    private func pump(events: Int64 = 0, _ change: (inout StreamSettings) -> Void = { _ in }) -> EventPump {
        EventPump(
            settings: .sample(change), publisher: publisher, lookup: nil,
            after: StreamPosition(token: ResumeToken(data: "82"), wallTime: nil, events: events)
        ) { [publisher] name in
            try publisher.topic(name)
        }
    }

    private func record(_ number: Int32, isTombstone: Bool = false) -> RecordingPublisher.Step {
        .record(topic: "mongo.lessons.inventory", key: #"{"_id":{"$numberInt":"\#(number)"}}"#, isTombstone: isTombstone)
    }

    /// The position at event `number`'s own token.
    private func position(at number: Int32, events: Int64) -> StreamPosition {
        StreamPosition(token: SampleEvent.token(number), wallTime: SampleEvent.wallTime(number), events: events)
    }

    private static func refusal(at index: Int?) -> RecordRefused {
        RecordRefused(
            error: KafkaError(code: 10, operation: "produce", message: "too large"), topic: "t", key: nil, size: 1, index: index)
    }

    @Test func publishesInOrderAndSealsTheBatchsToken() throws {
        var pump = pump(events: 40)
        try pump.publish(.sample([SampleEvent.insert(1), SampleEvent.insert(2)], token: SampleEvent.token(9)))
        let end = StreamPosition(token: SampleEvent.token(9), wallTime: SampleEvent.wallTime(2), events: 42)
        #expect(publisher.steps == [record(1), record(2), .sealed(end)])
    }

    @Test func publishesEveryEventOfABatchThatIsLargerThanOneRecordBatch() throws {
        var pump = pump()
        let events = (1...1_000 as ClosedRange<Int32>).map { SampleEvent.insert($0) }
        try pump.publish(.sample(events, token: SampleEvent.token(1_000)))
        #expect(publisher.records.map(\.keyText) == (1...1_000).map { #"{"_id":{"$numberInt":"\#($0)"}}"# })
        #expect(publisher.sealed.map(\.events) == [1_000])
    }

    @Test func aPositionWithoutEventsIsSealedAlone() throws {
        var pump = pump(events: 7)
        try pump.publish(ChangeStreamReader.Batch(events: nil, token: SampleEvent.token(3)))
        #expect(publisher.steps == [.sealed(StreamPosition(token: SampleEvent.token(3), wallTime: nil, events: 7))])
    }

    @Test func anIdleBatchKeepsTheWallTimeOfTheLastEvent() throws {
        var pump = pump()
        try pump.publish(.sample([SampleEvent.insert(1)], token: SampleEvent.token(1)))
        try pump.publish(.sample([], token: SampleEvent.token(5)))
        #expect(publisher.sealed.last == StreamPosition(token: SampleEvent.token(5), wallTime: SampleEvent.wallTime(1), events: 1))
    }

    @Test(arguments: [0, 1, 2, 3] as [Int32])
    func aRefusedRecordInTheMiddleSealsTheEventBeforeIt(taken: Int32) throws {
        publisher.admit = { index, _ in if index == taken { throw Self.refusal(at: index) } }
        var pump = pump(events: 10)
        #expect(throws: RecordRefused.self) {
            try pump.publish(.sample((1...5).map { SampleEvent.insert($0) }, token: SampleEvent.token(9)))
        }
        let records = (0..<taken).map { record($0 + 1) }
        #expect(publisher.steps == records + (taken == 0 ? [] : [.sealed(position(at: taken, events: 10 + Int64(taken)))]))
    }

    @Test func aRefusalInALaterRecordBatchSealsTheEventBeforeIt() throws {
        publisher.admit = { index, record in
            if record.keyText == #"{"_id":{"$numberInt":"600"}}"# { throw Self.refusal(at: index) }
        }
        var pump = pump()
        #expect(throws: RecordRefused.self) {
            try pump.publish(.sample((1...1_000).map { SampleEvent.insert($0) }, token: SampleEvent.token(1_000)))
        }
        #expect(publisher.records.count == 599)
        #expect(publisher.sealed == [position(at: 599, events: 599)])
    }

    @Test func aRefusalAtTheFirstRecordOfALaterBatchSealsTheEndOfTheOneBefore() throws {
        publisher.admit = { index, record in
            if record.keyText == #"{"_id":{"$numberInt":"257"}}"# { throw Self.refusal(at: index) }
        }
        var pump = pump()
        #expect(throws: RecordRefused.self) {
            try pump.publish(.sample((1...300).map { SampleEvent.insert($0) }, token: SampleEvent.token(300)))
        }
        #expect(publisher.sealed == [position(at: 256, events: 256)])
    }

    /// Records: insert 1, delete 2, tombstone 2, delete 3, tombstone 3, insert 4.
    @Test(arguments: [(0, nil), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3)] as [(Int, Int32?)])
    func anEventWithATombstoneIsDoneWhenBothItsRecordsAre(taken: Int, done: Int32?) throws {
        publisher.admit = { index, _ in if index == taken { throw Self.refusal(at: index) } }
        var pump = pump { $0.tombstones = true }
        #expect(throws: RecordRefused.self) {
            try pump.publish(
                .sample(
                    [SampleEvent.insert(1), SampleEvent.delete(2), SampleEvent.delete(3), SampleEvent.insert(4)],
                    token: SampleEvent.token(9)))
        }
        #expect(publisher.records.count == taken)
        #expect(publisher.sealed == (done.map { [position(at: $0, events: Int64($0))] } ?? []))
    }

    @Test func aRefusalThatCameLaterSealsNothingNew() throws {
        var pump = pump()
        publisher.admit = { index, _ in if index == 1 { throw Self.refusal(at: nil) } }
        #expect(throws: RecordRefused.self) {
            try pump.publish(.sample((1...3).map { SampleEvent.insert($0) }, token: SampleEvent.token(3)))
        }
        #expect(publisher.sealed == [])
    }

    @Test func aFailureOfThePublisherIsNotAnsweredByPublishingAgain() throws {
        var pump = pump()
        publisher.admit = { index, _ in if index == 2 { throw Stopped() } }
        #expect(throws: Stopped.self) {
            try pump.publish(.sample((1...3).map { SampleEvent.insert($0) }, token: SampleEvent.token(3)))
        }
        #expect(publisher.steps == [record(1), record(2)])
    }

    @Test func anEventWithoutATopicStopsAfterTheEventsBeforeIt() throws {
        var pump = EventPump(settings: .sample { $0.watch = .database("lessons") }, publisher: publisher, lookup: nil, after: nil) {
            [publisher] name in
            guard name != "mongo.lessons.trucks" else {
                throw MissingTopic(topic: name, partitions: nil, config: [:], reason: "topics.create is false")
            }
            return try publisher.topic(name)
        }
        #expect(throws: MissingTopic.self) {
            try pump.publish(
                .sample(
                    [SampleEvent.insert(1), SampleEvent.insert(2, collection: "trucks"), SampleEvent.insert(3)],
                    token: SampleEvent.token(3)))
        }
        #expect(publisher.steps == [record(1), .sealed(position(at: 1, events: 1))])
    }

    @Test func textThatIsNotUTF8HaltsTheStreamAtItsTokenWithTheEventsBeforeItSealed() throws {
        let invalid = try SampleEvent.insert(3).replacing(Array("apple".utf8), with: Array("appl".utf8) + [0xff])
        var pump = pump()
        let halt = try #require(throws: Halt.self) {
            try pump.publish(
                .sample([SampleEvent.insert(1), SampleEvent.insert(2), invalid, SampleEvent.insert(4)], token: SampleEvent.token(9)))
        }
        #expect(halt.reason.contains(try #require(SampleEvent.token(3).data)))
        #expect(halt.reason.contains("UTF-8"))
        #expect(!halt.remedy.isEmpty)
        #expect(publisher.steps == [record(1), record(2), .sealed(position(at: 2, events: 2))])
    }

    @Test func anEventThatIsNotBSONStopsAfterTheEventsBeforeIt() throws {
        let damaged = SampleEvent.insert(2) { $0.append("damage", true) }
        let reply = try GetMoreReply.document([SampleEvent.insert(1), damaged], token: SampleEvent.token(9))
            .replacing([0x08] + Array("damage".utf8), with: [0x55] + Array("damage".utf8))
        var pump = pump()
        #expect(throws: BSONError.self) {
            try pump.publish(ChangeStreamReader.Batch(events: GetMoreReply.batch(reply), token: SampleEvent.token(9)))
        }
        #expect(publisher.steps == [record(1), .sealed(position(at: 1, events: 1))])
    }
}
