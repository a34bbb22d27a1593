import Logging
import Mongo
import Runtime
import Synchronization

/// Where a reader's batches go.
protocol ChangeStreamSink: AnyObject, Sendable {
    /// Takes a batch over; may block.
    ///
    /// - Returns: false when nobody wants batches any more.
    func put(_ batch: ChangeStreamReader.Batch) -> Bool

    /// Blocks until the next batch can be taken, whatever its size.
    ///
    /// - Returns: false when nobody wants batches any more.
    func awaitRoom() -> Bool

    /// The reader cannot continue.
    func fail(_ error: any Error)

    /// Nobody wants batches any more.
    var isAbandoned: Bool { get }

    /// No batch waits.
    var isEmpty: Bool { get }
}

extension BatchHandoff: ChangeStreamSink where Item == ChangeStreamReader.Batch {}

/// Who wants to know how a reader is doing. Any thread.
protocol ChangeStreamObserver: AnyObject, Sendable {
    /// MongoDB answered with a batch, at this cluster time if it tells.
    func read(events: Int, upTo token: ResumeToken, clusterTime: BSONTimestamp?)
    /// MongoDB cannot be read now; the reader tries again.
    func mongoFailed(_ error: any Error)
    /// MongoDB is looking for the next match and has found none yet.
    func searching(since start: ContinuousClock.Instant)
}

/// Reads one change stream and hands its batches over, until it is closed or cannot continue.
///
/// While the taker works on a batch, the next getMore is already on its way. An error that passes makes it open the
/// stream again after the last batch that it handed over; the taker does not notice.
final class ChangeStreamReader: Sendable {
    /// A batch, or only a position on a stream that was opened or moved without events.
    struct Batch: HandoffItem {
        let events: ChangeStreamBatch?
        let token: ResumeToken?
        /// The server gave as many events as were asked for: it has more.
        var isFull = false
        /// The MongoDB transaction that the last event belongs to, unless it is known that no more of its events
        /// follow.
        var openTransaction: TransactionID?
        /// Documents are read as of the end of this batch: the mark that ``SnapshotMarking`` gave for it.
        var snapshotMark: Int?
        var byteCount: Int { events?.byteCount ?? 0 }
        var count: Int { events?.count ?? 0 }
    }

    private let pool: MongoClientPool
    private let options: ChangeStreamOptions
    private let handoff: any ChangeStreamSink
    private let batchBytes: Int
    private let maxEvents: Int
    private let isSharded: Bool
    private let endOfTransaction: Duration
    private let status: any ChangeStreamObserver
    private let snapshot: (any SnapshotMarking)?
    private let stop: StopSignal
    private let heartbeat: Heartbeat?
    private let pending = Mutex<PendingRead?>(nil)

    /// A command that has not returned.
    private struct PendingRead {
        let since: ContinuousClock.Instant
        /// Nil while the stream is being opened.
        let server: ServerID?
        /// When it is told the next time.
        var report = ChangeStreamReader.patience
    }

    /// - Parameters:
    ///   - isSharded: the deployment is a sharded cluster; of no account for a stream that shows no transactions.
    ///   - maxEvents: of a batch.
    ///   - snapshot: the one that runs beside the stream.
    init(
        pool: MongoClientPool, options: ChangeStreamOptions, isSharded: Bool = false, handoff: any ChangeStreamSink, batchBytes: Int,
        maxEvents: Int = .max, snapshot: (any SnapshotMarking)? = nil, status: any ChangeStreamObserver, stop: StopSignal,
        heartbeat: Heartbeat? = nil
    ) {
        self.pool = pool
        self.options = options
        self.handoff = handoff
        self.batchBytes = batchBytes
        self.maxEvents = maxEvents
        self.isSharded = isSharded
        endOfTransaction = isSharded ? options.maxAwait : .milliseconds(1)
        self.snapshot = snapshot
        self.status = status
        self.stop = stop
        self.heartbeat = heartbeat
    }

    /// Reads until a stop, a closed hand-off, or an error that does not pass, which goes to the hand-off. Blocks; on
    /// the reader's thread.
    func run(from start: ChangeStreamOptions.Start) {
        var start = start
        var isAmidEvent = false
        var backoff = Backoff()
        var refusals = 0
        defer { heartbeat?.rest() }
        while !stop.isRequested {
            heartbeat?.beat()
            do {
                let goesOn = try pool.withClient { client throws(MongoError) in
                    try read(from: &start, amidEvent: &isAmidEvent, of: client) {
                        backoff.reset()
                        refusals = 0
                    }
                }
                guard goesOn else { return }
            } catch {
                if handoff.isAbandoned { return }
                // The credentials were accepted when the bridge started; a connection that breaks during a later login
                // looks like a refusal.
                if error.kind == .authentication { refusals += 1 }
                let mayPass = error.kind == .authentication && refusals < Self.refusalsUntilBelieved
                if !mayPass {
                    guard case .reopen = StreamFailure(mongoDB: error) else { return handoff.fail(error) }
                }
                // The server would make the event anew for the fragments that are missing, from a document that may
                // have changed and then be split elsewhere. A new session begins before the event.
                if isAmidEvent { return handoff.fail(mayPass ? ServerLost() : error) }
                status.mongoFailed(error)
                // Its taker may have given it up meanwhile, and has another one.
                if stop.wait(for: backoff.next()) || handoff.isAbandoned { return }
            }
        }
    }

