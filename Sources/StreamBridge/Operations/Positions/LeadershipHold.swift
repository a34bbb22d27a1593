import Kafka
import Logging
import Runtime

/// The lead of a stream, taken from its leader: no process begins a session of the stream until it is given back.
///
/// The leader's term is over: it commits, or stores, what it has and ends its session. When the lead comes back to it, or goes to another process, a new session
/// reads the position anew. Used on one thread.
struct LeadershipHold {
    private let consumer: GroupConsumer

    /// Joins the stream's group as the member that comes first. Blocks.
    ///
    /// - Returns: nil when the group gave no word within `limit`.
    /// - Throws: ``KafkaError`` when this account may not join the group, for example.
    static func take(of stream: String, bridge: String, kafka: KafkaSettings, within limit: Duration, stop: StopSignal, logger: Logger)
        throws(KafkaError) -> LeadershipHold?
    {
        let lead = LeadershipHold(
            consumer: try GroupConsumer(
                topic: InternalTopics.control(of: bridge),
                properties: ConsumerProperties.leadership(
                    kafka, group: GroupName.of(stream, of: bridge), rank: firstRank),
                logger: logger))
        var isHeld = false
        defer { if !isHeld { lead.release() } }
        isHeld = try lead.join(until: .now + limit, stop)
        return isHeld ? lead : nil
    }

    private func join(until deadline: ContinuousClock.Instant, _ stop: StopSignal) throws(KafkaError) -> Bool {
        try consumer.subscribe()
        while .now < deadline, !stop.isRequested {
            switch consumer.poll(timeout: .milliseconds(200)) {
            case .assigned(let partitions):
                try consumer.assign([:])
                if !partitions.isEmpty { return true }
            case .revoked(let partitions, _): try consumer.unassign(partitions)
            case .failed(let error): if case .halt = StreamFailure(kafka: error) { throw error }
            case .committed, .commitFailed, .unreachable, .nothing: break
            }
        }
        return false
    }

    /// Makes the lead a condition of a producer's open transaction: when it has gone to another process meanwhile, nothing of it is stored.
    func vouch(inTransactionOf producer: KafkaClient) throws {
        guard let membership = consumer.membership() else {
            throw Halt(
                reason: "the lead of the stream has gone back to another process before the edit was stored",
                remedy: "Nothing was changed. Try again", status: .configuration)
        }
        try consumer.send([0: 0], as: membership, inTransactionOf: producer, timeout: Self.leaveTime)
    }

    /// Gives the lead back: a process follows at once. Blocks until the group knows.
    func release() { consumer.leave(until: .now + Self.leaveTime) }

    /// Sorts before every rank of a process, which begin with a digit (``LeadershipRank``).
    private static let firstRank = "-"
    private static let leaveTime: Duration = .seconds(5)
}
