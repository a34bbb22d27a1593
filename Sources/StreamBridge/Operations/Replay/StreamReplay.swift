import Kafka
import Logging
import Mongo
import Runtime

/// Publishes a range of a stream again, exactly once: each Kafka transaction has records and the replay's own position
/// behind them.
///
/// The stream's position, its transactional id and its group are left alone, so the stream may run meanwhile. Used on
/// one thread.
package struct StreamReplay {
    package struct Request: Sendable {
        package var stream: StreamSettings
        package var from: PositionPlace
        /// Nil for the newest time of the deployment.
        package var to: PositionPlace?
        /// A stage or a list of stages, as Extended JSON or YAML, that comes after those of the stream.
        package var filter: String?
        /// A topic, perhaps with `{db}` and `{coll}`; nil for the stream's own.
        package var topic: String?
        /// Events per second; nil for as fast as it goes.
        package var rate: Int?
        /// Nil for one that is made.
        package var id: String?
        /// `user@host`
        package var by: String

        package init(
            stream: StreamSettings, from: PositionPlace, to: PositionPlace? = nil, filter: String? = nil, topic: String? = nil,
            rate: Int? = nil, id: String? = nil, by: String
        ) {
            self.stream = stream
            self.from = from
            self.to = to
            self.filter = filter
            self.topic = topic
            self.rate = rate
            self.id = id
            self.by = by
        }

        /// Consumers of the stream see the events again.
        package var isToOwnTopics: Bool { topic.map { $0 == "\(stream.topic)" } ?? true }
    }

    typealias Show = @Sendable (Replay.Progress) -> Void

    private let configuration: BridgeConfiguration
    private let admin: KafkaAdmin
    private let ledger: ReplayLedger
    private let pool: MongoClientPool
    private let deployment: Deployment
    private let stop: StopSignal
    private let logger: Logger

    /// Reaches both sides. Blocks.
    init(_ configuration: BridgeConfiguration, stop: StopSignal, logger: Logger) throws {
        self.configuration = configuration
        self.stop = stop
        self.logger = logger
        admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
        ledger = ReplayLedger(configuration, admin: admin, stop: stop)
        pool = try MongoClientPool(.init(configuration.mongodb, appName: "bridge.\(configuration.name).replay"))
        deployment = try Deployment.reached(by: pool, stop: stop)
    }

    // MARK: Beginning

    func run(_ request: Request, _ show: @escaping Show) throws -> Replay.Summary {
        let id = try ReplayLedger.id(asked: request.id)
        let settings = try settings(of: request)
        let resolved = try range(of: request, settings)
        try ledger.begin(id, catalog)
        let record = StreamReplayRecord(
            id: id, range: resolved.range, filter: request.filter, topic: request.topic, by: request.by,
            startedAt: WallClock.milliseconds(),
            stored: StoredPosition(
                stream: settings.name, position: resolved.trial.position, options: StoredPosition.definitionHash(of: settings),
                replicaSet: deployment.replicaSet, writer: Instance.name, writtenAt: WallClock.milliseconds()))
        logger.info(
            """
            replay \(id) of stream \(settings.name), from \(resolved.range.from) to \(resolved.range.to); if it is interrupted, continue with \
            \(Replay.resumeCommand(id, rate: request.rate))
            """)
        return try session(record, settings, resolved.range, rate: request.rate).run(show)
    }

    func plan(_ request: Request, _ show: @escaping Show) throws -> ReplayPlan {
        let settings = try settings(of: request)
        let resolved = try range(of: request, settings)
        let range = resolved.range
        let counter = ReplayPlan.Counter()
        let inspector = RecordInspector(client: admin.client) { batch, _ in counter.count(batch) }
        // A document that a lookup would fetch is not counted among the bytes.
        let route = RangeReader.Route(
            range: range, settings: settings, replicaSet: deployment.replicaSet, publisher: inspector, position: resolved.trial.position,
            leaveOut: { _ in counter.leaveOut() })
        let reader = RangeReader(route) { name in
            try InternalTopics.refuse(name, of: configuration.name)
            return try inspector.topic(name)
        }
        let isWhole = try reader.run(
            source(try ChangeStreamOptions(settings, on: deployment), after: resolved.trial.position), stop: stop
        ) { token in
            show(Replay.Progress(id: "", events: counter.events, fraction: range.fraction(at: token?.clusterTime)))
            return true
        }
        return ReplayPlan(
            counter, stream: settings.name, range: range, ahead: resolved.trial, topics: inspector.topics,
            isOwnTopic: request.isToOwnTopics, rate: request.rate, oplog: try? deployment.oplogWindow(pool: pool), isWhole: isWhole)
    }

    func resume(_ document: BSONDocument, id: String, rate: Int?, _ show: @escaping Show) throws -> Replay.Summary {
        guard let record = try? StreamReplayRecord(document) else { throw ReplayLedger.unreadable(id, topic: ledger.topic) }
        let stream: StreamSettings
        do throws(UnknownName) {
            stream = try configuration.stream(record.stored.stream)
        } catch {
            throw WrongUsage("replay \(id) is of stream \(record.stored.stream), and \(error)")
        }
        let settings = try stream.replaying(filter: record.filter, topic: record.topic, bridge: configuration.name)
        if let theirs = record.stored.replicaSet, let ours = deployment.replicaSet, theirs != ours {
            throw Halt(
                reason: "replay \(id) was begun on replica set \(theirs), and this is \(ours)", remedy: "Correct mongodb.uri",
                status: .lostPosition)
        }
        if let changes = record.stored.changes(of: settings) {
            logger.warning("the stream's \(changes) changed since the replay began; the rest is published as the stream is now")
        }
        let range = EventRange(
            start: .after(record.stored.position.token), from: record.from, to: record.to, newest: try deployment.clusterTime(pool: pool))
        return try session(record, settings, range, rate: rate).run(show)
    }

    private func session(_ record: StreamReplayRecord, _ settings: StreamSettings, _ range: EventRange, rate: Int?) throws
        -> StreamReplaySession
    {
        StreamReplaySession(
            configuration: configuration, settings: settings, options: try ChangeStreamOptions(settings, on: deployment), range: range,
            record: record, rate: rate, deployment: deployment, pool: pool, topics: catalog, ledger: ledger, stop: stop, logger: logger)
    }

    // MARK: What is asked for

    private func settings(of request: Request) throws -> StreamSettings {
        try request.stream.replaying(filter: request.filter, topic: request.topic, bridge: configuration.name)
    }

    private func range(of request: Request, _ settings: StreamSettings) throws -> ReplayRange {
        try ReplayRange(
            of: settings, isFiltered: request.filter != nil, from: request.from, to: request.to, on: deployment, pool: pool
        ) {
            try PublishedPlace(of: $0, admin: admin, settings: configuration.kafka, timeout: configuration.startupTimeout, stop: stop)
        }
    }

    private func source(_ options: ChangeStreamOptions, after position: StreamPosition) -> RangeReader.Source {
        RangeReader.Source(
            options: options, start: .after(position.token), pool: pool, isSharded: deployment.isSharded,
            batchBytes: StreamMemory(limit: configuration.limits.memory, streams: 1).batchBytes, patience: configuration.startupTimeout)
    }

    private var catalog: TopicCatalog { TopicCatalog(admin: admin, settings: configuration.topics, stop: stop, logger: logger) }
}

extension StreamSettings {
    /// The stream as a replay publishes it.
    ///
    /// - Throws: ``WrongUsage`` naming the option and what is wrong with it.
    func replaying(filter: String?, topic: String?, bridge: String) throws(WrongUsage) -> StreamSettings {
        var settings = self
        if let filter {
            do throws(ConfigurationComplaint) {
                settings.pipeline = PipelineText.joined(pipeline, try PipelineText.argument(filter))
            } catch {
                throw WrongUsage("--filter", error)
            }
        }
        return try topic.map { topic throws(WrongUsage) in try settings.publishing(to: topic, bridge: bridge) } ?? settings
    }
}