    /// - Parameters:
    ///   - start: moves with every batch that was handed over.
    ///   - amidEvent: whether that batch ends with a fragment of an event, and not its last one.
    ///   - progress: called when the server answered.
    /// - Returns: false when there is nothing more to do, true when an invalidate closed the stream and it is to be
    ///   opened after that.
    private func read(
        from start: inout ChangeStreamOptions.Start, amidEvent isAmidEvent: inout Bool, of client: borrowing MongoClient,
        progress: () -> Void
    ) throws(MongoError) -> Bool {
        var stream = try open(at: start, of: client)
        if let token = stream.initialToken {
            guard waiting({ handoff.put(Batch(events: nil, token: token)) }) else { return close(stream, of: client) }
            if case .now = start { start = .after(token) }
        }
        var size = BatchSize(targetBytes: batchBytes, maximum: maxEvents)
        var openTransaction: TransactionID?
        while stream.isOpen {
            // Before it is asked for: a batch may have 16 MB however few events it is to have, and is in memory as soon
            // as it is there.
            guard waiting(handoff.awaitRoom), !stop.isRequested else { return close(stream, of: client) }
            let wait = snapshot?.maxAwait ?? options.maxAwait
            let batch = try next(
                of: &stream, size: size.events, within: openTransaction == nil ? wait : endOfTransaction, of: client)
            let isFull = batch.count >= size.events || batch.byteCount >= batchBytes
            size.adapt(events: batch.count, bytes: batch.byteCount)
            progress()
            guard let token = batch.postBatchToken else {
                throw MongoError(kind: .malformedReply, operation: "read the change stream", message: "the batch has no resume token")
            }
            // Many of them, while documents are read: they must not fill the hand-off, so that events find room behind
            // the one that waits.
            let isOfNoAccount = batch.count == 0 && openTransaction == nil && wait < options.maxAwait && !handoff.isEmpty
            openTransaction = batch.openTransaction(before: token, after: openTransaction)
            var item = Batch(events: batch, token: token, isFull: isFull, openTransaction: openTransaction)
            if let snapshot, let point = item.snapshotPoint(isSharded: isSharded) { item.snapshotMark = snapshot.mark(at: point) }
            if isOfNoAccount, item.snapshotMark == nil { continue }
            guard waiting({ handoff.put(item) }) else { return close(stream, of: client) }
            status.read(events: batch.count, upTo: token, clusterTime: batch.clusterTime)
            start = .after(token)
            if batch.count > 0 { isAmidEvent = batch.endsAmidEvent }
        }
        return true
    }

    private func open(at start: ChangeStreamOptions.Start, of client: borrowing MongoClient) throws(MongoError) -> ChangeStream {
        pending.withLock { $0 = PendingRead(since: .now, server: nil) }
        defer { pending.withLock { $0 = nil } }
        let stream = try waiting { () throws(MongoError) in try ChangeStream(options, start: start, of: client) }
        try stream.refuseAhead(start)
        return stream
    }

    private func next(
        of stream: inout ChangeStream, size: Int, within time: Duration, of client: borrowing MongoClient
    ) throws(MongoError) -> ChangeStreamBatch {
        pending.withLock { $0 = PendingRead(since: .now, server: stream.server) }
        defer { pending.withLock { $0 = nil } }
        // The publisher looks after an answer that takes long (``watch()``).
        return try waiting { () throws(MongoError) in try stream.nextBatch(size: size, within: time, of: client) }
    }

    /// Starts to read on a thread of its own.
    func start(at start: ChangeStreamOptions.Start, thread name: String) -> LoopThread {
        LoopThread.start(name: name) { self.run(from: start) }
    }

    /// Waits for the reader's end, as long as an answer on an idle stream takes. A reader whose server does not answer,
    /// or scans for long, ends by itself when its call returns: nobody takes anything from it any more. It keeps its
    /// client until then.
    func leave(_ thread: LoopThread) { if !thread.join(within: options.maxAwait * 2) { pool.leaveBehind(thread) } }

    private func waiting<Result: ~Copyable, Failure: Error>(_ wait: () throws(Failure) -> Result) throws(Failure) -> Result {
        heartbeat?.rest()
        defer { heartbeat?.beat() }
        return try wait()
    }

    /// How many refusals in a row, with the backoff between them some ten seconds, are taken for what they say.
    private static let refusalsUntilBelieved = 8

