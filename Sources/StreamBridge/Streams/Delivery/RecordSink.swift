import Kafka

/// Where the records of a change stream go, with the positions between them. Used on one thread.
protocol RecordSink: AnyObject {
    /// Takes over a batch of records. Blocks while there is no room: that is how Kafka's pace reaches MongoDB.
    ///
    /// - Parameter topics: by route.
    /// - Throws: ``RecordRefused`` naming the first record that was not taken; those before it were.
    func publish(_ batch: borrowing RecordBatch, to topics: [KafkaTopic]) throws

    /// `position` is what to store once everything published so far is safe.
    ///
    /// One with a `transaction` lies within a MongoDB transaction: more events of it may follow.
    func seal(_ position: StreamPosition) throws

    /// No more records are at hand for now: those that were published need not wait for company.
    ///
    /// - Parameter isCaughtUp: as far as is known, the change stream has no more either; otherwise they are already on
    ///   their way.
    func endLinger(isCaughtUp: Bool) throws

    /// Handles what the broker said and stores what became due; waits up to `timeout` for it.
    func serve(timeout: Duration) throws

    /// When ``serve(timeout:)`` has something to do even if nothing happens; nil for never.
    var nextDeadline: ContinuousClock.Instant? { get }

    /// Ends a blocked ``serve(timeout:)``. Any thread.
    var wake: @Sendable () -> Void { get }
}
