import Kafka
import Logging
import Runtime

/// The lead of a stream, taken from its leader: no process begins a session of the stream until it is given back.
///
/// The leader's term is over: it commits, or stores, what it has and ends its session. When the lead comes back to it,
/// or goes to another process, a new session reads the position anew. Used on one thread.
struct LeadershipHold {
    private let consumer: GroupConsumer

    /// Nobody was made to stand back.
    struct Refused: Error, CustomStringConvertible {
        var description: String { "the group gave no word within \(LeadershipHold.patience.readable)" }
    }

    /// Joins the stream's group as the member that comes first. Blocks, for some seconds at most.
    ///
    /// - Throws: ``Refused``, ``Stopped``, ``MissingTopic``, or ``KafkaError`` when this account may not join the
    ///   group, for example.
    static func take(
        of stream: String, _ configuration: BridgeConfiguration, topics: TopicCatalog, stop: StopSignal, logger: Logger
    ) throws -> LeadershipHold {
        let control = InternalTopics.control(of: configuration.name)
        try topics.ensure(control, partitions: 1, timeout: configuration.startupTimeout)
        let lead = LeadershipHold(
            consumer: try GroupConsumer(
                topic: control,
                properties: ConsumerProperties.leadership(
                    configuration.kafka, group: GroupName.of(stream, of: configuration.name), rank: firstRank),
                logger: logger))
        do {
            try lead.join(until: .now + patience, stop)
        } catch {
            lead.release()
            throw error
        }
        return lead
    }

    private func join(until deadline: ContinuousClock.Instant, _ stop: StopSignal) throws {
        try consumer.subscribe()
        while .now < deadline {
            if stop.isRequested { throw Stopped() }
            switch consumer.poll(timeout: .milliseconds(200)) {
            case .assigned(let partitions):
                try consumer.assign([:])
                if !partitions.isEmpty { return }
            case .revoked(let partitions, _): try consumer.unassign(partitions)
            case .failed(let error): if case .halt = StreamFailure(kafka: error) { throw error }
            case .committed, .commitFailed, .unreachable, .nothing: break
            }
        }
        throw Refused()
    }

    /// Makes the lead a condition of a producer's open transaction: when it has gone to another process meanwhile,
    /// nothing of it is stored.
    func vouch(inTransactionOf producer: KafkaClient) throws {
        guard let membership = consumer.membership() else {
            throw Halt(
                reason: "the lead of the stream has gone back to another process before the change was stored",
                remedy: "Nothing was changed. Try again", status: .configuration)
        }
        try consumer.send([0: 0], as: membership, inTransactionOf: producer, timeout: Self.leaveTime)
    }

    /// Gives the lead back: a process follows at once. Blocks until the group knows.
    func release() { consumer.leave(until: .now + Self.leaveTime) }

    /// Sorts before every rank of a process, which begin with a digit (``LeadershipRank``).
    private static let firstRank = "-"
    /// A group that has nobody in it takes three seconds to form (`group.initial.rebalance.delay.ms`).
    private static let patience: Duration = .seconds(8)
    private static let leaveTime: Duration = .seconds(5)
}
