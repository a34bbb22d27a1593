import Mongo
import Runtime

/// Reads the documents of a snapshot, each as they are at a point of the change stream.
///
/// Three threads meet here. The stream's reader offers a point behind each batch (``mark(at:)``); what is due is read as of that point by
/// the copier's own threads, while the reader reads on; the publisher comes to the batch, takes the documents of its mark
/// (``take(of:)``), and goes on to the next batch when they are over.
///
/// What a mark gives is only good there: behind events that follow it, the documents would be too old. So when something fails, or the
/// publisher has no time to wait, every mark is given up, and the next one begins behind the last documents that were taken.
final class SnapshotCopier: SnapshotMarking {
    /// What the publisher finds at a mark.
    enum Step {
        case documents(SnapshotChunk)
        /// They are being read.
        case wait
        /// The mark has no more.
        case over
    }

    /// Where a read begins: behind a document of a part.
    private struct Place {
        var part: Int
        var after: DocumentID?
    }

    private struct Mark {
        let number: Int
        let point: SnapshotPoint
        var reads: [Read] = []
        /// Reads that were begun.
        var begun = 0
        /// No read begins here any more.
        var isClosed = false
    }

    /// What one thread reads, in the order in which it is to be published.
    private struct Read {
        let number: Int
        var chunks: [SnapshotChunk] = []
        var isOver = false
    }

    private struct State {
        /// Where the next read begins.
        var next: Place
        /// Where the publisher is.
        var taken: Place
        var marks: [Mark] = []
        var lastNumber = 0
        /// How many documents make a chunk.
        var size: BatchSize
        /// The mark of a read that was begun and has not said yet where the next one begins: until then no other can begin.
        var planned: Int?
        /// Read and not taken.
        var bytes = 0
        /// Changes when all marks are given up: what is read for an earlier one is of no use.
        var generation = 0
        var pausedUntil: ContinuousClock.Instant?
        var backoff = Backoff()
        /// Since when every read has failed, and with which code.
        var failingSince: ContinuousClock.Instant?
        var failure: (any Error)?
        var isClosed = false
        /// When a read was last taken.
        var movedAt: ContinuousClock.Instant = .now
        /// When the calls began that have not returned.
        var pending: [Int: ContinuousClock.Instant] = [:]
    }

    /// A read that a thread is to make.
    private struct Turn {
        let number: Int
        let mark: Int
        let point: SnapshotPoint
        let place: Place
        let count: Int
        let generation: Int
    }

    /// Marks that wait for the publisher: while it is at one, the next is being read.
    private static let mostMarks = 2
    /// Reads of a mark: the events behind it wait until they are published.
    private static let readsOfMark = 4
    /// What is read ahead, in chunks.
    private static let chunksAhead = 3
    /// A read that cannot be made as of a moment is made at a later one, for so long.
    private static let patience: Duration = .seconds(120)
    /// The server does not know this moment yet.
    private static let aheadPause: Duration = .milliseconds(100)
    /// A call that lasts longer has no server.
    private static let callTime: Duration = .milliseconds(2 * SnapshotQuery.serverTime)
    /// An idle stream comes to its next point in this time.
    private static let idleAwait: Duration = .milliseconds(20)

    private let queries: [SnapshotQuery]
    private let guardian: CollectionGuard
    private let pool: MongoClientPool
    private let cursors: Int
    private let chunkBytes: Int
    private let status: StreamStatus
    private let wake: @Sendable () -> Void
    private let state: Monitor<State>

    /// - Parameters:
    ///   - queries: one for each part of the snapshot that is to be copied, in order.
    ///   - after: where the first one goes on.
    ///   - chunkBytes: the size of a chunk that is aimed at.
    ///   - wake: called when the publisher may find something new.
    init(
        _ queries: [SnapshotQuery], after: DocumentID?, guardian: CollectionGuard, pool: MongoClientPool, cursors: Int,
        chunkBytes: Int, status: StreamStatus, wake: @escaping @Sendable () -> Void
    ) {
        self.queries = queries
        self.guardian = guardian
        self.pool = pool
        self.cursors = cursors
        self.chunkBytes = chunkBytes
        self.status = status
        self.wake = wake
        let place = Place(part: 0, after: after)
        state = Monitor(State(next: place, taken: place, size: BatchSize(targetBytes: chunkBytes)))
    }

    // MARK: The reader's side

    func mark(at point: SnapshotPoint) -> Int? {
        state.update { state in
            guard !state.isClosed, state.failure == nil, state.next.part < queries.count, state.marks.count < Self.mostMarks,
                state.pausedUntil.map({ $0 <= .now }) ?? true
            else { return nil }
            state.pausedUntil = nil
            state.lastNumber += 1
            state.marks.append(Mark(number: state.lastNumber, point: point))
            return state.lastNumber
        }
    }

    var mostAwait: Duration? {
        state.read { $0.isClosed || $0.failure != nil || $0.taken.part >= queries.count ? nil : Self.idleAwait }
    }

