import Kafka

/// Delivers records, and the position that covers them, with one guarantee or another.
///
/// One instance serves one session of one stream, on that session's thread, in this order: ``fence()``, ``resume(after:)`` and ``claim(_:)`` when a position is
/// stored, then any number of
/// ``publish(_:to:)`` and ``seal(_:)``, with ``serve(timeout:)`` whenever there is nothing else to do, then ``finish()``.
/// When a call throws, the session is over: the position is read again, and whatever this instance had not covered is published again.
protocol RecordPublisher: AnyObject {
    /// Makes this instance the stream's only writer, where the guarantee needs that. Before the position is read (rule 1).
    func fence() throws

    /// The position that the session begins at: nothing older is ever stored.
    func resume(after stored: StreamPosition)

    /// Stores the position that the session begins at once more, with this process as its writer: whoever starts meanwhile finds who leads.
    func claim(_ stored: StoredPosition) throws

    func topic(_ name: String) throws -> KafkaTopic

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
    /// - Parameter isCaughtUp: as far as is known, the change stream has no more either; otherwise they are already on their way.
    func endLinger(isCaughtUp: Bool) throws

    /// Handles what the broker said and stores what became due; waits up to `timeout` for it.
    func serve(timeout: Duration) throws

    /// When ``serve(timeout:)`` has something to do even if nothing happens; nil for never.
    var nextDeadline: ContinuousClock.Instant? { get }

    /// Waits until everything published is safe and its position stored: at most `limit`, and never beyond a stop's deadline.
    ///
    /// - Returns: false when time ran out; what is missing is published again by the next session.
    func finish(within limit: Duration?) throws -> Bool

    /// Ends a blocked ``serve(timeout:)``. Any thread.
    var wake: @Sendable () -> Void { get }

    /// Tells how many records Kafka has not acknowledged. Any thread.
    var unacknowledged: @Sendable () -> Int { get }
}

extension RecordPublisher {
    /// For those that nobody could take for the leader.
    func claim(_ stored: StoredPosition) {}
}
