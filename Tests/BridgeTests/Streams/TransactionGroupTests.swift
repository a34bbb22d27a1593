import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// How the events of MongoDB transactions are counted, and where positions are sealed around them.
@Suite struct TransactionGroupTests {
    private let publisher: RecordingPublisher

    init() throws { publisher = try RecordingPublisher() }

    private func pump(after stored: StreamPosition? = nil) -> EventPump {
        EventPump(settings: .sample(), publisher: publisher, lookup: nil, after: stored) { [publisher] name in try publisher.topic(name) }
    }

    /// Each record's `mongodb.txn` without the session's UUID, and its index; "-" for an event of no transaction.
    private var places: [String] {
        publisher.records.map { record in
            func text(_ name: String) -> String? {
                record.headers.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
            }
            guard let id = text("mongodb.txn"), let index = text("mongodb.txnIndex") else { return "-" }
            return "\(id.split(separator: ":")[1]):\(index)"
        }
    }

    /// The numbers of the records before each seal, and its transaction.
    private var seals: [String] { publisher.seals { "\($0.id.number):\($0.index)" } }

    private static func batch(_ events: [BSONDocument], token: ResumeToken, after last: TransactionID? = nil) throws
        -> ChangeStreamReader.Batch
    {
        var batch = try ChangeStreamReader.Batch.sample(events, token: token)
        batch.openTransaction = batch.events?.openTransaction(before: token, after: last)
        return batch
    }

    @Test func headersNameTheTransactionAndCountItsEvents() throws {
        var pump = pump()
        let events = [
            SampleEvent.insert(1), SampleEvent.insert(2, of: 7, committedAs: 2), SampleEvent.insert(3, of: 7, committedAs: 2),
            SampleEvent.insert(4, of: 8, committedAs: 4), SampleEvent.insert(5),
        ]
        try pump.publish(Self.batch(events, token: SampleEvent.token(5)))
        #expect(places == ["-", "7:0", "7:1", "8:0", "-"])
        #expect(publisher.records[1].headers.contains("mongodb.txn=00010203-0405-0607-0809-0a0b0c0d0e0f:7"))
        #expect(seals == ["5"])
    }

    /// Sessions are pooled: one number may come again, at another time.
    @Test func theSameNumberAtAnotherTimeIsAnotherTransaction() throws {
        var pump = pump()
        let events = [SampleEvent.insert(1, of: 7, committedAs: 1), SampleEvent.insert(2, of: 7, committedAs: 2)]
        try pump.publish(Self.batch(events, token: SampleEvent.token(3)))
        #expect(places == ["7:0", "7:0"])
    }

    @Test func whatThePostBatchTokenLeavesOpenIsSealedAsSuchAndWhatWasBeforeItAsWell() throws {
        var pump = pump()
        let last = SampleEvent.token(3, committedAs: 2)
        try pump.publish(
            Self.batch(
                [SampleEvent.insert(1), SampleEvent.insert(2, of: 7, committedAs: 2), SampleEvent.insert(3, of: 7, committedAs: 2)],
                token: last))
        #expect(seals == ["1", "3 amid 7:1"])
        #expect(publisher.sealed.map(\.token) == [SampleEvent.token(1), last])
        // The next one tells that there was one more, and that it was the last.
        try pump.publish(
            Self.batch([SampleEvent.insert(4, of: 7, committedAs: 2), SampleEvent.insert(5)], token: SampleEvent.token(5)))
        #expect(places == ["-", "7:0", "7:1", "7:2", "-"])
        #expect(seals == ["1", "3 amid 7:1", "5"])
    }

    @Test func aLaterPostBatchTokenEndsATransaction() throws {
        var pump = pump()
        try pump.publish(Self.batch([SampleEvent.insert(1, of: 7, committedAs: 1)], token: SampleEvent.token(2)))
        #expect(seals == ["1"])
    }

    @Test func anEmptyBatchEndsATransaction() throws {
        var pump = pump()
        let last = SampleEvent.token(1, committedAs: 1)
        try pump.publish(Self.batch([SampleEvent.insert(1, of: 7, committedAs: 1)], token: last))
        try pump.publish(Self.batch([], token: last))
        #expect(seals == ["1 amid 7:0", "1"])
        #expect(publisher.sealed.map(\.token) == [last, last])
    }

