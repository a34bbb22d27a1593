import Logging
import Mongo
import Runtime
import Synchronization

/// What a stream is doing, for people and for figures: state, reason, position and totals. Any thread.
///
/// Every change of state is one log line; a retry that fails again is none.
package final class StreamStatus: ChangeStreamObserver {
    package typealias State = LoopCondition.State

    package struct Snapshot: Sendable {
        package var condition = LoopCondition()
        /// Records stored by Kafka, positions stored, since the process started.
        package var recordsPublished = 0
        package var positionsStored = 0
        /// Lost positions that the stream went on past, each with a gap record.
        package var gaps = 0
        /// This process publishes the stream.
        package var isLeader = false
        /// The newest stored position.
        package var stored: StoredPlace?
        /// How far what Kafka has stored is behind the deployment's newest cluster time, and how far the stored position is.
        package var lag: Duration?
        package var positionAge: Duration?
        /// How far back the oplog goes, when last looked at.
        package var oplogLength: Duration?
        package var figures = StreamFigures()
        /// Nothing while no session runs.
        package var load: StreamLoad?
        /// The snapshot that runs, or the one that ended last while this process led the stream.
        package var documentSnapshot: SnapshotFigures?
        /// Documents that snapshots published since the process started.
        package var documentsPublished = 0

        package var state: State { condition.state }
        /// Why it retries, halted, or stands still.
        package var reason: String? { condition.reason }
        package var storedToken: String? { stored?.token }
    }

    /// A stored position, for people.
    package struct StoredPlace: Sendable {
        /// Its text, as the header `mongodb.token` has it.
        package let token: String?
        package let clusterTime: BSONTimestamp?
        /// Milliseconds since 1970; nil for one that another session stored.
        package let storedAt: Int64?
    }

    private struct Progress {
        var snapshot = Snapshot()
        /// What it does when nothing is wrong.
        var activity = State.starting
        /// The newest stored position.
        var position: StreamPosition?
        /// Kafka has everything up to here, whether a position says so yet or not.
        var covered: BSONTimestamp?
        var alarm = OplogHeadroom()
        var stalls = StallDetector()
        /// Halted because the stored position cannot be resumed.
        var isLost = false
        /// When progress was told, and how many records were published by then.
        var reported: (at: ContinuousClock.Instant, records: Int) = (.now, 0)

        mutating func keep(_ position: StreamPosition, storedAt: Int64?) {
            self.position = position
            snapshot.stored = StoredPlace(token: position.token.text, clusterTime: position.token.clusterTime, storedAt: storedAt)
            cover(position.token)
        }

        mutating func cover(_ token: ResumeToken) { covered = token.clusterTime ?? covered }

        /// Kafka has stored something new.
        mutating func progressed() {
            snapshot.condition.progressed(.loop, with: .kafka)
            snapshot.condition.progressed(.session)
        }
    }

    /// While a stream publishes, the log says so this often.
    private static let progressInterval: Duration = .seconds(60)

    package let stream: String
    private let subject: String
    private let logger: Logger
    private let clock: ClusterClock
    private let state = Mutex(Progress())
    private let gauge = SessionGauge<StreamLoad>()

    /// - Parameters:
    ///   - whoGoesOn: for the sentence about a trouble that passes.
    ///   - clock: of the deployment, which all streams of a bridge share.
    init(stream: String, subject: String = "the stream", logger: Logger, clock: ClusterClock = ClusterClock()) {
        self.stream = stream
        self.subject = subject
        self.logger = logger
        self.clock = clock
    }

    package var snapshot: Snapshot {
        var (snapshot, covered) = state.withLock { ($0.snapshot, $0.covered) }
        let now = ContinuousClock.now
        snapshot.lag = covered.flatMap { clock.age(of: $0, at: now) }
        snapshot.positionAge = snapshot.stored?.clusterTime.flatMap { clock.age(of: $0, at: now) }
        snapshot.load = gauge.load
        return snapshot
    }

    // MARK: MongoDB

    func read(events: Int, upTo token: ResumeToken, clusterTime: BSONTimestamp?) {
        if let time = clusterTime ?? token.clusterTime { clock.reported(time) }
        update {
            $0.stalls.read(upTo: token, at: .now)
            $0.snapshot.figures.count(batchOf: events)
            $0.snapshot.condition.answered(by: .mongodb)
            $0.snapshot.condition.progressed(.loop, with: .mongodb)
            $0.activity = $0.snapshot.documentSnapshot?.isRunning ?? false ? .snapshotting : events > 0 ? .streaming : .idle
        }
    }

    /// Events of a batch were taken to be published.
    func took(_ counts: OperationCounts) { state.withLock { $0.snapshot.figures.count(counts, at: .now) } }

    /// MongoDB is looking for the next match and has found none yet.
    func searching(since start: ContinuousClock.Instant) {
        var line: Outages.Line?
        update { line = $0.stalls.search(for: .now - start) }
        tell(line)
    }

    /// MongoDB cannot be read now; the reader tries again.
    func mongoFailed(_ error: any Error) { mongoFailed(error, of: .loop) }

    /// MongoDB cannot be used now; the caller tries again.
    func mongoFailed(_ error: any Error, of actor: FailingAttempts.Actor) {
        update { $0.snapshot.condition.trouble(with: .mongodb, error, of: actor) }
    }

    /// Documents were looked up.
    func lookedUp() { update { $0.snapshot.condition.progressed(.lookup) } }

    // MARK: Snapshots

    /// A snapshot begins, goes on or ends.
    ///
    /// - Parameter count: documents that were published.
    func snapshot(_ record: SnapshotRecord, published count: Int = 0) {
        let line = state.withLock { state -> String? in
            var figures = state.snapshot.documentSnapshot ?? SnapshotFigures(record)
            let isNew = figures.record.id != record.id || state.snapshot.documentSnapshot == nil
            if isNew { figures = SnapshotFigures(record) }
            let line = figures.update(record, published: count, isNew: isNew, at: .now)
            state.snapshot.documentsPublished += count
            state.snapshot.documentSnapshot = figures
            return line
        }
        guard let line else { return }
        logger.log(level: record.state == .failed ? .error : .info, "\(line)", metadata: ["stream": "\(stream)"])
    }

    /// Documents of a snapshot were read.
    func snapshotRead() { update { $0.snapshot.condition.progressed(.snapshot) } }

    /// - Parameter reason: nil when the snapshot moves.
    func snapshotWaits(for reason: String?) { state.withLock { $0.snapshot.documentSnapshot?.waitsFor = reason } }

    // MARK: Kafka

    /// Kafka stored records; none for a position, which shows all the same that it is there.
    func published(_ count: Int) {
        update {
            $0.snapshot.recordsPublished += count
            $0.snapshot.condition.answered(by: .kafka)
            if count > 0 { $0.progressed() }
        }
    }

    /// A transaction was committed, with so many records besides the position.
    func committed(records: Int, in time: Duration) {
        state.withLock {
            $0.snapshot.figures.count(transactionOf: records)
            $0.snapshot.figures.count(commitOf: time)
        }
        published(records)
    }

    /// A position that is a record of its own was acknowledged.
    func acknowledgedPosition(in time: Duration) {
        state.withLock { $0.snapshot.figures.count(commitOf: time) }
        published(0)
    }

    /// Kafka has everything up to this token.
    func covered(_ token: ResumeToken) { state.withLock { $0.cover(token) } }

    func stored(_ position: StreamPosition) {
        update {
            $0.snapshot.positionsStored += 1
            $0.progressed()
            $0.keep(position, storedAt: WallClock.milliseconds())
        }
    }

    /// Kafka cannot be reached now; librdkafka or the session tries again.
    func kafkaFailed(_ error: any Error, of actor: FailingAttempts.Actor = .loop) {
        update { $0.snapshot.condition.trouble(with: .kafka, error, of: actor) }
    }

    /// Says how many records were published since the last time, once a minute, and nothing when there were none.
    func logProgress() {
        let reported: (records: Int, time: Duration, position: String?)? = state.withLock { state in
            let time = state.reported.at.duration(to: .now)
            let records = state.snapshot.recordsPublished - state.reported.records
            guard time >= Self.progressInterval else { return nil }
            state.reported = (.now, state.snapshot.recordsPublished)
            return records > 0 ? (records, time, state.snapshot.storedToken) : nil
        }
        guard let reported else { return }
        logger.info(
            "published \(reported.records) records in \(reported.time.readable)",
            metadata: ["stream": "\(stream)", "token": "\(reported.position ?? "none")"])
    }

    // MARK: Sessions

    /// A session begins at a position that was stored before; nil when there is none.
    func resumed(after position: StreamPosition?) {
        state.withLock { state in
            if let position { return state.keep(position, storedAt: nil) }
            state.position = nil
            state.snapshot.stored = nil
        }
    }

    /// While `body` runs, `load` tells what the session has in its hands.
    func measuring<Result>(_ load: @escaping @Sendable () -> StreamLoad, while body: () throws -> Result) rethrows -> Result {
        try gauge.measuring(load, while: body)
    }

    /// The stored position cannot be resumed, and the configuration says to go on.
    func lost(_ lost: LostPosition, policy: LostPositionPolicy) {
        logger.warning("\(lost.reason); onLostPosition: \(policy.rawValue)", metadata: ["stream": "\(stream)"])
    }

    /// The stream went on past a lost position.
    func skipped(_ record: GapRecord, policy: LostPositionPolicy, topic: String) {
        state.withLock { $0.snapshot.gaps += 1 }
        logger.error(
            """
            went on past a lost position by onLostPosition: \(policy.rawValue). The gap is \(record.range); its record is in topic \(topic). \
            \(record.reason)
            """, metadata: ["stream": "\(stream)"])
    }

    /// Another process leads the stream.
    func standsBy() {
        update {
            $0.snapshot.isLeader = false
            $0.activity = .standby
            $0.snapshot.condition.forgetOutages()
            // The leader looks after them.
            $0.position = nil
            $0.covered = nil
            $0.snapshot.stored = nil
            $0.snapshot.documentSnapshot = nil
            $0.stalls = StallDetector()
        }
        logger.notice("stands by: another process leads this stream, and this one follows it", metadata: ["stream": "\(stream)"])
    }

    /// This process leads the stream.
    func leads() {
        update {
            if $0.activity == .standby { $0.activity = .starting }
            if !$0.snapshot.isLeader { $0.snapshot.figures.takeovers += 1 }
            $0.snapshot.isLeader = true
        }
    }

    /// This process leads the stream no more, and nobody knows yet who does.
    func leadsNoMore() { state.withLock { $0.snapshot.isLeader = false } }

    func halted(_ halt: Halt) {
        state.withLock {
            $0.snapshot.condition.halt(halt)
            $0.snapshot.isLeader = false
            $0.isLost = halt.status == .lostPosition
        }
        logger.error("halted: \(halt)", metadata: ["stream": "\(stream)"])
    }

    /// A halted stream was fixed.
    func goesOn(because remedy: String) {
        state.withLock {
            $0.snapshot.condition.resume()
            $0.activity = .starting
            $0.isLost = false
            $0.stalls = StallDetector()
        }
        logger.notice("continues after the halt: \(remedy)", metadata: ["stream": "\(stream)"])
    }

    // MARK: The oplog

    /// The newest stored position.
    var position: StreamPosition? { state.withLock { $0.position } }

    /// Compares with what the oplog has: a warning while there is time, and again when all is well.
    func compare(with oplog: OplogWindow) {
        let line: Outages.Line? = state.withLock { state in
            state.snapshot.oplogLength = oplog.length
            guard let position = state.position?.token.clusterTime else { return nil }
            return state.isLost ? nil : state.alarm.line(for: position, in: oplog, at: .now)
        }
        tell(line)
        compare(newest: oplog.newest)
    }

    /// Compares the stream's place with the deployment's newest cluster time.
    func compare(newest: BSONTimestamp?) {
        guard let newest else { return }
        clock.reported(newest)
        var line: Outages.Line?
        update { if $0.snapshot.state != .halted { line = $0.stalls.line(newest: newest, at: .now) } }
        tell(line)
    }

    private func tell(_ line: Outages.Line?) {
        if let line { logger.log(level: line.level, "\(line.text)", metadata: ["stream": "\(stream)"]) }
    }

    /// Applies a change, and says so once when it begins or ends a trouble.
    private func update(_ change: (inout Progress) -> Void) {
        let line: Outages.Line? = state.withLock { state in
            change(&state)
            return state.snapshot.condition.settle(
                state.activity, stillness: state.stalls.reason, subject: subject, at: .now)
        }
        tell(line)
    }
}
