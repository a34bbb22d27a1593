import Kafka
import Mongo
import Runtime
import Synchronization

/// Looks at a bridge for HTTP, from before it has reached its servers until its end. Any thread.
final class BridgeObserver: Sendable {
    /// What runs once both servers were reached.
    struct Running: Sendable {
        let deployment: Deployment
        let pools: [(name: String, pool: MongoClientPool)]
        let streams: [StreamStatus]
        let dispatchers: [DispatchStatus]
        let kafka: KafkaProbe
    }

    private struct State {
        var running: Running?
        /// What the servers that are being waited for say, before anything runs.
        var waiting: [LoopCondition.Server: String] = [:]
    }

    private let configuration: BridgeConfiguration
    let loops: Watchdog
    private let stop: StopSignal
    private let startedAt = WallClock.milliseconds()
    private let state = Mutex(State())

    init(configuration: BridgeConfiguration, loops: Watchdog, stop: StopSignal) {
        self.configuration = configuration
        self.loops = loops
        self.stop = stop
    }

    /// A server has not been reached yet.
    func waits(for server: LoopCondition.Server, because reason: String) { state.withLock { $0.waiting[server] = reason } }

    func runs(_ running: Running) { state.withLock { $0.running = running } }

    /// - Parameter now: what is judged by the time that it has lasted is judged as of then.
    func report(at now: ContinuousClock.Instant = .now) -> BridgeReport {
        let (running, waiting) = state.withLock { ($0.running, $0.waiting) }
        let streams = zip(configuration.streams, running?.streams ?? []).map { (settings: $0, snapshot: $1.snapshot) }
        let dispatchers = zip(configuration.dispatchers, running?.dispatchers ?? []).map { (settings: $0, snapshot: $1.snapshot) }
        let conditions =
            streams.map { (name: "stream \($0.settings.name)", condition: $0.snapshot.condition) }
            + dispatchers.map { (name: "dispatcher \($0.settings.name)", condition: $0.snapshot.condition) }
        func silence(of server: LoopCondition.Server, _ watched: String?) -> BridgeReport.Server {
            guard running != nil else {
                let reason = waiting[server] ?? "it has not been reached yet"
                return .init(silence: reason, lastingSilence: reason)
            }
            return .init(
                silence: watched ?? conditions.lazy.compactMap { $0.condition.silent[server] }.first,
                lastingSilence: watched ?? conditions.lazy.compactMap { $0.condition.lastingSilence(of: server, at: now) }.first)
        }
        let reading = running?.pools.first?.pool.topology
        let mongoDB = silence(
            of: .mongodb, reading.flatMap { $0.isReachable ? nil : "no server of the deployment answers the driver's monitoring" })
        let kafka = silence(of: .kafka, running?.kafka.failure)
        return BridgeReport(
            name: configuration.name, lostLogLines: StandardError.log.lostLines, startedAt: startedAt, at: now,
            obstacles: obstacles(mongoDB, kafka, conditions, at: now), ailments: ailments(mongoDB, kafka, conditions, at: now),
            mongoDB: mongoDB,
            kafka: kafka,
            deployment: running?.deployment, elections: reading?.elections ?? 0,
            pools: (running?.pools ?? []).map { .init(name: $0.name, clients: $0.pool.clientsInUse, limit: $0.pool.limit) },
            streams: streams, dispatchers: dispatchers)
    }

    private func obstacles(
        _ mongoDB: BridgeReport.Server, _ kafka: BridgeReport.Server, _ loops: [(name: String, condition: LoopCondition)],
        at now: ContinuousClock.Instant
    ) -> [Obstacle] {
        var obstacles: [Obstacle] = []
        if stop.isRequested { obstacles.append(Obstacle(what: "the bridge is stopping", why: nil)) }
        for (name, server) in [("MongoDB", mongoDB), ("Kafka", kafka)] {
            if let silence = server.lastingSilence { obstacles.append(Obstacle(what: "\(name) cannot be reached", why: silence)) }
        }
        for (name, condition) in loops {
            if condition.state == .halted {
                let why = [condition.reason, condition.remedy].compactMap(\.self).joined(separator: ". ")
                obstacles.append(Obstacle(what: "\(name) is halted", why: why))
            } else if let failure = condition.lastingFailures(at: now).first(where: {
                // Said above.
                ($0.server == .mongodb ? mongoDB : kafka).lastingSilence == nil
            }) {
                obstacles.append(Obstacle(what: "\(name) is retrying", why: failure.reason))
            }
        }
        return obstacles
    }

    /// Loops that make no progress although their server answers: whatever that is, it does not pass by waiting. A
    /// server that cannot be reached is none: another process could not reach it either.
    private func ailments(
        _ mongoDB: BridgeReport.Server, _ kafka: BridgeReport.Server, _ loops: [(name: String, condition: LoopCondition)],
        at now: ContinuousClock.Instant
    ) -> [Obstacle] {
        self.loops.stuckLoops(at: now).map { Obstacle(what: "\($0.name) has not moved for \($0.time.readable)", why: nil) }
            + loops.flatMap { name, condition in
                condition.refusals(at: now).filter { ($0.server == .mongodb ? mongoDB : kafka).isReachable }.map { failure in
                    let time = now - failure.since
                    let since = StoredPosition.iso8601(milliseconds: WallClock.milliseconds() - Int64(time / .milliseconds(1)))
                    return Obstacle(what: "\(name) has failed at the same for \(time.readable), since \(since)", why: failure.reason)
                }
            }
    }
}
