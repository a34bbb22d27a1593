import Kafka
import Mongo
import Runtime
import Synchronization

/// Reads a range of a stream's own change stream, and gives its records to a publisher, as the bridge makes them. Used
/// on one thread.
final class RangeReader {
    /// What is read, and where it goes.
    struct Route {
        let range: EventRange
        let settings: StreamSettings
        /// Of the deployment; nil for a sharded cluster.
        let replicaSet: String?
        var origin = RecordOrigin.live
        let publisher: any RecordSink
        /// For `fullDocument: batchedLookup`; nil when the documents are of no account.
        var lookup: DocumentLookup?
        /// The position that the range is read on from.
        var position: StreamPosition?
        var pace: RateLimiter?
        /// Gets the events that cannot be written, which are left out then; nil where one of them ends the reading.
        var leaveOut: ((UnwritableEvent) -> Void)?
    }

    /// The server's side: what to open, where, and how long it may give no answer.
    struct Source {
        let options: ChangeStreamOptions
        let start: ChangeStreamOptions.Start
        let pool: MongoClientPool
        var isSharded = false
        let batchBytes: Int
        let patience: Duration
    }

    private let range: EventRange
    private let publisher: any RecordSink
    private var pump: EventPump
    private var pace: RateLimiter?

    /// - Parameter open: makes a topic's handle, once for each namespace.
    init(_ route: Route, open: @escaping (String) throws -> KafkaTopic) {
        range = route.range
        publisher = route.publisher
        pace = route.pace
        pump = EventPump(
            settings: route.settings, origin: route.origin, replicaSet: route.replicaSet, range: route.range, publisher: route.publisher,
            lookup: route.lookup, after: route.position, leaveOut: route.leaveOut, open: open)
    }

    /// Reads until the end of the range, a stop, or an error. Blocks.
    ///
    /// - Parameter goesOn: is told after each batch how far the change stream was read; false for no more.
    /// - Returns: whether the range was read to its end.
    /// - Throws: ``MongoError``, ``Halt``, ``Unreachable``, and what the publisher throws.
    func run(_ source: Source, stop: StopSignal, goesOn: (ResumeToken?) -> Bool) throws -> Bool {
        let wake = publisher.wake
        let handoff = BatchHandoff<ChangeStreamReader.Batch>(
            maximumBytes: 2 * source.batchBytes, maximumItems: 4, wakeTaker: wake)
        let reader = ChangeStreamReader(
            pool: source.pool, options: source.options, isSharded: source.isSharded, handoff: handoff, batchBytes: source.batchBytes,
            maxEvents: pace?.batchEvents ?? .max, status: PatientObserver(patience: source.patience, handoff: handoff), stop: stop)
        let thread = reader.start(at: source.start, thread: "read range")
        defer {
            handoff.close()
            reader.leave(thread)
        }
        return try stop.waking(wake) { () throws in
            while !stop.isRequested {
                guard let batch = try handoff.take() else {
                    try reader.watch()
                    try publisher.serve(timeout: publisher.nextDeadline.map { max(.zero, $0 - .now) } ?? Self.longestWait)
                    continue
                }
                guard try awaitTurn(of: batch, stop) else { return false }
                try pump.publish(batch)
                if pump.isThrough || range.ends(with: batch) { return true }
                guard goesOn(batch.token) else { return false }
                if handoff.isEmpty { try publisher.endLinger(isCaughtUp: !batch.isFull) }
                try publisher.serve(timeout: .zero)
            }
            return false
        }
    }

    /// Waits until a batch may be published.
    ///
    /// - Returns: false when a stop came before.
    private func awaitTurn(of batch: ChangeStreamReader.Batch, _ stop: StopSignal) throws -> Bool {
        guard let turn = pace?.turn(of: batch.events?.count ?? 0) else { return true }
        while .now < turn {
            guard !stop.isRequested else { return false }
            let next = min(turn, publisher.nextDeadline ?? turn)
            try publisher.serve(timeout: max(.zero, next - .now))
        }
        return true
    }

    /// With nothing due, the thread still looks around this often; every event, batch and stop wakes it before.
    private static let longestWait: Duration = .seconds(5)
}

/// Gives up when MongoDB has given no answer for a while.
private final class PatientObserver: ChangeStreamObserver {
    private let patience: Duration
    private let handoff: BatchHandoff<ChangeStreamReader.Batch>
    /// When the first error after the last answer came. A reader that does not ask, because its
    /// batches are published slowly, waits for nothing.
    private let troubledSince = Mutex<ContinuousClock.Instant?>(nil)

    init(patience: Duration, handoff: BatchHandoff<ChangeStreamReader.Batch>) {
        self.patience = patience
        self.handoff = handoff
    }

    func read(events: Int, upTo token: ResumeToken, clusterTime: BSONTimestamp?) { troubledSince.withLock { $0 = nil } }

    func mongoFailed(_ error: any Error) {
        let since = troubledSince.withLock { since in
            let first = since ?? .now
            since = first
            return first
        }
        guard since.duration(to: .now) > patience else { return }
        handoff.fail(Unreachable(mongoDB: error))
        handoff.close()
    }

    func searching(since start: ContinuousClock.Instant) {}
}
