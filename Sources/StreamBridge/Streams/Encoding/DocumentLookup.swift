import Mongo
import Runtime

/// `fullDocument: batchedLookup`: fetches the current documents of a batch's update events with one query per
/// collection.
///
/// The server's `updateLookup` queries once per event while it builds the batch. This asks once for many of them, while
/// the next getMore is already on its way, and gives the same documents: each is at least as new as its event, because
/// the query reads majority-committed data not older than the batch.
///
/// A slice of events ends where its documents have ``targetBytes``, or at the end of one answer of the server: what it
/// was to have is only known by what was found. Used on one thread.
final class DocumentLookup {
    /// Documents of some events, in order, and how many events those are.
    struct Slice {
        let documents: LookedUpDocuments
        let events: Int
    }

    /// What is being asked.
    private struct Question {
        var wanted: WantedDocuments
        var call: BoundedCall<WantedDocuments.Found>?
        var deadline: ContinuousClock.Instant = .now
        /// It was told that the answer is late.
        var isTold = false
        /// After an error that passes.
        var again: ContinuousClock.Instant?
    }

    /// Documents that are in memory together. One that is larger passes alone.
    private static let targetBytes = 4 << 20
    /// The server gives a query up after this time, and the bridge soon afterwards.
    static let serverTime: Duration = .seconds(10)
    private static let patience: Duration = .seconds(15)

    private let pool: MongoClientPool
    private let status: StreamStatus
    private let stop: StopSignal
    private let heartbeat: Heartbeat?
    /// How many documents the next slice has: few at first, then as many as fit by the size of those that were found.
    private var size = BatchSize(targetBytes: DocumentLookup.targetBytes)
    private var question: Question?
    private var backoff = Backoff()

    /// - Parameter heartbeat: of the loop that waits for the documents; nil where nobody watches it.
    init(pool: MongoClientPool, status: StreamStatus, stop: StopSignal, heartbeat: Heartbeat?) {
        self.pool = pool
        self.status = status
        self.stop = stop
        self.heartbeat = heartbeat
    }

    /// Asks for the documents of the next events. ``next(within:)`` gives them.
    ///
    /// - Throws: ``BSONError``.
    func ask(for events: BSONCursor, in bytes: RawSpan) throws {
        question = Question(wanted: try WantedDocuments(of: events, atMost: size.events, in: bytes))
        backoff.reset()
    }

    /// Asks for the document of one event.
    ///
    /// - Throws: ``BSONError``.
    func ask(for event: ChangeEvent, in bytes: RawSpan) throws {
        question = Question(wanted: try WantedDocuments(of: event, in: bytes))
        backoff.reset()
    }

    /// What was asked for; nil when it has not come within `limit`. Ask again: what passes is waited out, because the
    /// events are in hand already and the change stream need not be opened again.
    ///
    /// - Throws: ``MongoError`` that does not pass, ``Stopped``.
    func next(within limit: Duration) throws -> Slice? {
        heartbeat?.beat()
        guard var question else { return Slice(documents: LookedUpDocuments(), events: .max) }
        if question.wanted.isEmpty { return finish(Slice(documents: LookedUpDocuments(), events: question.wanted.events)) }
        // A stop waits for an answer that is about to come, and no longer: what lies before these events is sealed.
        if stop.isRequested, question.again != nil || stop.isOverdue || question.deadline - .now < Self.patience - Self.stopTime {
            question.call?.abandon()
            throw Stopped()
        }
        if let again = question.again, .now < again {
            _ = stop.wait(for: min(limit, again - .now))
            return nil
        }
        defer { if self.question != nil { self.question = question } }
        do {
            guard let found = try answer(to: &question, within: limit) else { return nil }
            status.lookedUp()
            size.adapt(events: found.documents.count, bytes: found.documents.byteCount, asked: question.wanted.count)
            let events = question.wanted.events(coveredBy: found)
            if events > 0 { return finish(Slice(documents: found.documents, events: events)) }
            // The first event's document is not among what fits into one answer: ask for it alone.
            question = Question(wanted: question.wanted.first)
            return nil
        } catch let error as MongoError {
            guard case .reopen = StreamFailure(mongoDB: error) else { throw error }
            status.mongoFailed(error, of: .lookup)
            question.call = nil
            question.again = .now + backoff.next()
            return nil
        }
    }

    /// How long a stop may wait for documents.
    private static let stopTime: Duration = .seconds(1)

    private func finish(_ slice: Slice) -> Slice {
        question = nil
        return slice
    }

    /// The answer to a query, which is started if it is not on its way.
    private func answer(to question: inout Question, within limit: Duration) throws -> WantedDocuments.Found? {
        let call: BoundedCall<WantedDocuments.Found>
        if let running = question.call {
            call = running
        } else {
            let wanted = question.wanted
            call = BoundedCall(of: pool, thread: "look up") { [pool] in
                try wanted.fetch(from: pool, atMost: Self.targetBytes, within: Self.serverTime)
            }
            question.call = call
            question.deadline = .now + Self.patience
            question.isTold = false
            question.again = nil
        }
        if let found = try call.result(within: limit) {
            question.call = nil
            return found
        }
        guard .now < question.deadline else {
            call.abandon()
            throw MongoError(
                kind: .network, operation: WantedDocuments.operation, message: "no answer within \(Self.patience.readable)")
        }
        if !question.isTold, question.deadline - .now < Self.patience - BoundedCallLimits.late {
            question.isTold = true
            status.mongoFailed(WaitsFor.answer(to: WantedDocuments.operation), of: .lookup)
        }
        return nil
    }
}
