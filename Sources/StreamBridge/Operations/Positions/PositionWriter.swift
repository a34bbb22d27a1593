import Logging

/// Stores an edited position, the record of the edit and that of a gap, in one Kafka transaction with the stream's transactional id: with exactly-once that fences
/// whoever leads the stream, so nothing that it has in hand can follow.
///
/// A leader that was not made to stand back comes back, and its own fence may abort this transaction before it is committed. So only a commit is a success, and
/// everything that passes is tried again; the leader backs off from try to try. Used on one thread.
struct PositionWriter {
    private let configuration: BridgeConfiguration
    private let stream: String
    private let store: PositionStore
    private let stop: StopSignal
    private let logger: Logger

    init(configuration: BridgeConfiguration, stream: String, store: PositionStore, stop: StopSignal, logger: Logger) {
        self.configuration = configuration
        self.stream = stream
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
    /// - Throws: ``KafkaError``, ``StreamStopped``, and what `edit` throws. Nothing was changed then, unless no answer came to the commit.
    func write(_ edit: (_ old: [UInt8]?) throws -> Edit) throws -> Edit {
        let deadline = ContinuousClock.now + configuration.startupTimeout
        var backoff = Backoff(cap: .seconds(1))
        while true {
            do {
                return try attempt(edit, until: deadline)
            } catch let error as KafkaError {
                guard case .restart = StreamFailure(kafka: error), .now < deadline else { throw error }
                logger.debug("trying again: \(error)")
                if stop.wait(for: backoff.next()) { throw StreamStopped() }
            }
        }
    }

    private func attempt(_ edit: (_ old: [UInt8]?) throws -> Edit, until deadline: ContinuousClock.Instant) throws -> Edit {
        let producer = try KafkaProducer(
            properties: ProducerProperties.make(
                configuration.kafka, memory: StreamMemory(limit: 64 << 20, streams: 1),
                transactional: .stream(stream, of: configuration.name)),
            logger: logger)
        let positions = try producer.topic(store.topic)
        let edits = try producer.topic(PositionEdit.topic(bridge: configuration.name))
        try producer.client.initTransactions(timeout: Self.callTime)
        // After the fence: what the leader stored last is the old position (rule 1 of docs/GUARANTEES.md).
        let edit = try edit(store.readAll(timeout: Self.callTime)[stream])

        try producer.client.beginTransaction()
        let ender = TransactionEnder(client: producer.client)
        do {
            let key = Array(stream.utf8)
            var records = [(edits, Array(edit.record.json.utf8)), (positions, edit.record.new)]
            if let gap = edit.gap {
                records.append((try producer.topic(GapRecord.topic(bridge: configuration.name)), gap.json(stream: stream)))
            }
            for (topic, value) in records {
                guard try producer.produce(OutgoingRecord(key: key, value: value), to: topic, tag: 1) else {
                    throw KafkaError.timedOut(operation: "store the position")
                }
            }
            producer.endLinger()
            try commit(producer, ender, until: deadline)
        } catch {
            producer.abandon()
            ender.abandon(within: Self.callTime) { _ = try? producer.serve(timeout: .milliseconds(20)) { _ in } }
            throw error
        }
        return edit
    }

    private func commit(_ producer: KafkaProducer, _ ender: TransactionEnder, until deadline: ContinuousClock.Instant) throws(KafkaError) {
        ender.start(.commit)
        var refusal: KafkaError?
        while true {
            try producer.serve(timeout: .milliseconds(100)) { report in
                if case .refused(let error, _, _, _) = report, !error.isAftermath { refusal = refusal ?? error }
            }
            switch ender.takeResult() {
            case .success?: return
            case .failure(let error)?: throw refusal ?? error
            case nil: if .now >= deadline + Self.callTime { throw refusal ?? .timedOut(operation: "store the position") }
            }
        }
    }

    /// How long one answer of Kafka is waited for.
    private static let callTime: Duration = .seconds(5)
}
