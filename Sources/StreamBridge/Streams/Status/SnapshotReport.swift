import Mongo

/// A snapshot for people and programs: what the ledger has, with how fast it goes and how long it still takes.
package struct SnapshotReport: Sendable {
    package let record: SnapshotRecord
    /// Documents per second; nil when it does not run.
    package let rate: Double?
    /// Nil when it does not run, and when nobody knows.
    package let secondsLeft: Double?

    private init(_ record: SnapshotRecord, rate: Double, secondsLeft: Double?) {
        func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
        let isRunning = record.state == .running
        self.record = record
        self.rate = isRunning ? rounded(rate) : nil
        self.secondsLeft = isRunning ? secondsLeft.map(rounded) : nil
    }

    /// As its own stream sees it.
    init(_ figures: SnapshotFigures, at now: ContinuousClock.Instant) {
        var record = figures.record
        if figures.isRunning { record.reason = figures.waitsFor }
        self.init(record, rate: figures.documentsPerSecond(at: now), secondsLeft: figures.timeLeft(at: now).map { $0 / .seconds(1) })
    }

    /// As others see it, by the average since it began.
    ///
    /// - Parameter now: milliseconds since 1970.
    init(_ record: SnapshotRecord, now: Int64) {
        let rate = Double(record.documents) / (Double(max(1, now - record.startedAt)) / 1000)
        self.init(record, rate: rate, secondsLeft: rate > 0 && !record.parts.isEmpty ? Double(record.remaining) / rate : nil)
    }

    /// The fields of the ledger and three more.
    package var document: BSONDocument {
        var document = record.document
        document.append("estimated", .int64(record.estimated))
        document.append("rate", rate.map { .double($0) } ?? .null)
        document.append("etaSeconds", secondsLeft.map { .double($0) } ?? .null)
        return document
    }

    /// One line of JSON.
    package var json: String { String(decoding: document.jsonLine, as: UTF8.self) }
}
