import Kafka
import Logging
import Mongo
import Runtime

/// All streams and dispatchers of a configuration, from the first connection to the last acknowledgement.
package final class Bridge: Sendable {
    private let configuration: BridgeConfiguration
    private let logger: Logger
    private let stop = StopSignal()
    private let halted: HaltRegistry
    /// Whether they all continue.
    let loops = Watchdog()
    private let observer: BridgeObserver

    package init(configuration: BridgeConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        halted = HaltRegistry(of: configuration.streams.count + configuration.dispatchers.count)
        observer = BridgeObserver(configuration: configuration, loops: loops, stop: stop)
    }

    /// Asks all of them to finish what they hold, within `shutdownTimeout`. Any thread; a second call changes nothing.
    package func requestStop() { stop.request(grace: configuration.shutdownTimeout) }

    /// Lets the streams and dispatchers that have halted try again. Any thread.
    package func tryHaltedAgain() {
        let count = halted.tryAgain()
        guard count == 0 else { return }
        logger.notice("nothing is halted, so there is nothing to try again; the configuration is read at the next start")
    }

    /// What runs.
    package struct Running: Sendable {
        package let streams: [StreamStatus]
        package let dispatchers: [DispatchStatus]
    }

    /// Connects to both sides, then runs every stream and dispatcher until a stop or until all have halted.
    ///
    /// - Parameters:
    ///   - listening: called with the page's address once HTTP is served, where the configuration says so.
    ///   - started: called with their states once both sides were reached.
    /// - Returns: the halts, one for each that could not continue.
    /// - Throws: ``Unreachable``, or ``Halt`` for a deployment or a configuration that nothing can run with.
    package func run(listening: (@Sendable (String) -> Void)? = nil, started: ((Running) -> Void)? = nil) async throws -> [Halt] {
        do {
            guard let http = configuration.http else { return try await connectAndRun(started: started) }
            return try await serving(http, listening: listening) { try await connectAndRun(started: started) }
        } catch let error as MongoError {
            throw StreamFailure(mongoDB: error).halt ?? Unreachable(mongoDB: error)
        } catch let error as KafkaError {
            throw Halt(reason: "\(error)", remedy: "Check kafka in the configuration", status: .configuration)
        }
    }

    /// Serves HTTP beside `body`, and ends both when nothing can listen at the address.
    private func serving(
        _ settings: HTTPSettings, listening: (@Sendable (String) -> Void)?, _ body: () async throws -> [Halt]
    ) async throws -> [Halt] {
        guard let address = ListenAddress(settings.listen) else {
            throw Halt(
                reason: "http.listen is no address: \(settings.listen)", remedy: "Write host:port", status: .configuration)
        }
        let server = HTTPServer(address: address, paths: HTTPPaths(settings, observer: observer), logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                do {
                    try await server.run { port in
                        let page = address.page(port: port)
                        self.logger.info("the status page, health and metrics are at \(page)")
                        listening?(page)
                    }
                } catch let failure as ListenFailure {
                    requestStop()
                    throw Halt(reason: "\(failure)", remedy: failure.remedy, status: .configuration)
                }
            }
            let result: Result<[Halt], any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            group.cancelAll()
            // If it could not listen, that is why the rest has ended.
            try await group.waitForAll()
            return try result.get()
        }
    }

    /// Says so when positions would be deleted after a while, or make every start slow. Beside the streams, because a
    /// cluster may take its time to answer, or never do.
    private func lookAfterPositions(_ topic: String, admin: KafkaAdmin) {
        _ = LoopThread.start(name: "look at topic") { [logger, configuration] in
            guard let settings = try? admin.settings(ofTopic: topic, timeout: .seconds(5)),
                let complaint = CompactedTopic.complaint(
                    about: topic, found: settings, configuration: configuration.topics, kafka: configuration.kafka)
            else { return }
            let more = complaint.losesValues ? ", and a stream without one begins at startAt" : ""
            logger.log(level: complaint.losesValues ? .error : .warning, "topic \(topic) \(complaint.text)\(more): \(complaint.remedy)")
        }
    }

    private func connectAndRun(started: ((Running) -> Void)?) async throws -> [Halt] {
        // Every reader keeps a client, every lookup takes one, looking after them takes another, and so does looking at
        // the oplog. A feed of free resources is a reader, too, and looks the pool up; and one client waits while the
        // server builds an index. And so do the threads of a snapshot, which may begin at any time.
        let clients = configuration.streams.map { ($0.fullDocument == .batchedLookup ? 2 : 1) + $0.snapshot.cursors }.reduce(
            2 + 3 * configuration.dispatchers.count, +)
        let pool = try MongoClientPool(.init(configuration.mongodb, minimum: clients, appName: "bridge.\(configuration.name)"))
        let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
        let start = BridgeStart(
            pool: pool, admin: admin, topic: InternalTopics.any(of: configuration), timeout: configuration.startupTimeout, stop: stop,
            logger: logger,
            waits: observer.waits)
        guard let deployment = try await start.reachBoth() else { return [] }
        let kind = deployment.replicaSet.map { "replica set \($0)" } ?? "sharded cluster"
        logger.info(
            "bridge \(configuration.name): MongoDB \(deployment.version), \(kind); \(configuration.parts)")
        warnOfFewFiles(admin)
        if deployment.isSharded, let stream = configuration.streams.first(where: { $0.fullDocument == .batchedLookup }) {
            throw Halt(
                reason:
                    "stream \(stream.name) asks for fullDocument: batchedLookup, which looks documents up by _id, and on a sharded cluster an "
                    + "_id need not be unique",
                remedy: "Use updateLookup", status: .configuration)
        }
        let topics = TopicCatalog(admin: admin, settings: configuration.topics, stop: stop, logger: logger)
        let memory = StreamMemory(
            limit: configuration.limits.memory, streams: configuration.streams.count + configuration.dispatchers.count)
        let streams = try streams(pool: pool, deployment: deployment, admin: admin, topics: topics, memory: memory)
        let writing = try configuration.dispatchers.isEmpty ? nil : writingPool()
        let dispatchers = try dispatchers(reading: pool, writing: writing, deployment: deployment, topics: topics, memory: memory)
        let watch = OplogWatch(deployment: deployment, pool: pool, streams: streams.map(\.status), logger: logger)
        watch.start()
        defer { watch.stop() }
        let kafkaProbe = KafkaProbe(admin: admin, topic: InternalTopics.any(of: configuration))
        if configuration.http != nil { kafkaProbe.start() }
        defer { kafkaProbe.stop() }
        observer.runs(
            .init(
                deployment: deployment, pools: [("reading", pool)] + (writing.map { [("writing", $0)] } ?? []),
                streams: streams.map(\.status), dispatchers: dispatchers.map(\.status), kafka: kafkaProbe))
        started?(Running(streams: streams.map(\.status), dispatchers: dispatchers.map(\.status)))
        return await withTaskGroup(of: Halt?.self) { group in
            // One's halt is its own: the others continue.
            for stream in streams { group.addTask { await Self.halt(of: stream.run) } }
            for dispatcher in dispatchers { group.addTask { await Self.halt(of: dispatcher.run) } }
            return await group.reduce(into: []) { halts, halt in if let halt { halts.append(halt) } }
        }
    }

    /// A connection that cannot be opened looks like a broker that is away.
    private func warnOfFewFiles(_ admin: KafkaAdmin) {
        guard let limit = OpenFiles.limit,
            let brokers = try? admin.brokers(askedAbout: InternalTopics.any(of: configuration), timeout: .seconds(2))
        else { return }
        let needed = OpenFiles.needed(parts: configuration.streams.count + configuration.dispatchers.count, brokers: brokers.count)
        guard UInt64(needed) > limit else { return }
        logger.warning(
            "the process may have \(limit) files and connections open and may need some \(needed): raise the hard limit (LimitNOFILE of systemd, ulimit -Hn)"
        )
    }

    private static func halt(of run: () async throws -> Void) async -> Halt? {
        do {
            try await run()
            return nil
        } catch {
            return error as? Halt
        }
    }

    private func streams(
        pool: MongoClientPool, deployment: Deployment, admin: KafkaAdmin, topics: TopicCatalog, memory: StreamMemory
    ) throws -> [StreamLoop] {
        guard !configuration.streams.isEmpty else { return [] }
        let dependencies = StreamLoop.Dependencies(
            bridge: configuration.name,
            pool: pool,
            deployment: deployment,
            positions: PositionStore(bridge: configuration.name, admin: admin, settings: configuration.kafka),
            snapshots: SnapshotLedger(bridge: configuration.name, admin: admin, settings: configuration.kafka),
            topics: topics,
            kafka: configuration.kafka,
            memory: memory,
            instance: Instance.name,
            history: PositionHistory(bridge: configuration.name, admin: admin, settings: configuration.kafka),
            halted: halted,
            stop: stop,
            clock: ClusterClock(),
            loops: loops
        )
        lookAfterPositions(dependencies.positions.topic, admin: admin)
        return try configuration.streams.enumerated().map { index, settings in
            var logger = logger
            logger[metadataKey: "stream"] = "\(settings.name)"
            return try StreamLoop(
                settings: settings, index: index, options: ChangeStreamOptions(settings, on: deployment), dependencies: dependencies,
                logger: logger)
        }
    }

    /// What the dispatchers write with.
    private func writingPool() throws(MongoError) -> MongoClientPool {
        try MongoClientPool(
            .writing(
                configuration.mongodb, minimum: DispatchContext.workers * configuration.dispatchers.count,
                appName: "bridge.\(configuration.name)"))
    }

    private func dispatchers(
        reading pool: MongoClientPool, writing: MongoClientPool?, deployment: Deployment, topics: TopicCatalog, memory: StreamMemory
    ) throws -> [DispatchLoop] {
        guard let writing else { return [] }
        let dependencies = DispatchLoop.Dependencies(
            bridge: configuration.name,
            pool: writing,
            patientPool: pool,
            deployment: deployment,
            writeConcern: configuration.mongodb.writeConcern,
            topics: topics,
            kafka: configuration.kafka,
            memory: memory,
            instance: Instance.uniqueName,
            halted: halted,
            stop: stop,
            loops: loops
        )
        return configuration.dispatchers.map { settings in
            var logger = logger
            logger[metadataKey: "dispatcher"] = "\(settings.name)"
            return DispatchLoop(settings: settings, dependencies: dependencies, logger: logger)
        }
    }
}

extension BridgeConfiguration {
    /// What it has, for people: `streams: inventory; dispatchers: shipments`.
    var parts: String {
        [("streams", streams.map(\.name)), ("dispatchers", dispatchers.map(\.name))].filter { !$0.1.isEmpty }
            .map { "\($0.0): \($0.1.joined(separator: ", "))" }.joined(separator: "; ")
    }
}
