import Kafka

/// Delivers records to Kafka, and the position that covers them, with one guarantee or another.
///
/// One instance serves one session of one stream, on that session's thread, in this order: ``fence()``,
/// ``resume(after:)`` and ``claim(_:)`` when a position is stored, then what a ``RecordSink`` takes, with
/// ``serve(timeout:)`` whenever there is nothing else to do, then ``finish(within:)``. When a call throws, the session
/// is over: the position is read again, and whatever this instance had not covered is published again.
protocol RecordPublisher: RecordSink {
    /// Makes this instance the stream's only writer, where the guarantee needs that. Before the position is read (rule
    /// 1).
    func fence() throws

    /// The position that the session begins at: nothing older is ever stored.
    func resume(after stored: StreamPosition)

    /// Stores the position that the session begins at once more, with this process as its writer: a process that
    /// starts meanwhile finds the leader.
    func claim(_ stored: StoredPosition) throws

    func topic(_ name: String) throws -> KafkaTopic

    /// Waits until everything published is safe and its position stored: at most `limit`, and never beyond a stop's
    /// deadline.
    ///
    /// - Returns: false when time ran out; what is missing is published again by the next session.
    func finish(within limit: Duration?) throws -> Bool

    /// Tells how many records Kafka has not acknowledged. Any thread.
    var unacknowledged: @Sendable () -> Int { get }
}
