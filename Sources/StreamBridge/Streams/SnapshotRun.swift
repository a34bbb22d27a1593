import Kafka
import Mongo
import Runtime

/// A snapshot within one session of its stream: what the copier reads goes to the publisher, and how far it is into the
/// position and the ledger. Used on the session's thread.
final class SnapshotRun {
    let copier: SnapshotCopier
    private var record: SnapshotRecord
    /// Nil when nothing is left to copy.
    private var progress: SnapshotProgress?
    /// What the copier reads: which of the record's parts, and how.
    private let work: [Work]
    private var pump: SnapshotPump
    private let publisher: any RecordPublisher
    private let ledger: KafkaTopic
    /// What is published and sealed together is stored together.
    private let isAtomic: Bool
    private let status: StreamStatus
    /// When the record was last published.
    private var publishedAt: ContinuousClock.Instant = .now
    /// How long events wait for documents that are being read.
    private var patience = SnapshotRun.minPatience

    private static let minPatience: Duration = .milliseconds(500)
    /// How often a call that takes long is looked after.
    private static let lookInterval: Duration = .milliseconds(100)
    /// A record of many parts is large: it is not published for each of them.
    private static let recordInterval: Duration = .seconds(1)
    private static let maxPatience: Duration = .seconds(10)
    /// A snapshot that has read nothing for so long says why.
    private static let stillness: Duration = .seconds(3)

    /// A part that is not done.
    struct Work {
        /// Among the parts of the record.
        let part: Int
        let query: SnapshotQuery
    }

    /// - Parameters:
    ///   - record: a running one.
    ///   - work: its parts that are not done, in the order of the copier.
    ///   - isAtomic: the publisher stores what is sealed together in one transaction.
    ///   - ledger: the topic of the snapshots' records.
    init(
        _ record: SnapshotRecord, work: [Work], copier: SnapshotCopier, pump: consuming SnapshotPump,
        publisher: any RecordPublisher, isAtomic: Bool, ledger: KafkaTopic, status: StreamStatus
    ) {
        self.record = record
        self.work = work
        self.copier = copier
        self.pump = pump
        self.publisher = publisher
        self.isAtomic = isAtomic
        self.ledger = ledger
        self.status = status
        progress = record.current.map { current in
            let part = record.parts[current]
            return SnapshotProgress(id: record.id, namespace: part.namespace, after: part.after, documents: record.documents)
        }
    }

    /// Publishes the record and puts the progress into the stream's next position: before anything of the snapshot is
    /// published.
    func begin(with events: inout EventPump) throws {
        // Nothing to copy, or it cannot begin.
        if progress == nil { close(as: record.reason == nil ? .done : .failed) }
        try publishRecord()
        events.snapshot = progress
        status.snapshot(record)
    }

    private var isRunning: Bool { record.state == .running }

    /// Publishes the documents of a mark, behind the batch that it came with.
    ///
    /// - Parameters:
    ///   - isAwaited: whether events wait for their turn.
    ///   - wait: waits for news, at most so long, and does what else is due; false when the session has to end.
    func publish(
        mark: Int, behind events: inout EventPump, isAwaited: () -> Bool, wait: (_ most: Duration) throws -> Bool
    ) throws {
        let since = ContinuousClock.now
        while isRunning {
            switch copier.take(of: mark) {
            case .over: return
            case .documents(let chunk):
                try publish(chunk, &events)
                patience = Self.minPatience
                guard try wait(.zero) else { return }
            case .wait:
                if isAwaited(), since.duration(to: .now) > patience {
                    copier.giveWay()
                    patience = min(patience * 2, Self.maxPatience)
                    return
                }
                status.snapshotWaits(for: copier.stillness(of: Self.stillness))
                try copier.watch()
                guard try wait(Self.lookInterval) else { return }
            }
        }
    }

    private func publish(_ chunk: SnapshotChunk, _ events: inout EventPump) throws {
        let (part, query) = (work[chunk.part].part, work[chunk.part].query)
        let count = try pump.publish(chunk, from: query)
        record.parts[part].state = .running
        record.parts[part].documents += Int64(count)
        progress?.documents += Int64(count)
        if let end = chunk.end { progress?.after = end }
        guard let closing = chunk.closing else {
            status.snapshot(record, published: count)
            return try events.seal(progress, at: chunk.point.token)
        }
        record.parts[part].state = closing == .done ? .done : .ended
        record.parts[part].after = nil
        guard let next = record.current else { return try end(.done, &events, at: chunk.point.token, published: count) }
        record.parts[next].state = .running
        progress?.namespace = record.parts[next].namespace
        progress?.after = nil
        status.snapshot(record, published: count)
        if publishedAt.duration(to: .now) > Self.recordInterval { try publishRecord() }
        try events.seal(progress, at: chunk.point.token)
    }

    /// Looks whether the copier has failed for good, and says why it stands still. Between two batches.
    ///
    /// - Parameter token: the position of the stream; nil within a MongoDB transaction or a large event.
    func look(_ events: inout EventPump, at token: ResumeToken?) throws {
        guard isRunning else { return }
        if let failure = copier.failure, let token {
            record.reason = "\(failure)"
            if let current = record.current { record.parts[current].after = progress?.after }
            return try end(.failed, &events, at: token, published: 0)
        }
        status.snapshotWaits(for: copier.stillness(of: Self.stillness))
    }

    /// The record says that it has ended only together with what was published last, or when that is safe. Then the
    /// position says nothing of it any more.
    private func end(_ state: SnapshotRecord.State, _ events: inout EventPump, at token: ResumeToken, published count: Int) throws {
        if !isAtomic {
            try events.seal(progress, at: token)
            guard try publisher.finish(within: nil) else { throw Stopped() }
        }
        close(as: state)
        try publishRecord()
        try events.seal(nil, at: token)
        try publisher.endLinger(isCaughtUp: true)
        status.snapshot(record, published: count)
    }

    private func close(as state: SnapshotRecord.State) {
        record.state = state
        record.endedAt = WallClock.milliseconds()
    }

    private func publishRecord() throws {
        var batch = RecordBatch()
        batch.setPlain(key: record.id, value: record.json)
        try publisher.publish(batch, to: [ledger])
        publishedAt = .now
    }
}
