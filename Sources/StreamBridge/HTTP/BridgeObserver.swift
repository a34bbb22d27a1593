import Mongo
import Synchronization

/// Looks at a bridge for HTTP, from before it has reached its servers until its end. Any thread.
final class BridgeObserver: Sendable {
    /// What runs once both servers were reached.
    struct Running: Sendable {
        let deployment: Deployment
        let pools: [(name: String, pool: MongoClientPool)]
        let streams: [StreamStatus]
        let dispatchers: [DispatchStatus]
        let kafka: KafkaWatch
    }

    private struct State {
        var running: Running?
        /// What the servers that are being waited for say, before anything runs.
        var waiting: [LoopCondition.Server: String] = [:]
    }

    private let configuration: BridgeConfiguration
    let loops: LoopWatch
    private let stop: StopSignal
    private let startedAt = WallClock.milliseconds()
    private let state = Mutex(State())

    init(configuration: BridgeConfiguration, loops: LoopWatch, stop: StopSignal) {
        self.configuration = configuration
        self.loops = loops
        self.stop = stop
    }

    /// A server has not been reached yet.
    func waits(for server: LoopCondition.Server, because reason: String) { state.withLock { $0.waiting[server] = reason } }

    func runs(_ running: Running) { state.withLock { $0.running = running } }

    /// What keeps the bridge from being ready.
    func obstacles() -> [Obstacle] { report().obstacles }

    func report() -> BridgeReport {
        let (running, waiting) = state.withLock { ($0.running, $0.waiting) }
        let streams = zip(configuration.streams, running?.streams ?? []).map { (settings: $0, snapshot: $1.snapshot) }
        let dispatchers = zip(configuration.dispatchers, running?.dispatchers ?? []).map { (settings: $0, snapshot: $1.snapshot) }
        let conditions = streams.map(\.snapshot.condition) + dispatchers.map(\.snapshot.condition)
        func silence(of server: LoopCondition.Server, _ watched: String?) -> BridgeReport.Server {
            guard running != nil else { return .init(silence: waiting[server] ?? "it has not been reached yet") }
            return .init(silence: watched ?? conditions.lazy.compactMap { $0.silent[server] }.first)
        }
        let reading = running?.pools.first?.pool.topology
        let mongoDB = silence(
            of: .mongodb, reading.flatMap { $0.isReachable ? nil : "no server of the deployment answers the driver's monitoring" })
        let kafka = silence(of: .kafka, running?.kafka.failure)
        return BridgeReport(
            name: configuration.name, startedAt: startedAt, at: .now,
            obstacles: obstacles(mongoDB, kafka, streams, dispatchers), mongoDB: mongoDB, kafka: kafka,
            deployment: running?.deployment, elections: reading?.elections ?? 0,
            pools: (running?.pools ?? []).map { .init(name: $0.name, clients: $0.pool.clientsInUse, limit: $0.pool.limit) },
            streams: streams, dispatchers: dispatchers)
    }

    private func obstacles(
        _ mongoDB: BridgeReport.Server, _ kafka: BridgeReport.Server,
        _ streams: [(settings: StreamSettings, snapshot: StreamStatus.Snapshot)],
        _ dispatchers: [(settings: DispatcherSettings, snapshot: DispatchStatus.Snapshot)]
    ) -> [Obstacle] {
        var obstacles: [Obstacle] = []
        if stop.isRequested { obstacles.append(Obstacle(what: "the bridge is stopping", why: nil)) }
        for (name, server) in [("MongoDB", mongoDB), ("Kafka", kafka)] {
            if let silence = server.silence { obstacles.append(Obstacle(what: "\(name) cannot be reached", why: silence)) }
        }
        let loops =
            streams.map { ("stream \($0.settings.name)", $0.snapshot.condition) }
            + dispatchers.map { ("dispatcher \($0.settings.name)", $0.snapshot.condition) }
        for (name, condition) in loops where condition.state == .halted {
            let why = [condition.reason, condition.mend].compactMap(\.self).joined(separator: ". ")
            obstacles.append(Obstacle(what: "\(name) is halted", why: why))
        }
        return obstacles
    }
}
