import Mongo
import Testing

@testable import StreamBridge

/// What is published, stored and due, without Kafka: each row is what happened, and what is to be done then.
@Suite struct TransactionStateTests {
    /// One thing that happens, at a time in milliseconds.
    enum Step {
        case open(Int)
        case take(Int)
        case seal(Int32, amidGroup: Bool = false)
        case commit
        case commitNothingNew
        case end(Int)
        case fail
        case resume(Int32)
    }

    /// What is to be done.
    struct Due: Equatable {
        var isDue = false
        var whenCaughtUp = false
        var alone = false
        var deadline: Int?
        var storable: Int32?
        var partOfGroup = false
    }

    struct Row: CustomTestStringConvertible {
        let testDescription: String
        let steps: [Step]
        let at: Int
        var isStopping = false
        let due: Due
    }

    private static let start = ContinuousClock.now
    private static let group = TransactionID(session: (1, 2), number: 3, clusterTime: BSONTimestamp(seconds: 4, increment: 5))

    private static func time(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

    private static func position(_ number: Int32, amidGroup: Bool = false) -> StreamPosition {
        StreamPosition(
            token: SampleEvent.token(number), wallTime: SampleEvent.wallTime(number), events: Int64(number),
            transaction: amidGroup ? TransactionPlace(id: group, index: 0) : nil)
    }

    /// - Returns: the state, and what the commits stored, with the number of their records.
    private static func play(_ steps: [Step]) -> (state: TransactionState, stored: [[Int]]) {
        var state = TransactionState(transactionTimeout: .seconds(60), at: start)
        var stored: [[Int]] = []
        for step in steps {
            switch step {
            case .open(let at): state.open(at: time(at))
            case .take(let bytes):
                state.take(bytes: bytes)
                state.countRecord()
            case .seal(let number, let amidGroup): state.seal(position(number, amidGroup: amidGroup))
            case .commit: state.commit(state.storable)
            case .commitNothingNew: state.commit(nil)
            case .end(let at):
                if let end = state.commitEnded(at: time(at)) { stored.append([Int(end.position.events), end.records]) }
            case .fail: state.fail()
            case .resume(let number): state.resume(after: position(number))
            }
        }
        return (state, stored)
    }

    private static let idle = Int(StreamPosition.idleStoreInterval / .milliseconds(1))
    private static let maxTime = Int(TransactionState.maxTime / .milliseconds(1))
    private static let maxGroupTime = Int(TransactionState.maxGroupTime / .milliseconds(1))

    @Test(arguments: [
        Row(testDescription: "nothing happened", steps: [], at: 0, due: Due()),
        Row(
            testDescription: "the first position of all waits for nothing", steps: [.seal(1)], at: 0,
            due: Due(alone: true, deadline: 0, storable: 1)),
        Row(
            testDescription: "a token that only moved waits", steps: [.resume(1), .seal(2)], at: idle - 1,
            due: Due(deadline: idle, storable: 2)),
        Row(
            testDescription: "but not for ever", steps: [.resume(1), .seal(2)], at: idle,
            due: Due(alone: true, deadline: idle, storable: 2)),
        Row(testDescription: "what is stored already is not stored again", steps: [.resume(1), .seal(1)], at: idle, due: Due()),
        Row(testDescription: "records without a position", steps: [.open(0), .take(1)], at: maxTime, due: Due()),
        Row(
            testDescription: "records behind the sealed position", steps: [.open(0), .take(1), .seal(1), .take(1)], at: maxTime,
            due: Due()),
        Row(
            testDescription: "a young transaction", steps: [.open(0), .take(1), .seal(1)], at: maxTime - 1,
            due: Due(whenCaughtUp: true, deadline: maxTime, storable: 1)),
        Row(
            testDescription: "an old one", steps: [.open(0), .take(1), .seal(1)], at: maxTime,
            due: Due(isDue: true, whenCaughtUp: true, deadline: maxTime, storable: 1)),
        Row(
            testDescription: "a large one", steps: [.open(0), .take(TransactionState.maxBytes), .seal(1)], at: 0,
            due: Due(isDue: true, whenCaughtUp: true, deadline: maxTime, storable: 1)),
        Row(
            testDescription: "a stop", steps: [.open(0), .take(1), .seal(1)], at: 0, isStopping: true,
            due: Due(isDue: true, whenCaughtUp: true, deadline: maxTime, storable: 1)),
        Row(
            testDescription: "amid a MongoDB transaction its end is awaited, at a stop, too",
            steps: [.open(0), .take(TransactionState.maxBytes), .seal(1, amidGroup: true)], at: maxGroupTime - 1, isStopping: true,
            due: Due(deadline: maxGroupTime, storable: 1, partOfGroup: true)),
        Row(
            testDescription: "but not for ever", steps: [.open(0), .take(1), .seal(1, amidGroup: true)], at: maxGroupTime,
            due: Due(isDue: true, deadline: maxGroupTime, storable: 1, partOfGroup: true)),
        Row(
            testDescription: "nor beyond so many bytes",
            steps: [.open(0), .take(TransactionState.maxGroupBytes), .seal(1, amidGroup: true)], at: 0,
            due: Due(isDue: true, deadline: maxGroupTime, storable: 1, partOfGroup: true)),
        Row(testDescription: "while a commit is on its way", steps: [.open(0), .take(1), .seal(1), .commit], at: 99_999, due: Due()),
        Row(
            testDescription: "the position that is being stored, sealed again", steps: [.open(0), .take(1), .seal(1), .commit, .seal(1)],
            at: 99_999, due: Due()),
        Row(
            testDescription: "one that moved during the commit waits from its end on",
            steps: [.open(0), .take(1), .seal(1), .commit, .seal(2), .end(50)], at: 50 + idle - 1,
            due: Due(deadline: 50 + idle, storable: 2)),
        Row(
            testDescription: "the bytes of a transaction end with it",
            steps: [.open(0), .take(TransactionState.maxBytes), .seal(1), .commit, .end(5), .open(6), .take(1), .seal(2)], at: 7,
            due: Due(whenCaughtUp: true, deadline: 6 + maxTime, storable: 2)),
        Row(testDescription: "a failed transaction", steps: [.open(0), .take(1), .seal(1), .fail], at: 99_999, due: Due(storable: 1)),
    ])
    func tells(row: Row) {
        let state = Self.play(row.steps).state
        let now = Self.time(row.at)
        let due = Due(
            isDue: state.isDue(at: now, isStopping: row.isStopping), whenCaughtUp: state.isDueWhenCaughtUp,
            alone: state.isDueAlone(at: now), deadline: state.nextDeadline.map { Int(Self.start.duration(to: $0) / .milliseconds(1)) },
            storable: state.storable.map { Int32($0.events) }, partOfGroup: state.isPartOfGroup)
        #expect(due == row.due)
    }

    @Test func aCommitStoresItsPositionWithTheRecordsBeforeIt() {
        let (state, stored) = Self.play([
            .open(0), .take(1), .take(1), .seal(2), .commit, .seal(3), .end(10), .open(11), .take(1), .seal(4), .commit, .end(20),
        ])
        #expect(stored == [[2, 2], [4, 1]])
        #expect(state.lastStored == Self.position(4))
        #expect(state.phase == .idle)
        #expect(state.sealed == nil)
    }

    /// The position that a session begins at is written once more, and what is sealed meanwhile is still to be stored.
    @Test func aCommitOfNothingNewIsNoProgress() {
        let (state, stored) = Self.play([.resume(1), .open(0), .commitNothingNew, .seal(2), .end(10)])
        #expect(stored.isEmpty)
        #expect(state.lastStored == Self.position(1))
        #expect(state.storable == Self.position(2))
    }

    @Test func anImpatientBrokerShortensTheWaitForAGroup() {
        var state = TransactionState(transactionTimeout: .seconds(4), at: Self.start)
        state.open(at: Self.start)
        state.take(bytes: 1)
        state.seal(Self.position(1, amidGroup: true))
        #expect(state.nextDeadline == Self.start + .seconds(2))
    }
}
