import Logging
import Mongo
import Runtime

/// What a stream is doing, and how that changes. Pure: no clock, no I/O.
///
/// A change gives the lines that the log gets: one for each change of state, and none for a retry that fails again.
struct StreamProgress {
    typealias Line = Outages.Line

    private(set) var snapshot = StreamStatus.Snapshot()
    /// The newest stored position.
    private(set) var position: StreamPosition?
    /// Kafka has everything up to here, whether a position says so yet or not.
    private(set) var covered: BSONTimestamp?
    /// For the sentence about an outage.
    private let subject: String
    /// What it does when nothing is wrong.
    private var activity = LoopCondition.State.starting
    private var alarm = OplogHeadroom()
    private var stalls = StallDetector()
    /// Halted because the stored position cannot be resumed.
    private var isLost = false
    /// When progress was reported, and how many records were published by then.
    private var reported: (at: ContinuousClock.Instant, records: Int)

    /// While a stream publishes, the log says so this often.
    static let reportInterval: Duration = .seconds(60)

    init(subject: String, at now: ContinuousClock.Instant) {
        self.subject = subject
        reported = (now, 0)
    }

    /// A halt stays; what else there is follows from what is going on.
    private mutating func settle(at now: ContinuousClock.Instant) -> [Line] {
        snapshot.condition.settle(activity, stillness: stalls.reason, subject: subject, at: now).map { [$0] } ?? []
    }

    // MARK: Servers

    mutating func read(events: Int, upTo token: ResumeToken, at now: ContinuousClock.Instant) -> [Line] {
        stalls.read(upTo: token, at: now)
        snapshot.figures.count(batchOf: events)
        snapshot.condition.answered(by: .mongodb)
        snapshot.condition.progressed(.loop, with: .mongodb)
        activity = snapshot.documentSnapshot?.isRunning ?? false ? .snapshotting : events > 0 ? .streaming : .idle
        return settle(at: now)
    }

    mutating func took(_ counts: OperationCounts, at now: ContinuousClock.Instant) { snapshot.figures.count(counts, at: now) }

    mutating func searched(for time: Duration, at now: ContinuousClock.Instant) -> [Line] {
        let line = stalls.search(for: time)
        return settle(at: now) + [line]
    }

    mutating func snapshot(_ record: SnapshotRecord, published count: Int, at now: ContinuousClock.Instant) -> [Line] {
        let isNew = snapshot.documentSnapshot?.record.id != record.id
        var figures = snapshot.documentSnapshot.flatMap { isNew ? nil : $0 } ?? SnapshotFigures(record)
        let text = figures.update(record, published: count, isNew: isNew, at: now)
        snapshot.documentsPublished += count
        snapshot.documentSnapshot = figures
        return text.map { [Line(level: record.state == .failed ? .error : .info, text: $0)] } ?? []
    }

    mutating func snapshotRead(at now: ContinuousClock.Instant) -> [Line] {
        snapshot.condition.progressed(.snapshot)
        return settle(at: now)
    }

    mutating func snapshotWaits(for reason: String?) { snapshot.documentSnapshot?.waitsFor = reason }

    mutating func lookedUp(at now: ContinuousClock.Instant) -> [Line] {
        snapshot.condition.progressed(.lookup)
        return settle(at: now)
    }

    mutating func failed(
        _ server: LoopCondition.Server, _ error: any Error, of actor: FailingAttempts.Actor, at now: ContinuousClock.Instant
    ) -> [Line] {
        snapshot.condition.trouble(with: server, error, of: actor, at: now)
        return settle(at: now)
    }

    mutating func published(_ count: Int, at now: ContinuousClock.Instant) -> [Line] {
        snapshot.recordsPublished += count
        snapshot.condition.answered(by: .kafka)
        if count > 0 { progressed() }
        return settle(at: now)
    }

    mutating func committed(records: Int, in time: Duration, at now: ContinuousClock.Instant) -> [Line] {
        snapshot.figures.count(transactionOf: records)
        snapshot.figures.count(commitOf: time)
        return published(records, at: now)
    }

