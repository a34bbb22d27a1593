import Logging

/// Makes whoever leads a stream begin a new session, which reads the position anew.
///
/// A leader whose stream is idle would notice only at its next transaction that it was fenced. So this takes the stream's partition of the group for
/// a moment: the leader's term is over, and with the partition's return a new one begins.
struct LeaderNotice {
    let bridge: String
    let stream: String
    let kafka: KafkaSettings
    let stop: StopSignal
    let logger: Logger

    /// Blocks.
    ///
    /// - Returns: false when the group gave no word within `limit`.
    /// - Throws: ``KafkaError``.
    func give(within limit: Duration) throws(KafkaError) -> Bool {
        let consumer = try GroupConsumer(
            topic: StreamLeadership.topic(bridge: bridge),
            properties: ConsumerProperties.leadership(
                kafka, group: StreamLeadership.group(bridge: bridge, stream: stream), rank: Self.firstRank),
            logger: logger)
        let deadline = ContinuousClock.now + limit
        try consumer.subscribe()
        defer { consumer.leave(until: .now + limit) }
        while .now < deadline, !stop.isRequested {
            switch consumer.poll(timeout: .milliseconds(200)) {
            case .assigned:
                try consumer.assign([:])
                return true
            case .revoked(let partitions, _): try consumer.unassign(partitions)
            case .failed(let error): if case .halt = StreamFailure(kafka: error) { throw error }
            case .commitFailed, .unreachable, .nothing: break
            }
        }
        return false
    }

    /// Sorts before every rank of a process, which begin with a digit (``LeadershipRank``).
    private static let firstRank = "-"
}