    // MARK: The publisher's side

    /// The next documents of a mark.
    func take(of mark: Int) -> Step {
        state.update { state in
            guard let index = state.marks.firstIndex(where: { $0.number == mark }) else { return .over }
            while let read = state.marks[index].reads.first {
                if let chunk = read.chunks.first {
                    state.marks[index].reads[0].chunks.removeFirst()
                    state.bytes -= chunk.byteCount
                    state.taken =
                        chunk.closing == nil ? Place(part: chunk.part, after: chunk.end ?? state.taken.after) : Place(part: chunk.part + 1)
                    state.movedAt = .now
                    return .documents(chunk)
                }
                guard read.isOver else { return .wait }
                state.marks[index].reads.removeFirst()
            }
            guard state.marks[index].isClosed || state.next.part >= queries.count, state.planned != mark else { return .wait }
            state.marks.remove(at: index)
            return .over
        }
    }

    /// Gives every mark up, because the events behind one cannot wait any longer. Smaller chunks are read from now on.
    func giveWay() {
        state.update { state in
            state.size.shrink()
            Self.startAnew(&state)
        }
    }

    /// What ended the snapshot.
    var failure: (any Error)? { state.read { $0.failure } }

    /// For how long nothing was taken.
    var stillness: Duration { state.read { $0.movedAt.duration(to: .now) } }

    /// Looks after calls that take long.
    ///
    /// - Throws: ``ServerLost``; the thread is then left to its connection.
    func watch() throws {
        let oldest = state.read { $0.pending.values.min() }
        if let oldest, oldest.duration(to: .now) > Self.callTime { throw ServerLost() }
    }

    // MARK: Reading

    /// Starts the threads that read.
    func start(thread name: String) -> [LoopThread] {
        (0..<cursors).map { index in LoopThread.start(name: name) { self.run(as: index) } }
    }

    /// Ends the threads, and waits for them no longer than a second.
    func leave(_ threads: [LoopThread]) {
        state.update { state in
            state.isClosed = true
            Self.startAnew(&state)
        }
        for thread in threads where !thread.join(within: .seconds(1)) { pool.leaveBehind(thread) }
    }

    private func run(as thread: Int) {
        while let turn = awaitTurn(thread) {
            do {
                try pool.withClient { client throws(MongoError) in try read(turn, of: client) }
                succeeded(turn)
            } catch {
                failed(turn, error)
            }
            state.update { $0.pending[thread] = nil }
            wake()
        }
    }

    private func awaitTurn(_ thread: Int) -> Turn? {
        state.wait { state -> Turn?? in
            if state.isClosed || state.failure != nil { return .some(nil) }
            guard state.planned == nil, state.next.part < queries.count, state.bytes < Self.chunksAhead * chunkBytes,
                let index = state.marks.firstIndex(where: { !$0.isClosed })
            else { return nil }
            state.lastNumber += 1
            state.planned = state.marks[index].number
            state.pending[thread] = .now
            return Turn(
                number: state.lastNumber, mark: state.marks[index].number, point: state.marks[index].point, place: state.next,
                count: state.size.events, generation: state.generation)
        }
    }

    private func read(_ turn: Turn, of client: borrowing MongoClient) throws(MongoError) {
        let query = queries[turn.place.part]
        guard try guardian.isThere(turn.place.part, of: client) else {
            begin(turn, nextAt: Place(part: turn.place.part + 1))
            return put(SnapshotChunk(point: turn.point, part: turn.place.part, closing: .ended), of: turn, isLast: true)
        }
        guard cursors > 1 || !query.isPlain else { return try readOn(turn, query, of: client) }
        let end = try query.end(of: turn.count, after: turn.place.after, at: turn.point.time, of: client)
        begin(turn, nextAt: end.map { Place(part: turn.place.part, after: $0) } ?? Place(part: turn.place.part + 1))
        try read(.init(after: turn.place.after, end: end), turn, query, of: client)
    }

    /// With one cursor and without a filter, what was read shows where the next read begins.
    private func readOn(_ turn: Turn, _ query: SnapshotQuery, of client: borrowing MongoClient) throws(MongoError) {
        let answer = try query.next(turn.count, after: turn.place.after, at: turn.point.time, of: client)
        let isEnd = !answer.isCut && answer.documents.count < turn.count
        var chunk = SnapshotChunk(point: turn.point, part: turn.place.part, reply: answer.reply, documents: answer.documents)
        chunk.end = answer.documents.last.flatMap { SnapshotQuery.id(of: $0, in: answer.reply) } ?? turn.place.after
        guard isEnd else {
            begin(turn, nextAt: Place(part: turn.place.part, after: chunk.end))
            return put(chunk, of: turn, isLast: true, seen: answer.documents.count)
        }
        let last = turn.place.after == nil ? nil : try query.last(at: turn.point.time, of: client)
        let closing = try closing(of: turn.place.part, of: client)
        begin(turn, nextAt: Place(part: turn.place.part + 1))
        if let last, !last.documents.isEmpty {
            put(chunk, of: turn, isLast: false, seen: answer.documents.count)
            chunk = SnapshotChunk(point: turn.point, part: turn.place.part, reply: last.reply, documents: last.documents)
        }
        chunk.closing = closing
        put(chunk, of: turn, isLast: true, seen: max(1, chunk.documents.count))
    }