    /// Looks after a getMore that takes long. From the publisher's thread.
    ///
    /// A getMore returns early only for matches: on a stream that matches little it lasts until the server has scanned
    /// what there is, and nothing is wrong. But a server that froze leaves it waiting too, on a connection that looks
    /// alive; the monitoring knows the difference.
    ///
    /// - Throws: ``ServerLost``; the thread is then left to its connection, and a new reader takes its place.
    func watch() throws {
        guard let read = pending.withLock({ $0 }), read.since.duration(to: .now) > Self.patience else { return }
        // Opening takes no scan: it has answered by now, or it will not.
        guard let server = read.server, pool.isReachable(server) else { throw ServerLost() }
        let time = read.since.duration(to: .now)
        guard time > read.report else { return }
        pending.withLock { $0?.report = max(time * 2, StallDetector.patience) }
        status.searching(since: read.since)
    }

    /// A getMore that lasts longer is looked after.
    private static let patience: Duration = .seconds(10)

    private func close(_ stream: consuming ChangeStream, of client: borrowing MongoClient) -> Bool {
        stream.close(of: client)
        return false
    }
}

extension ChangeStreamBatch {
    /// The transaction that the last event belongs to, unless it is known that no more of its events follow.
    ///
    /// All events of a transaction have one cluster time, so a later position is behind all of them. The post-batch
    /// token is such a position only if the server has read on in its oplog, past the transaction. Otherwise it is the
    /// last event's own token, and nobody can tell whether the batch ended because it had enough events or bytes, or
    /// because there are no more: only the answer to the next getMore tells. An empty one means the end: a replica
    /// set's member takes a transaction from the oplog as a whole, and has nothing to give only when it has given all
    /// of it. So that a lone transaction does not wait for that answer until the next write, the reader lets this one
    /// getMore not wait for events. (A mongos may have nothing because it waits for a shard: there the getMore waits as
    /// always, and a shard that takes longer is taken for the end.)
    ///
    /// Of a large event in fragments only the first names the transaction.
    ///
    /// - Parameter last: that of the batch before, which may end amid an event.
    func openTransaction(before token: ResumeToken, after last: TransactionID?) -> TransactionID? {
        guard let lastEvent else { return nil }
        // The publisher will find what is wrong with an event that cannot be walked.
        let id = try? withEvents { bytes, events throws -> TransactionID? in
            let event = try ChangeEvent(of: bytes, at: lastEvent)
            guard let split = event.split, split.fragment > 1 else { return event.transaction }
            var events = events
            var id = last
            while let element = try events.next(in: bytes) {
                let event = try ChangeEvent(of: bytes, at: element.value.lowerBound)
                if event.split?.fragment ?? 1 == 1 { id = event.transaction }
            }
            return id
        }
        guard let id, token.clusterTime.map({ $0 <= id.clusterTime }) ?? true else { return nil }
        return id
    }

    /// The last event is a fragment of one, and more are to come.
    var endsAmidEvent: Bool {
        guard let lastEvent else { return false }
        let split = try? withEvents { bytes, _ in try ChangeEvent(of: bytes, at: lastEvent).split }
        return split.map { $0.fragment < $0.of } ?? false
    }
}

extension ChangeStream {
    /// Refuses a position that the server accepts, to wait in silence until its time comes.
    func refuseAhead(_ start: ChangeStreamOptions.Start) throws(MongoError) {
        // A stream that is opened on an idle deployment begins one tick after the newest time that the server tells.
        guard case .after(let token) = start, let time = token.clusterTime, let now = clusterTime, time.isAhead(of: now) else { return }
        throw MongoError(
            kind: .server(code: .invalidResumeToken), operation: "open the change stream",
            message: "the position, at cluster time \(time), is ahead of the deployment, at \(now)")
    }
}

/// How many events to ask for: few at first, so that the first one comes soon from a stream that matches little, then
/// as many as make a batch of the wanted size.
struct BatchSize {
    private static let first = 16
    private static let maximum = 20_000

    private let targetBytes: Int
    private let maximum: Int
    private(set) var events: Int

    /// - Parameter most: events, if less than what fits.
    init(targetBytes: Int, maximum: Int = .max) {
        self.targetBytes = targetBytes
        self.maximum = min(maximum, Self.maximum)
        events = min(Self.first, maximum)
    }

    /// What was asked for took too long.
    mutating func shrink() { events = max(1, events / 2) }

    /// A full batch doubles the next one while it would fit; a batch that was too large shrinks it at once.
    ///
    /// - Parameter asked: how many were asked for, where fewer may have been found.
    mutating func adapt(events count: Int, bytes: Int, asked: Int? = nil) {
        guard count > 0 else { return }
        let fitting = max(1, targetBytes / max(1, bytes / count))
        let wanted = (asked ?? count) >= events ? events * 2 : events
        events = min(wanted, fitting, maximum)
    }
}
