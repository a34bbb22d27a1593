import Logging
import Mongo

/// All streams of a configuration, from the first connection to the last acknowledgement.
package final class Bridge: Sendable {
    /// A server that could not be reached before `startupTimeout`.
    package struct Unreachable: Error, CustomStringConvertible {
        package let server: String
        package let reason: String
        package var description: String { "\(server) could not be reached: \(reason)" }
    }

    private let configuration: BridgeConfiguration
    private let logger: Logger
    private let stop = StopSignal()

    package init(configuration: BridgeConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Asks all streams to finish what they hold, within `shutdownTimeout`. Any thread; a second call changes nothing.
    package func requestStop() { stop.request(grace: configuration.shutdownTimeout) }

    /// Connects to both sides, then runs every stream until a stop or until all have halted.
    ///
    /// - Parameter started: called with the streams' states once both sides were reached.
    /// - Returns: the halts, one per stream that could not go on.
    /// - Throws: ``Unreachable``, or ``StreamHalt`` for a deployment or a configuration that no stream can run with.
    package func run(started: (([StreamStatus]) -> Void)? = nil) async throws -> [StreamHalt] {
        do {
            return try await connectAndRun(started: started)
        } catch let error as MongoError {
            throw StreamFailure(mongoDB: error).halt ?? Unreachable(server: "MongoDB", reason: "\(error)")
        } catch let error as KafkaError {
            throw StreamHalt(reason: "\(error)", mend: "Check kafka in the configuration", status: .configuration)
        }
    }

    private func connectAndRun(started: (([StreamStatus]) -> Void)?) async throws -> [StreamHalt] {
        let pool = try MongoClientPool(.init(configuration.mongodb, appName: "bridge.\(configuration.name)"))
        let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
        let starter = Starter(configuration: configuration, pool: pool, admin: admin, stop: stop, logger: logger)
        // Both sides at once: an outage of one must not hide the other's.
        async let kafka: Void = starter.reachKafka()
        let deployment = try await starter.reachMongoDB()
        try await kafka
        guard !stop.isRequested else { return [] }

        let surroundings = StreamLoop.Surroundings(
            pool: pool,
            deployment: deployment,
            positions: PositionStore(bridge: configuration.name, admin: admin, settings: configuration.kafka),
            topics: TopicCatalog(admin: admin, settings: configuration.topics, stop: stop, logger: logger),
            kafka: configuration.kafka,
            memory: StreamMemory(limit: configuration.limits.memory, streams: configuration.streams.count),
            instance: Instance.name,
            startupTimeout: configuration.startupTimeout,
            stop: stop
        )
        if deployment.isSharded, let stream = configuration.streams.first(where: { $0.fullDocument == .batchedLookup }) {
            throw StreamHalt(
                reason:
                    "stream \(stream.name) asks for fullDocument: batchedLookup, which looks documents up by _id, and on a sharded cluster an "
                    + "_id need not be unique",
                mend: "Use updateLookup", status: .configuration)
        }
        let loops = try configuration.streams.map { settings in
            var logger = logger
            logger[metadataKey: "stream"] = "\(settings.name)"
            return try StreamLoop(settings: settings, options: ChangeStreamOptions(settings), surroundings: surroundings, logger: logger)
        }
        started?(loops.map(\.status))
        return await withTaskGroup(of: StreamHalt?.self) { group in
            // One stream's halt is its own: the others go on.
            for loop in loops {
                group.addTask {
                    do {
                        try await loop.run()
                        return nil
                    } catch {
                        return error as? StreamHalt
                    }
                }
            }
            return await group.reduce(into: []) { halts, halt in if let halt { halts.append(halt) } }
        }
    }
}

/// Reaches the servers at start, trying until `startupTimeout`.
private struct Starter: Sendable {
    let configuration: BridgeConfiguration
    let pool: MongoClientPool
    let admin: KafkaAdmin
    let stop: StopSignal
    let logger: Logger

    func reachMongoDB() async throws -> Deployment {
        let result = await LoopThread.run(name: "reach mongodb") {
            Result {
                try retrying("MongoDB") {
                    try Deployment(of: pool)
                } isFinal: { error in
                    guard let error = error as? MongoError else { return true }
                    return error.kind != .serverSelection && error.kind != .network
                }
            }
        }
        return try result.get()
    }

    func reachKafka() async throws {
        let result = await LoopThread.run(name: "reach kafka") {
            Result {
                try retrying("Kafka") {
                    try admin.ping(timeout: min(configuration.startupTimeout, .seconds(5)))
                } isFinal: { _ in
                    false
                }
            }
        }
        try result.get()
    }

    private func retrying<Success>(_ server: String, _ body: () throws -> Success, isFinal: (any Error) -> Bool) throws -> Success {
        let deadline = ContinuousClock.now + configuration.startupTimeout
        var backoff = Backoff()
        while true {
            do {
                return try body()
            } catch  where !isFinal(error) {
                let delay = backoff.next()
                guard .now + delay < deadline else { throw Bridge.Unreachable(server: server, reason: "\(error)") }
                logger.debug("\(server) is not there yet: \(error)")
                if stop.wait(for: delay) { throw Bridge.Unreachable(server: server, reason: "stopped before it answered: \(error)") }
            }
        }
    }
}
