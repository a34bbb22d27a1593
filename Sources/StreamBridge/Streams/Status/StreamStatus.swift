import Logging
import Mongo
import Runtime
import Synchronization

/// What a stream is doing, for people and for figures: state, reason, position and totals. Any thread.
///
/// ``StreamProgress`` says what follows from what happens, and which lines the log gets.
package final class StreamStatus: ChangeStreamObserver {
    package typealias State = LoopCondition.State

    package let stream: String
    private let logger: Logger
    private let clock: ClusterClock
    private let progress: Mutex<StreamProgress>
    private let gauge = SessionGauge<StreamLoad>()

    /// - Parameters:
    ///   - subject: for the sentence about an outage.
    ///   - clock: of the deployment, which all streams of a bridge share.
    init(stream: String, subject: String = "the stream", logger: Logger, clock: ClusterClock = ClusterClock()) {
        self.stream = stream
        self.logger = logger
        self.clock = clock
        progress = Mutex(StreamProgress(subject: subject, at: .now))
    }

    package var snapshot: Snapshot {
        var (snapshot, covered) = progress.withLock { ($0.snapshot, $0.covered) }
        let now = ContinuousClock.now
        snapshot.lag = covered.flatMap { clock.age(of: $0, at: now) }
        snapshot.positionAge = snapshot.stored?.clusterTime.flatMap { clock.age(of: $0, at: now) }
        snapshot.load = gauge.load
        return snapshot
    }

    /// The newest stored position.
    var position: StreamPosition? { progress.withLock { $0.position } }

    /// Applies a change, and logs what it gives.
    private func update(_ change: (inout StreamProgress) -> [Outages.Line]) {
        for line in progress.withLock({ change(&$0) }) { log(line.level, line.text) }
    }

    private func log(_ level: Logger.Level, _ text: String, _ metadata: Logger.Metadata = [:]) {
        logger.log(level: level, "\(text)", metadata: ["stream": "\(stream)"].merging(metadata) { $1 })
    }

    // MARK: MongoDB

    func read(events: Int, upTo token: ResumeToken, clusterTime: BSONTimestamp?) {
        if let time = clusterTime ?? token.clusterTime { clock.reported(time) }
        update { $0.read(events: events, upTo: token, at: .now) }
    }

    /// Events of a batch were taken to be published.
    func took(_ counts: OperationCounts) { progress.withLock { $0.took(counts, at: .now) } }

    /// MongoDB is looking for the next match and has found none yet.
    func searching(since start: ContinuousClock.Instant) { update { $0.searched(for: .now - start, at: .now) } }

    /// MongoDB cannot be read now; the reader tries again.
    func mongoFailed(_ error: any Error) { mongoFailed(error, of: .loop) }

    /// MongoDB cannot be used now; the caller tries again.
    func mongoFailed(_ error: any Error, of actor: FailingAttempts.Actor) {
        update { $0.failed(.mongodb, error, of: actor, at: .now) }
    }

    /// Documents were looked up.
    func lookedUp() { update { $0.lookedUp(at: .now) } }

    // MARK: Snapshots

    /// A snapshot begins, continues or ends.
    ///
    /// - Parameter count: documents that were published.
    func snapshot(_ record: SnapshotRecord, published count: Int = 0) { update { $0.snapshot(record, published: count, at: .now) } }

    /// Documents of a snapshot were read.
    func snapshotRead() { update { $0.snapshotRead(at: .now) } }

    /// - Parameter reason: nil when the snapshot moves.
    func snapshotWaits(for reason: String?) { progress.withLock { $0.snapshotWaits(for: reason) } }

    // MARK: Kafka

    /// Kafka stored records; none for a position, which shows all the same that it is there.
    func published(_ count: Int) { update { $0.published(count, at: .now) } }

    /// A transaction was committed, with so many records besides the position.
    func committed(records: Int, in time: Duration) { update { $0.committed(records: records, in: time, at: .now) } }

    /// A position that is a record of its own was acknowledged.
    func acknowledgedPosition(in time: Duration) { update { $0.acknowledgedPosition(in: time, at: .now) } }

    /// Kafka has everything up to this token.
    func covered(_ token: ResumeToken) { progress.withLock { $0.cover(token) } }

    func stored(_ position: StreamPosition) { update { $0.stored(position, storedAt: WallClock.milliseconds(), at: .now) } }

    /// Kafka cannot be reached now; librdkafka or the session tries again.
    func kafkaFailed(_ error: any Error, of actor: FailingAttempts.Actor = .loop) {
        update { $0.failed(.kafka, error, of: actor, at: .now) }
    }

    /// Says how many records were published since the last time, once a minute, and nothing when there were none.
    func logProgress() {
        let (report, token) = progress.withLock { ($0.takeReport(at: .now), $0.snapshot.storedToken) }
        guard let report else { return }
        log(.info, "published \(report.records) records in \(report.time.readable)", ["token": "\(token ?? "none")"])
    }

    // MARK: Sessions

    /// A session begins at a position that was stored before; nil when there is none.
    func resumed(after position: StreamPosition?) { progress.withLock { $0.resumed(after: position) } }

    /// While `body` runs, `load` tells what the session has in its hands.
    func measuring<Result>(_ load: @escaping @Sendable () -> StreamLoad, while body: () throws -> Result) rethrows -> Result {
        try gauge.measuring(load, while: body)
    }

    /// The stored position cannot be resumed, and the configuration says to continue.
    func lost(_ lost: LostPosition, policy: LostPositionPolicy) { log(.warning, "\(lost.reason); onLostPosition: \(policy.rawValue)") }

    /// The stream went on past a lost position.
    func skipped(_ record: GapRecord, policy: LostPositionPolicy, topic: String) {
        update { $0.skipped(record, policy: policy, topic: topic) }
    }

    /// Another process leads the stream.
    func standsBy() { update { $0.standsBy(at: .now) } }

    /// This process leads the stream.
    func leads() { update { $0.leads(at: .now) } }

    /// This process leads the stream no more, and nobody knows yet who does.
    func leadsNoMore() { progress.withLock { $0.leadsNoMore() } }

    func halted(_ halt: Halt) { update { $0.halted(halt) } }

    /// A halted stream was fixed.
    func goesOn(because remedy: String) { update { $0.goesOn(because: remedy) } }

    // MARK: The oplog

    /// Compares with what the oplog has: a warning while there is time, and again when all is well.
    func compare(with oplog: OplogWindow) {
        update { $0.compare(with: oplog, at: .now) }
        compare(newest: oplog.newest)
    }

    /// Compares the stream's place with the deployment's newest cluster time.
    func compare(newest: BSONTimestamp?) {
        guard let newest else { return }
        clock.reported(newest)
        update { $0.compare(newest: newest, at: .now) }
    }
}
