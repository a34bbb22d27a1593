import Kafka
import Logging
import Mongo
import Runtime

/// A replay of a stream from the position that is recorded of it, in as many sessions as it takes. Used on one thread.
///
/// Each session begins like one of the stream itself: fence, read the position, open, pump (rule 1 of
/// docs/GUARANTEES.md).
struct StreamReplaySession {
    let configuration: BridgeConfiguration
    /// With the filter and the topic of the replay.
    let settings: StreamSettings
    let options: ChangeStreamOptions
    let range: EventRange
    /// As it is when the replay begins, or as it was found.
    let record: StreamReplayRecord
    let rate: Int?
    let deployment: Deployment
    let pool: MongoClientPool
    let topics: TopicCatalog
    let ledger: ReplayLedger
    let stop: StopSignal
    let logger: Logger

    /// Blocks until nothing is left, or a stop.
    ///
    /// - Throws: ``ReplayInterrupted`` when the replay is recorded, otherwise its cause.
    func run(_ show: @escaping StreamReplay.Show) throws -> Replay.Summary {
        let status = StreamStatus(stream: settings.name, subject: "the replay", logger: logger)
        var names: [String] = []
        let leftOut = LeftOut()
        let supervisor = ReplaySupervisor(
            id: record.id, rate: rate, patience: configuration.startupTimeout, stop: stop,
            progress: { status.position.map { ($0.token.text ?? "", $0.events) } },
            explain: { OperationFailure.ending(explained($0), of: settings, bridge: configuration.name) },
            tell: {
                status.kafkaFailed($0)
                topics.forget()
            })
        let isDone = try supervisor.run { try publish(status, &names, leftOut, show) }
        return Replay.Summary(
            id: record.id, source: "stream \(settings.name)", unit: "events", topics: Set(names).sorted(),
            events: status.position?.events ?? record.stored.position.events, leftOut: leftOut.events.count, isDone: isDone)
    }

    /// The events that cannot be written. Used on one thread.
    private final class LeftOut {
        var events: Set<String> = []
    }

    /// One session.
    ///
    /// - Returns: whether nothing is left; otherwise a stop came.
    private func publish(
        _ status: StreamStatus, _ names: inout [String], _ leftOut: LeftOut, _ show: @escaping StreamReplay.Show
    ) throws -> Bool {
        let memory = StreamMemory(limit: configuration.limits.memory, streams: 1)
        let properties = try ProducerProperties.make(
            configuration.kafka, memory: memory, transactional: .replay(record.id, of: configuration.name))
        let producer = try KafkaProducer(
            properties: properties, queueBytes: ProducerProperties.queueBytes(configuration.kafka, memory: memory), logger: logger)
        let recorder = StreamReplayRecorder(record)
        let publisher = try TransactionalPublisher(
            producer: producer, positionsTopic: ledger.topic, identity: recorder, term: nil,
            transactionTimeout: ProducerProperties.transactionTimeout(properties), status: status, stop: stop)
        try publisher.fence()
        let position = try begin(publisher, status)
        var route = RangeReader.Route(
            range: range, settings: settings, replicaSet: deployment.replicaSet, origin: .replay(id: record.id), publisher: publisher,
            lookup: settings.fullDocument == .batchedLookup ? DocumentLookup(pool: pool, status: status, stop: stop, heartbeat: nil) : nil,
            position: position, pace: rate.map { RateLimiter(rate: $0) })
        route.leaveOut = { event in
            // A session that begins again meets it again.
            guard leftOut.events.insert(event.token ?? event.document).inserted else { return }
            logger.warning("left out: \(event.halt(format: settings.format, stream: settings.name).reason)")
        }
        var opened: [String] = []
        defer { names += opened }
        let reader = RangeReader(route) { name in
            try InternalTopics.refuse(name, of: configuration.name)
            try topics.ensure(name, timeout: configuration.startupTimeout)
            opened.append(name)
            return try publisher.topic(name)
        }
        let source = RangeReader.Source(
            options: options, start: .after(position.token), pool: pool, isSharded: deployment.isSharded, batchBytes: memory.batchBytes,
            patience: configuration.startupTimeout)
        let isThrough: Bool
        do {
            isThrough = try reader.run(source, stop: stop) { token in
                show(
                    Replay.Progress(
                        id: record.id, events: status.position?.events ?? 0, fraction: range.fraction(at: token?.clusterTime)))
                return true
            }
        } catch {
            // What was published before the error need not be published again.
            _ = try? publisher.finish(within: Self.settlingTime)
            throw error
        }
        guard try publisher.finish(within: nil) else { throw Stopped() }
        guard isThrough else { return false }
        recorder.finish()
        try store(status.position ?? position, publisher)
        return true
    }

    /// What is recorded of the replay, after the fence; a new one is recorded now.
    private func begin(_ publisher: TransactionalPublisher, _ status: StreamStatus) throws -> StreamPosition {
        if let document = try ledger.find(record.id) {
            guard let found = try? StreamReplayRecord(document) else { throw ReplayLedger.unreadable(record.id, topic: ledger.topic) }
            guard found.isSameReplay(as: record) else { throw ReplayLedger.taken(record.id) }
            let position = found.stored.position
            publisher.resume(after: position)
            status.resumed(after: position)
            return position
        }
        try store(record.stored.position, publisher)
        return record.stored.position
    }

    /// Stores a position in a transaction of its own, also one that is stored already.
    private func store(_ position: StreamPosition, _ publisher: TransactionalPublisher) throws {
        // No records, but a transaction is open, so that a position follows.
        try publisher.publish(RecordBatch(), to: [])
        try publisher.seal(position)
        guard try publisher.finish(within: nil) else { throw Stopped() }
    }

    /// What means something else for a replay than for its stream.
    private func explained(_ error: any Error) -> any Error {
        guard let lost = error as? MongoError, StreamFailure(mongoDB: lost).halt?.status == .lostPosition else {
            return ReplaySupervisor.explained(error, id: record.id)
        }
        return Halt(
            reason: "MongoDB does not continue with the range: \(lost)",
            remedy: "What the oplog no longer has cannot be published again: begin another replay, --from oldest", status: .lostPosition)
    }

    /// How long a session that failed waits for the outcome of what it had sent.
    private static let settlingTime: Duration = .seconds(2)
}
