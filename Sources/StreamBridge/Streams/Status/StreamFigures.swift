/// What a stream has done since the process started: distributions, rates and counts by kind.
package struct StreamFigures: Sendable {
    /// Events that were taken from MongoDB's batches to be published.
    package private(set) var operations = OperationCounts()
    /// How often this process became the leader.
    package var takeovers = 0
    /// Events in a batch of the change stream that had any.
    package private(set) var batchEvents = Distribution.ofCounts()
    /// Records in a Kafka transaction that had any.
    package private(set) var transactionRecords = Distribution.ofCounts()
    /// From the start of a commit to its end, or from producing a position to its acknowledgement.
    package private(set) var commitTimes = Distribution.ofDurations()
    private var eventRate = RateWindow()
    private var byteRate = RateWindow()

    mutating func count(batchOf events: Int) { if events > 0 { batchEvents.record(events) } }

    mutating func count(_ counts: OperationCounts, at now: ContinuousClock.Instant) {
        operations.add(counts)
        eventRate.add(counts.totalEvents, at: now)
        byteRate.add(counts.totalBytes, at: now)
    }

    mutating func count(transactionOf records: Int) { if records > 0 { transactionRecords.record(records) } }

    mutating func count(commitOf time: Duration) { commitTimes.record(time) }

    package func eventsPerSecond(at now: ContinuousClock.Instant) -> Double { eventRate.perSecond(at: now) }
    package func bytesPerSecond(at now: ContinuousClock.Instant) -> Double { byteRate.perSecond(at: now) }
}

/// What a session of a stream has in its hands at one moment.
package struct StreamLoad: Sendable {
    /// Events that were read and not yet handed to Kafka's client, and their BSON.
    package var events = 0
    package var bytes = 0
    /// The most bytes that may wait.
    package var limitBytes = 0
    /// Records that Kafka has not acknowledged.
    package var unacknowledged = 0
}
