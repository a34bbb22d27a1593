import Kafka
import Logging
import Runtime

/// Stores records in one Kafka transaction with a stream's transactional id: with exactly-once that fences the leader
/// of the stream, so nothing that it has in hand can follow.
///
/// A leader that was not made to stand back comes back, and its own fence may abort this transaction before it is
/// committed. So only a commit is a success, and everything that passes is tried again; the leader backs off from try
/// to try. Used on one thread.
struct StreamTransaction {
    let configuration: BridgeConfiguration
    let stream: String
    /// Nil when the leader was not made to stand back.
    let lead: LeadershipHold?
    let stop: StopSignal
    let logger: Logger

    /// A record for a topic. The topic is there.
    struct Entry {
        let topic: String
        let record: OutgoingRecord

        init(_ topic: String, key: String, value: [UInt8]?) {
            self.topic = topic
            record = OutgoingRecord(key: Array(key.utf8), value: value)
        }
    }

    /// Blocks, for `startupTimeout` at most and one answer.
    ///
    /// - Parameter make: says what to store, when nobody else can change the stream's own records any more.
    /// - Returns: the value that came with what was stored.
    /// - Throws: ``KafkaError``, ``Stopped``, and what `make` throws. Nothing was changed then, unless no answer came
    ///   to the commit.
    func commit<Value>(_ make: () throws -> (entries: [Entry], value: Value)) throws -> Value {
        let deadline = ContinuousClock.now + configuration.startupTimeout
        var backoff = Backoff(cap: .seconds(1))
        while true {
            if stop.isRequested { throw Stopped() }
            do {
                return try attempt(make, until: deadline)
            } catch let error as KafkaError {
                guard case .restart = StreamFailure(kafka: error), .now < deadline else { throw error }
                logger.debug("trying again: \(error)")
                if stop.wait(for: backoff.next()) { throw Stopped() }
            }
        }
    }

    private func attempt<Value>(
        _ make: () throws -> (entries: [Entry], value: Value), until deadline: ContinuousClock.Instant
    ) throws -> Value {
        let sender = try TransactionalSender(
            configuration.kafka, transactional: .stream(stream, of: configuration.name), logger: logger)
        try sender.fence()
        // After the fence: what the leader stored last is what is there (rule 1 of docs/GUARANTEES.md).
        let (entries, value) = try make()

        try sender.begin()
        do {
            // A process that stood still here would otherwise store this under the next leader of an at-least-once
            // stream, which nothing fences.
            try lead?.vouch(inTransactionOf: sender.client)
            for entry in entries { try sender.send(entry.record, to: try sender.topic(entry.topic)) }
            try sender.commit(until: deadline)
        } catch {
            sender.abandon()
            throw error
        }
        return value
    }
}
