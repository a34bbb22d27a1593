/// What a dispatcher has done since the process started: distributions, rates and the newest outcomes.
package struct DispatchFigures: Sendable {
    /// How many of the newest outcomes are kept.
    static let newestOutcomes = 20

    /// Commands that a worker took at once.
    package private(set) var batchCommands = Distribution.ofCounts()
    /// From the start of a commit of answers and offsets to its end.
    package private(set) var commitTimes = Distribution.ofDurations()
    /// The newest last.
    private(set) var lastOutcomes: [Outcome] = []
    private var outcomeRate = RateWindow()

    mutating func count(batchOf commands: Int) { batchCommands.record(commands) }

    mutating func count(commitOf time: Duration) { commitTimes.record(time) }

    /// - Parameter newest: of the outcomes that were stored, the newest last.
    mutating func count(outcomes: Int, newest: [Outcome], at now: ContinuousClock.Instant) {
        outcomeRate.add(outcomes, at: now)
        lastOutcomes = (lastOutcomes + newest).suffix(Self.newestOutcomes)
    }

    package func outcomesPerSecond(at now: ContinuousClock.Instant) -> Double { outcomeRate.perSecond(at: now) }
}

/// What a session of a dispatcher knows of its commands and its pool at one moment.
package struct DispatchLoad: Sendable {
    /// Commands of this member's partitions that have no committed answer; nil where the end of a partition is not
    /// known yet.
    package var lagRecords: Int?
    /// Resources that are thought to be free; nil while nobody follows them, and without a pool.
    package var freeResources: Int?
}