    /// Reads a span, in several replies where one does not hold it.
    private func read(
        _ span: SnapshotQuery.Span, _ turn: Turn, _ query: SnapshotQuery, of client: borrowing MongoClient
    ) throws(MongoError) {
        var rest = span
        var count = turn.count
        while true {
            let answer = try query.read(rest, at: turn.point, of: client)
            var chunk = SnapshotChunk(
                point: turn.point, part: turn.place.part, reply: answer.reply, documents: answer.documents, areEvents: !query.stages.isEmpty
            )
            if !answer.isCut {
                chunk.end = rest.end
                if rest.end == nil { chunk.closing = try closing(of: turn.place.part, of: client) }
                // A shorter span than was wanted is followed by the rest of it.
                let isLast = rest.end == span.end
                put(chunk, of: turn, isLast: isLast)
                if isLast { return }
                rest = .init(after: rest.end, end: span.end)
            } else if query.stages.isEmpty, let last = answer.documents.last {
                chunk.end = SnapshotQuery.id(of: last, in: answer.reply)
                put(chunk, of: turn, isLast: false, seen: answer.documents.count)
                rest.after = chunk.end
            } else {
                // A pipeline may hide where a reply ends, so a shorter span is read that fits.
                count = max(1, count / 2)
                rest.end = try query.end(of: count, after: rest.after, at: turn.point.time, of: client) ?? span.end
            }
        }
    }

    private func closing(of part: Int, of client: borrowing MongoClient) throws(MongoError) -> SnapshotChunk.Closing {
        try guardian.isThere(part, atOnce: true, of: client) ? .done : .ended
    }

    /// The turn's read has its place among the others, and the next one may begin.
    private func begin(_ turn: Turn, nextAt place: Place) {
        state.update { state in
            guard state.generation == turn.generation, let index = state.marks.firstIndex(where: { $0.number == turn.mark }) else { return }
            state.next = place
            state.planned = nil
            state.marks[index].reads.append(Read(number: turn.number))
            state.marks[index].begun += 1
            if state.marks[index].begun >= Self.readsOfMark || place.part >= queries.count { state.marks[index].isClosed = true }
        }
    }

    /// - Parameter seen: how many documents were looked at; nil for as many as were asked for.
    private func put(_ chunk: SnapshotChunk, of turn: Turn, isLast: Bool, seen: Int? = nil) {
        state.update { state in
            guard state.generation == turn.generation, let mark = state.marks.firstIndex(where: { $0.number == turn.mark }),
                let read = state.marks[mark].reads.firstIndex(where: { $0.number == turn.number })
            else { return }
            state.size.adapt(events: seen ?? turn.count, bytes: chunk.byteCount, asked: turn.count)
            state.bytes += chunk.byteCount
            state.marks[mark].reads[read].chunks.append(chunk)
            state.marks[mark].reads[read].isOver = isLast
        }
        wake()
    }

    // MARK: Trouble

    private func succeeded(_ turn: Turn) {
        state.update { state in
            guard state.generation == turn.generation else { return }
            state.failingSince = nil
            state.backoff.reset()
        }
        status.snapshotRead()
    }

    /// Reads again at a later mark what passes; ends the snapshot otherwise.
    private func failed(_ turn: Turn, _ error: MongoError) {
        let (isCurrent, time) = state.update { state -> (Bool, Duration) in
            guard state.generation == turn.generation, !state.isClosed else { return (false, .zero) }
            let since = state.failingSince ?? .now
            state.failingSince = since
            var pause = state.backoff.next()
            switch error.code {
            case .invalidOptions: pause = Self.aheadPause
            case .maxTimeMSExpired: state.size.shrink()
            default: break
            }
            Self.startAnew(&state)
            state.pausedUntil = .now + pause
            return (true, since.duration(to: .now))
        }
        guard isCurrent else { return }
        let isOfMoment = error.code.map { Self.ofMoment.contains($0) } ?? false
        let mayPass: Bool = if case .reopen = StreamFailure(mongoDB: error) { true } else { isOfMoment }
        if !mayPass || isOfMoment && time > Self.patience {
            state.update { $0.failure = error }
        } else if !isOfMoment || time > .seconds(3) {
            status.mongoFailed(error, of: .snapshot)
        }
    }

    private static func startAnew(_ state: inout State) {
        state.generation += 1
        state.marks.removeAll()
        state.bytes = 0
        state.planned = nil
        state.next = state.taken
    }

    /// The same can be read at a later moment; `invalidOptions` says of one that it has not come yet, as the server sees it.
    private static let ofMoment: Set<MongoError.Code> = [.snapshotTooOld, .snapshotUnavailable, .invalidOptions]
}
