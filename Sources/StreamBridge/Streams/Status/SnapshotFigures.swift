import Runtime

/// A snapshot as its stream shows it.
package struct SnapshotFigures: Sendable {
    /// As the ledger has it, with how far it is now.
    package var record: SnapshotRecord
    /// Why it reads nothing now, although nothing has failed; nil while it reads.
    package var waitsFor: String?
    private var rate = RateWindow()

    init(_ record: SnapshotRecord) { self.record = record }

    /// Takes over how far the snapshot is.
    ///
    /// - Returns: the line for the log that is due: at the beginning, once a minute, at the end.
    mutating func update(_ record: SnapshotRecord, published count: Int, isNew: Bool, at now: ContinuousClock.Instant) -> String? {
        self.record = record
        if count > 0 { rate.add(count, at: now) }
        let documents = "\(record.documents) documents"
        switch record.state {
        case .running where isNew:
            toldAt = now
            let parts = record.parts.filter { $0.state == .waiting || $0.state == .running }.count
            return "snapshot \(record.id) \(record.documents > 0 ? "continues after \(documents)" : "begins"): \(parts) collections, about "
                + "\(record.remaining) documents"
        case .running:
            guard now - toldAt >= Self.interval else { return nil }
            toldAt = now
            let left = timeLeft(at: now).map { ", about \($0.readable) left" } ?? ""
            return "snapshot \(record.id): \(documents) of about \(record.estimated), \(Int(documentsPerSecond(at: now))) a second\(left)"
        case .stopped, .done: return "snapshot \(record.id) is \(record.state.rawValue): \(documents)"
        case .failed: return "snapshot \(record.id) has failed after \(documents): \(record.reason ?? "no reason is known")"
        }
    }

    private var toldAt: ContinuousClock.Instant = .now
    private static let interval: Duration = .seconds(60)

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
