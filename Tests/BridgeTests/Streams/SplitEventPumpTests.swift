import Mongo
import Testing

@testable import StreamBridge

/// What becomes of fragments between the reader and the publisher: records, positions, transactions.
@Suite struct SplitEventPumpTests {
    private let publisher: RecordingPublisher

    init() throws { publisher = try RecordingPublisher() }

    private func pump(after stored: StreamPosition? = nil) -> EventPump {
        EventPump(settings: .sample { $0.format = .canonical }, publisher: publisher, lookup: nil, after: stored) { [publisher] name in
            try publisher.topic(name)
        }
    }

    private static let update = SampleEvent.update(2)
    private static let fragments = SampleEvent.fragments(of: update, SampleEvent.parts)
    private static func token(_ fragment: Int) -> ResumeToken { SampleEvent.token(ofFragment: fragment, of: update) }

    private var keys: [String?] { publisher.records.map(\.keyText) }
    private static func key(_ number: Int32) -> String { #"{"_id":{"$numberInt":"\#(number)"}}"# }

    private func event(_ index: Int) throws -> BSONDocument {
        try BSONDocument(extendedJSON: String(decoding: try #require(publisher.records[index].value), as: UTF8.self))
    }

    @Test(arguments: [[3], [1, 2], [2, 1], [1, 1, 1]])
    func fragmentsInOneBatchOrSeveralAreOneRecord(_ sizes: [Int]) throws {
        var pump = pump()
        var rest = Self.fragments[...]
        var taken = 0
        for size in sizes {
            taken += size
            try pump.publish(.sample(Array(rest.prefix(size)), token: Self.token(taken)))
            rest = rest.dropFirst(size)
            #expect(publisher.records.count == (taken == 3 ? 1 : 0))
            #expect(publisher.sealed.count == (taken == 3 ? 1 : 0))
        }
        #expect(try event(0) == SampleEvent.joined(Self.update, fragments: 3))
        #expect(publisher.records[0].headers.contains("mongodb.token=\(Self.token(3).data ?? "")"))
        #expect(publisher.sealed == [StreamPosition(token: Self.token(3), wallTime: SampleEvent.wallTime(2), events: 1)])
    }

    @Test func whatCameBeforeTheFirstFragmentIsSealed() throws {
        var pump = pump()
        try pump.publish(.sample([SampleEvent.insert(1), Self.fragments[0]], token: Self.token(1)))
        let before = StreamPosition(token: SampleEvent.token(1), wallTime: SampleEvent.wallTime(1), events: 1)
        #expect(publisher.sealed == [before])
        try pump.publish(.sample([Self.fragments[1]], token: Self.token(2)))
        #expect(publisher.sealed == [before])
        try pump.publish(.sample([Self.fragments[2], SampleEvent.insert(3)], token: SampleEvent.token(3)))
        #expect(keys == [Self.key(1), Self.key(2), Self.key(3)])
        #expect(publisher.sealed.dropFirst() == [StreamPosition(token: SampleEvent.token(3), wallTime: SampleEvent.wallTime(3), events: 3)])
    }

    @Test func anAnswerWithoutEventsAmidTheFragmentsSealsNothing() throws {
        var pump = pump()
        try pump.publish(.sample([Self.fragments[0]], token: Self.token(1)))
        try pump.publish(.sample([], token: Self.token(1)))
        #expect(publisher.steps.isEmpty)
        try pump.publish(.sample(Array(Self.fragments[1...]), token: Self.token(3)))
        #expect(keys == [Self.key(2)])
    }

    @Test func aSessionThatEndsBetweenFragmentsLeavesAPositionFromWhichAllOfThemComeAgain() throws {
        do {
            var pump = pump()
            try pump.publish(.sample([SampleEvent.insert(1), Self.fragments[0], Self.fragments[1]], token: Self.token(2)))
        }
        #expect(keys == [Self.key(1)])
        let stored = try #require(publisher.sealed.last)
        #expect(stored.token == SampleEvent.token(1))
        var next = pump(after: stored)
        try next.publish(ChangeStreamReader.Batch(events: nil, token: stored.token))
        try next.publish(.sample(Self.fragments, token: Self.token(3)))
        #expect(keys == [Self.key(1), Self.key(2)])
        #expect(publisher.sealed.last == StreamPosition(token: Self.token(3), wallTime: SampleEvent.wallTime(2), events: 2))
    }

    @Test func aHaltAmidFragmentsLosesNothingOfWhatCameBefore() throws {
        var pump = pump()
        #expect(throws: Halt.self) {
            try pump.publish(.sample([SampleEvent.insert(1), Self.fragments[0], Self.fragments[2]], token: Self.token(3)))
        }
        #expect(keys == [Self.key(1)])
        #expect(publisher.sealed.last?.token == SampleEvent.token(1))
    }

    // MARK: Transactions

    private static let first = SampleEvent.insert(1, of: 7, committedAs: 1)
    private static let large = SampleEvent.insert(2, of: 7, committedAs: 1)
    private static let parts = Array(SampleEvent.parts.prefix(2))

    private var places: [String] {
        publisher.records.map { record in
            record.headers.first { $0.hasPrefix("mongodb.txnIndex=") }.map { String($0.split(separator: "=")[1]) } ?? "-"
        }
    }

    /// The number of records before each seal, and its place in a transaction.
    private var seals: [String] { publisher.seals { "\($0.index)" } }

    /// Publishes batches as the reader hands them over. Each one's position is its last event's own, so the server
    /// tells nothing of what follows.
    private static func publish(_ batches: [[BSONDocument]], with pump: inout EventPump) throws {
        var last: TransactionID?
        for events in batches {
            let token = ResumeToken(document: try #require(events.last?["_id"]?.documentValue))
            var batch = try ChangeStreamReader.Batch.sample(events, token: token)
            batch.openTransaction = batch.events?.openTransaction(before: token, after: last)
            last = batch.openTransaction
            try pump.publish(batch)
        }
    }

    @Test func aBatchThatEndsWithALargeEventOfATransactionLeavesTheTransactionOpen() throws {
        var pump = pump()
        let fragments = SampleEvent.fragments(of: Self.large, Self.parts)
        try Self.publish(
            [[SampleEvent.insert(0), Self.first] + fragments, [SampleEvent.insert(3, of: 7, committedAs: 1), SampleEvent.insert(4)]],
            with: &pump)
        #expect(places == ["-", "0", "1", "2", "-"])
        #expect(seals == ["1", "2 amid 0", "3 amid 1", "5"])
    }

    @Test func aLargeEventOfATransactionInSeveralBatchesLeavesTheTransactionOpen() throws {
        var pump = pump()
        let fragments = SampleEvent.fragments(of: Self.large, Self.parts)
        try Self.publish(
            [[Self.first], [fragments[0]], [fragments[1]], [SampleEvent.insert(3, of: 7, committedAs: 1)], [SampleEvent.insert(4)]],
            with: &pump)
        #expect(places == ["0", "1", "2", "-"])
        #expect(seals == ["1 amid 0", "2 amid 1", "3 amid 2", "4"])
    }

    @Test func aLargeEventThatBeginsATransactionEndsTheOneBefore() throws {
        var pump = pump()
        let fragments = SampleEvent.fragments(of: SampleEvent.insert(2, of: 8, committedAs: 2), Self.parts)
        try Self.publish([[Self.first], [fragments[0]], [fragments[1]]], with: &pump)
        #expect(places == ["0", "0"])
        #expect(seals == ["1 amid 0", "1", "2 amid 0"])
    }

    @Test func aLargeEventOfNoTransactionEndsTheOneBefore() throws {
        var pump = pump()
        try Self.publish([[Self.first] + Self.fragments, [SampleEvent.insert(3)]], with: &pump)
        #expect(places == ["0", "-", "-"])
        #expect(seals == ["1", "2", "3"])
    }

    /// What makes the reader open nothing again, but a new session begin before the event.
    @Test(arguments: [(0, false), (1, true), (2, true), (3, false)])
    func aBatchTellsWhetherItEndsAmidAnEvent(_ fragments: Int, _ isAmid: Bool) throws {
        let events = [SampleEvent.insert(1)] + Self.fragments.prefix(fragments)
        let batch = try ChangeStreamReader.Batch.sample(events, token: Self.token(fragments))
        #expect(batch.events?.endsAmidEvent == isAmid)
    }
}
