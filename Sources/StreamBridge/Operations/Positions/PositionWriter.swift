import Kafka
import Logging
import Runtime

/// Stores an edited position, the record of the edit and that of a gap, in one Kafka transaction with the stream's transactional id: with exactly-once that fences
/// the leader of the stream, so nothing that it has in hand can follow.
///
/// A leader that was not made to stand back comes back, and its own fence may abort this transaction before it is committed. So only a commit is a success, and
/// everything that passes is tried again; the leader backs off from try to try. Used on one thread.
struct PositionWriter {
    private let configuration: BridgeConfiguration
    private let stream: String
    /// Nil when the leader was not made to stand back.
    private let lead: LeadershipHold?
    private let store: PositionStore
    private let stop: StopSignal
    private let logger: Logger

    init(configuration: BridgeConfiguration, stream: String, lead: LeadershipHold?, store: PositionStore, stop: StopSignal, logger: Logger)
    {
        self.configuration = configuration
        self.stream = stream
        self.lead = lead
        self.store = store
        self.stop = stop
        self.logger = logger
    }

    struct Edit {
        let record: PositionEdit
        /// Of events that the edit leaves out.
        let gap: GapRecord?
    }

    /// Blocks, for `startupTimeout` at most and one answer.
    ///
    /// - Parameter edit: makes the edit of the value that the positions topic has when nobody else can change it any more.
    /// - Returns: what was stored.
    /// - Throws: ``KafkaError``, ``Stopped``, and what `edit` throws. Nothing was changed then, unless no answer came to the commit.
    func write(_ edit: (_ old: [UInt8]?) throws -> Edit) throws -> Edit {
        let deadline = ContinuousClock.now + configuration.startupTimeout
        var backoff = Backoff(cap: .seconds(1))
        while true {
            if stop.isRequested { throw Stopped() }
            do {
                return try attempt(edit, until: deadline)
            } catch let error as KafkaError {
                guard case .restart = StreamFailure(kafka: error), .now < deadline else { throw error }
                logger.debug("trying again: \(error)")
                if stop.wait(for: backoff.next()) { throw Stopped() }
            }
        }
    }

    private func attempt(_ edit: (_ old: [UInt8]?) throws -> Edit, until deadline: ContinuousClock.Instant) throws -> Edit {
        let sender = try TransactionalSender(
            configuration.kafka, transactional: .stream(stream, of: configuration.name), logger: logger)
        let positions = try sender.topic(store.topic)
        let edits = try sender.topic(InternalTopics.positionEdits(of: configuration.name))
        try sender.fence()
        // After the fence: what the leader stored last is the old position (rule 1 of docs/GUARANTEES.md).
        let edit = try edit(store.readAll(timeout: Self.callTime, .init(stop: stop))[stream]?.bytes)

        try sender.begin()
        do {
            // A process that stood still here would otherwise store its edit under the next leader of an at-least-once stream, which nothing fences.
            try lead?.vouch(inTransactionOf: sender.client)
            let key = Array(stream.utf8)
            var records = [(edits, Array(edit.record.json.utf8)), (positions, edit.record.new)]
            if let gap = edit.gap {
                records.append((try sender.topic(InternalTopics.gaps(of: configuration.name)), gap.json(stream: stream)))
            }
            for (topic, value) in records { try sender.send(OutgoingRecord(key: key, value: value), to: topic) }
            try sender.commit(until: deadline)
        } catch {
            sender.abandon()
            throw error
        }
        return edit
    }

    /// How long one answer of Kafka is waited for.
    private static let callTime: Duration = .seconds(5)
}