    /// Only the place where it was opened is known then.
    @Test func aStreamThatIsOpenedAgainDoesNotEndATransaction() throws {
        var pump = pump()
        let last = SampleEvent.token(1, committedAs: 1)
        try pump.publish(Self.batch([SampleEvent.insert(1, of: 7, committedAs: 1)], token: last))
        try pump.publish(ChangeStreamReader.Batch(events: nil, token: last))
        try pump.publish(Self.batch([SampleEvent.insert(2, of: 7, committedAs: 1)], token: SampleEvent.token(3)))
        #expect(seals == ["1 amid 7:0", "1 amid 7:0", "2"])
        #expect(places == ["7:0", "7:1"])
    }

    @Test func aTransactionThatBeginsABatchEndsTheOneBefore() throws {
        var pump = pump()
        let last = SampleEvent.token(1, committedAs: 1)
        try pump.publish(Self.batch([SampleEvent.insert(1, of: 7, committedAs: 1)], token: last))
        let next = SampleEvent.token(2, committedAs: 2)
        try pump.publish(Self.batch([SampleEvent.insert(2, of: 8, committedAs: 2)], token: next))
        #expect(seals == ["1 amid 7:0", "1", "2 amid 8:0"])
        #expect(publisher.sealed.map(\.token) == [last, last, next])
    }

    @Test func aSessionThatBeginsWithinATransactionCountsOn() throws {
        let stored = StreamPosition(
            token: SampleEvent.token(3, committedAs: 2), wallTime: nil, events: 9,
            transaction: TransactionPlace(id: SampleEvent.transaction(7, committedAs: 2), index: 4))
        let json = StoredPosition(stream: "s", position: stored, options: "", replicaSet: nil, writer: "", writtenAt: 0).json
        let read = try StoredPosition(json: json).position
        #expect(read == stored)
        var pump = pump(after: read)
        try pump.publish(ChangeStreamReader.Batch(events: nil, token: read.token))
        try pump.publish(Self.batch([SampleEvent.insert(4, of: 7, committedAs: 2), SampleEvent.insert(5)], token: SampleEvent.token(5)))
        #expect(places == ["7:5", "-"])
    }

    @Test func aRefusalWithinATransactionSealsItsPlace() throws {
        publisher.admit = { index, _ in
            if index == 2 {
                throw RecordRefused(
                    error: KafkaError(code: 10, operation: "produce", message: "too large"), topic: "t", key: nil, size: 1, index: index)
            }
        }
        var pump = pump()
        let events = (1...4).map { SampleEvent.insert($0, of: 7, committedAs: 1) }
        #expect(throws: RecordRefused.self) { try pump.publish(Self.batch(events, token: SampleEvent.token(5))) }
        #expect(seals == ["2 amid 7:1"])
        #expect(publisher.sealed.last?.token == SampleEvent.token(2, committedAs: 1))
    }

    @Test func anEventWithoutAllThatNamesItsTransactionHasNone() throws {
        for field in ["lsid", "txnNumber", "clusterTime"] {
            let event = BSONDocument(fields: try SampleEvent.insert(1, of: 7, committedAs: 1).fields().filter { $0.0 != field })
            let bytes = event.bytes
            #expect(try ChangeEvent(of: bytes.span.bytes, at: 0).transaction == nil)
        }
        for session: BSONValue in ["text", .document([:]), .document(["id": .binary(subtype: 4, bytes: [1, 2, 3])])] {
            var event = SampleEvent.insert(1)
            event.append("lsid", session)
            event.append("txnNumber", .int64(1))
            let bytes = event.bytes
            #expect(try ChangeEvent(of: bytes.span.bytes, at: 0).transaction == nil)
        }
    }

    @Test(arguments: ["", ":", "00010203-0405-0607-0809-0a0b0c0d0e0f", "00010203-0405-0607-0809-0a0b0c0d0e0:1", "x:1", "é:1"])
    func aTextThatIsNoTransactionIsNone(_ text: String) {
        #expect(TransactionID(text, at: BSONTimestamp(seconds: 1, increment: 1)) == nil)
    }
}