    mutating func acknowledgedPosition(in time: Duration, at now: ContinuousClock.Instant) -> [Line] {
        snapshot.figures.count(commitOf: time)
        return published(0, at: now)
    }

    mutating func cover(_ token: ResumeToken) { covered = token.clusterTime ?? covered }

    /// - Parameter time: milliseconds since 1970.
    mutating func stored(_ position: StreamPosition, storedAt time: Int64, at now: ContinuousClock.Instant) -> [Line] {
        snapshot.positionsStored += 1
        progressed()
        keep(position, storedAt: time)
        return settle(at: now)
    }

    /// Kafka has stored something new.
    private mutating func progressed() {
        snapshot.condition.progressed(.loop, with: .kafka)
        snapshot.condition.progressed(.session)
    }

    private mutating func keep(_ position: StreamPosition, storedAt: Int64?) {
        self.position = position
        snapshot.stored = .init(token: position.token.text, clusterTime: position.token.clusterTime, storedAt: storedAt)
        cover(position.token)
    }

    /// How many records were published since the last report, and in what time; nil when it is too early or there are
    /// none.
    mutating func takeReport(at now: ContinuousClock.Instant) -> (records: Int, time: Duration)? {
        let (time, records) = (reported.at.duration(to: now), snapshot.recordsPublished - reported.records)
        guard time >= Self.reportInterval else { return nil }
        reported = (now, snapshot.recordsPublished)
        return records > 0 ? (records, time) : nil
    }

    // MARK: Sessions

    mutating func resumed(after position: StreamPosition?) {
        if let position { return keep(position, storedAt: nil) }
        self.position = nil
        snapshot.stored = nil
    }

    mutating func skipped(_ record: GapRecord, policy: LostPositionPolicy, topic: String) -> [Line] {
        snapshot.gaps += 1
        let line = """
            went on past a lost position by onLostPosition: \(policy.rawValue). The gap is \(record.range); its record is in topic \(topic). \
            \(record.reason)
            """
        return [Line(level: .error, text: line)]
    }

    mutating func standsBy(at now: ContinuousClock.Instant) -> [Line] {
        snapshot.isLeader = false
        activity = .standby
        snapshot.condition.forgetOutages()
        // The leader looks after them.
        position = nil
        covered = nil
        snapshot.stored = nil
        snapshot.documentSnapshot = nil
        stalls = StallDetector()
        return settle(at: now) + [Line(level: .notice, text: "stands by: another process leads this stream, and this one follows it")]
    }

    mutating func leads(at now: ContinuousClock.Instant) -> [Line] {
        if activity == .standby { activity = .starting }
        if !snapshot.isLeader { snapshot.figures.takeovers += 1 }
        snapshot.isLeader = true
        return settle(at: now)
    }

    mutating func leadsNoMore() { snapshot.isLeader = false }

    mutating func halted(_ halt: Halt) -> [Line] {
        snapshot.condition.halt(halt)
        snapshot.isLeader = false
        isLost = halt.status == .lostPosition
        return [Line(level: .error, text: "halted: \(halt)")]
    }

    mutating func goesOn(because remedy: String) -> [Line] {
        snapshot.condition.resume()
        activity = .starting
        isLost = false
        stalls = StallDetector()
        return [Line(level: .notice, text: "continues after the halt: \(remedy)")]
    }

    // MARK: The oplog

    mutating func compare(with oplog: OplogWindow, at now: ContinuousClock.Instant) -> [Line] {
        snapshot.oplogLength = oplog.length
        guard let time = position?.token.clusterTime, !isLost else { return [] }
        return alarm.line(for: time, in: oplog, at: now).map { [$0] } ?? []
    }

    mutating func compare(newest: BSONTimestamp, at now: ContinuousClock.Instant) -> [Line] {
        let line = snapshot.state == .halted ? nil : stalls.line(newest: newest, at: now)
        return settle(at: now) + (line.map { [$0] } ?? [])
    }
}
