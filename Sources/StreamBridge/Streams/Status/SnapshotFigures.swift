import Runtime

/// A snapshot as its stream shows it.
package struct SnapshotFigures: Sendable {
    /// As the ledger has it, with how far it is now.
    package var record: SnapshotRecord
    /// Why it reads nothing now, although nothing has failed; nil while it reads.
    package var waitsFor: String?
    private var rate = RateWindow()

    init(_ record: SnapshotRecord) { self.record = record }

    /// Documents were published.
    mutating func published(_ count: Int, at now: ContinuousClock.Instant) { rate.add(count, at: now) }

    package var isRunning: Bool { record.state == .running }
    package func documentsPerSecond(at now: ContinuousClock.Instant) -> Double { isRunning ? rate.perSecond(at: now) : 0 }

    /// Documents that are still to come, by the metadata of the collections; none when it has ended.
    package var remaining: Int64 { isRunning ? record.remaining : 0 }

    /// How long it still takes at the present rate; nil when it does not move.
    package func timeLeft(at now: ContinuousClock.Instant) -> Duration? {
        let rate = documentsPerSecond(at: now)
        return rate > 0 ? .seconds(Double(remaining) / rate) : nil
    }
}
