import Mongo
import Runtime

/// Reads the documents of a snapshot, each as they are at a point of the change stream.
///
/// Three threads meet here. The stream's reader offers a point behind each batch (``mark(at:)``); what is due is read
/// as of that point by the copier's own threads, while the reader reads on; the publisher comes to the batch, takes the
/// documents of its mark (``take(of:)``), and continues to the next batch when they are over.
///
/// What a mark gives is only good there: behind events that follow it, the documents would be too old. So when
/// something fails, or the publisher has no time to wait, every mark is given up, and the next one begins behind the
/// last documents that were taken.
final class SnapshotCopier: SnapshotMarking {
    /// What the publisher finds at a mark.
    enum Step {
        case documents(SnapshotChunk)
        /// They are being read.
        case wait
        /// The mark has no more.
        case over
    }

    /// Marks that wait for the publisher: while it is at one, the next is being read.
    private static let maxMarks = 2
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
    ///   - after: where the first one continues.
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
            guard !state.isClosed, state.failure == nil, state.next.part < queries.count, state.marks.count < Self.maxMarks,
                state.pausedUntil.map({ $0 <= .now }) ?? true
            else { return nil }
            state.pausedUntil = nil
            state.lastNumber += 1
            state.marks.append(Mark(number: state.lastNumber, point: point))
            return state.lastNumber
        }
    }

    var maxAwait: Duration? {
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
            state.startAnew()
        }
    }

    /// What ended the snapshot.
    var failure: (any Error)? { state.read { $0.failure } }

    /// Why nothing was taken for so long; nil when something was.
    func stillness(of time: Duration) -> String? {
        state.read { state in
            guard state.movedAt.duration(to: .now) > time else { return nil }
            if state.pausedUntil != nil { return "reads again after an error" }
            if !state.pending.isEmpty { return "waits for MongoDB to answer" }
            return "waits until the stream is less than a second behind and has no more events at hand"
        }
    }

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

    /// Ends the threads, and waits for all of them no longer than a second.
    func leave(_ threads: [LoopThread]) {
        state.update { state in
            state.isClosed = true
            state.startAnew()
        }
        let deadline = ContinuousClock.now + .seconds(1)
        for thread in threads where !thread.join(within: max(.zero, deadline - .now)) { pool.leaveBehind(thread) }
    }

    private func run(as thread: Int) {
        while let turn = awaitTurn(thread) {
            do {
                try pool.withClient { client throws(MongoError) in try read(turn, of: client) }
                succeeded(turn)
            } catch {
                failed(turn, queries.contains(where: \.hidesValues) ? error.withoutValues : error)
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
                count: min(state.size.events, state.maxDocuments), generation: state.generation, thread: thread)
        }
    }

    /// One call of a turn has returned, and another one follows.
    private func calls(_ turn: Turn) { state.update { $0.pending[turn.thread] = .now } }

    private func read(_ turn: Turn, of client: borrowing MongoClient) throws(MongoError) {
        let query = queries[turn.place.part]
        calls(turn)
        guard try guardian.isThere(turn.place.part, of: client) else {
            begin(turn, nextAt: Place(part: turn.place.part + 1))
            put(SnapshotChunk(point: turn.point, part: turn.place.part, closing: .ended), of: turn, isLast: true)
            return
        }
        calls(turn)
        guard cursors > 1 || !query.isPlain else { return try readOn(turn, query, of: client) }
        let end = try query.end(of: turn.count, after: turn.place.after, at: turn.point.time, of: client)
        begin(turn, nextAt: end.map { Place(part: turn.place.part, after: $0) } ?? Place(part: turn.place.part + 1))
        try read(.init(after: turn.place.after, end: end), turn, query, of: client)
    }

    /// With one cursor and without a filter, what was read shows where the next read begins.
    private func readOn(_ turn: Turn, _ query: SnapshotQuery, of client: borrowing MongoClient) throws(MongoError) {
        let after = turn.place.after
        let answer = try query.next(turn.count, after: after, at: turn.point, of: client)
        let isEnd = !answer.isCut && answer.documents.count < turn.count
        var chunk = SnapshotChunk(point: turn.point, part: turn.place.part, reply: answer.reply, documents: answer.documents)
        chunk.end = answer.documents.last.flatMap { SnapshotQuery.id(of: $0, in: answer.reply) } ?? after
        guard isEnd else {
            begin(turn, nextAt: Place(part: turn.place.part, after: chunk.end))
            put(chunk, of: turn, isLast: true, seen: answer.documents.count)
            return
        }
        calls(turn)
        // The first read has it, and so has one that ended with it.
        let last = after == nil || after?.value == .maxKey ? nil : try query.last(at: turn.point.time, of: client)
        let closing = try closing(of: turn.place.part, of: client)
        begin(turn, nextAt: Place(part: turn.place.part + 1))
        if let last, !last.documents.isEmpty {
            put(chunk, of: turn, isLast: false, seen: answer.documents.count)
            chunk = SnapshotChunk(point: turn.point, part: turn.place.part, reply: last.reply, documents: last.documents)
            chunk.end = DocumentID(.maxKey)
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
            calls(turn)
            let answer = try query.read(rest, at: turn.point, of: client)
            var chunk = SnapshotChunk(
                point: turn.point, part: turn.place.part, reply: answer.reply, documents: answer.documents, areEvents: !query.stages.isEmpty
            )
            if !answer.isCut {
                chunk.end = rest.end
                if rest.end == nil {
                    if query.stages.isEmpty { chunk.end = answer.documents.last.flatMap { SnapshotQuery.id(of: $0, in: answer.reply) } }
                    chunk.closing = try closing(of: turn.place.part, of: client)
                }
                // A shorter span than was wanted is followed by the rest of it.
                let isLast = rest.end == span.end
                guard put(chunk, of: turn, isLast: isLast), !isLast else { return }
                rest = .init(after: rest.end, end: span.end)
            } else if query.stages.isEmpty, let last = answer.documents.last {
                chunk.end = SnapshotQuery.id(of: last, in: answer.reply)
                guard put(chunk, of: turn, isLast: false, seen: answer.documents.count) else { return }
                rest.after = chunk.end
            } else {
                // A pipeline may hide where a reply ends, so a shorter span is read that fits.
                count = max(1, count / 2)
                calls(turn)
                rest.end = try query.end(of: count, after: rest.after, at: turn.point.time, of: client) ?? span.end
                continue
            }
            guard awaitRoom(turn) else { return }
        }
    }

    /// Waits until there is room for one more reply.
    ///
    /// - Returns: false when nobody wants it any more.
    private func awaitRoom(_ turn: Turn) -> Bool {
        state.update { $0.pending[turn.thread] = nil }
        return state.wait { state in
            guard state.place(of: turn) != nil else { return false }
            return state.bytes < Self.chunksAhead * chunkBytes ? true : nil
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
    /// - Returns: false when nobody wants it any more.
    @discardableResult
    private func put(_ chunk: SnapshotChunk, of turn: Turn, isLast: Bool, seen: Int? = nil) -> Bool {
        let isWanted = state.update { state in
            guard let place = state.place(of: turn) else { return false }
            state.size.adapt(events: seen ?? turn.count, bytes: chunk.byteCount, asked: turn.count)
            state.bytes += chunk.byteCount
            state.marks[place.mark].reads[place.read].chunks.append(chunk)
            state.marks[place.mark].reads[place.read].isOver = isLast
            return true
        }
        if isWanted { wake() }
        return isWanted
    }

    // MARK: Trouble

    private func succeeded(_ turn: Turn) {
        state.update { state in
            guard state.generation == turn.generation else { return }
            state.momentsFailSince = nil
            state.refusals = 0
            state.backoff.reset()
        }
        status.snapshotRead()
    }

    /// Reads again at a later mark what passes; ends the snapshot otherwise.
    private func failed(_ turn: Turn, _ error: MongoError) {
        let isOfMoment = error.code.map { Self.ofMoment.contains($0) } ?? false
        var mayPass: Bool = if case .reopen = StreamFailure(mongoDB: error) { true } else { isOfMoment }
        var isTold = !isOfMoment
        let isCurrent = state.update { state in
            guard state.generation == turn.generation, !state.isClosed else { return false }
            var pause = state.backoff.next()
            if error.code == .invalidOptions { pause = Self.aheadPause }
            if error.code == .maxTimeMSExpired { state.maxDocuments = max(1, turn.count / 2) }
            // A connection that breaks during a login looks like a refusal.
            if error.kind == .authentication {
                state.refusals += 1
                mayPass = state.refusals < Self.refusalsUntilBelieved
            }
            state.momentsFailSince = isOfMoment ? state.momentsFailSince ?? .now : nil
            if let since = state.momentsFailSince {
                let time = since.duration(to: .now)
                if time > Self.patience { mayPass = false }
                if time > Self.quietTime { isTold = true }
            }
            state.startAnew()
            state.pausedUntil = .now + pause
            if !mayPass { state.failure = error }
            return true
        }
        if isCurrent, mayPass, isTold { status.mongoFailed(error, of: .snapshot) }
    }

    /// A moment that cannot be read passes with the next one, mostly.
    private static let quietTime: Duration = .seconds(3)
    private static let refusalsUntilBelieved = 8
    /// The same can be read at a later moment; `invalidOptions` says of one that it has not come yet, as the server
    /// sees it.
    private static let ofMoment: Set<MongoError.Code> = [.snapshotTooOld, .snapshotUnavailable, .invalidOptions]
}
