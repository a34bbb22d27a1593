import Kafka
import Logging
import Mongo
import Runtime

/// One dispatcher: a member of its consumer group that carries out commands and answers them, until a stop or a halt.
///
/// ``run()`` suspends while its threads work: this loop's own, which keeps the membership and commits offsets, the workers, the publisher,
/// and the feed of free resources.
package final class DispatchLoop: Sendable {
    /// What all dispatchers of a bridge share.
    struct Dependencies: Sendable {
        let bridge: String
        /// Clients whose calls end soon.
        let pool: MongoClientPool
        /// Clients with patience for a getMore that scans for long.
        let patientPool: MongoClientPool
        let deployment: Deployment
        let writeConcern: WriteConcern
        let topics: TopicCatalog
        let kafka: KafkaSettings
        let memory: StreamMemory
        let instance: String
        let halted: HaltRegistry
        let stop: StopSignal
        let loops: Watchdog
    }

    private let settings: DispatcherSettings
    private let dependencies: Dependencies
    package let status: DispatchStatus
    private let heartbeat: Heartbeat
    private let guardIndex: GuardIndexMaker
    private let logger: Logger

    init(settings: DispatcherSettings, dependencies: Dependencies, logger: Logger) {
        self.settings = settings
        self.dependencies = dependencies
        self.logger = logger
        status = DispatchStatus(dispatcher: settings.name, logger: logger)
        heartbeat = dependencies.loops.heartbeat(of: "dispatch \(settings.name)")
        guardIndex = GuardIndexMaker(dispatcher: settings, dependencies: dependencies, logger: logger)
    }

    /// - Throws: ``Halt`` when the dispatcher cannot go on.
    package func run() async throws {
        let halt = await LoopThread.run(name: "dispatch \(settings.name)") { self.superviseUntilHaltedForGood() }
        if let halt { throw halt }
    }

    /// A dispatcher that has halted goes on when somebody asks for another try, as long as the process runs for the others.
    private func superviseUntilHaltedForGood() -> Halt? {
        while let halt = supervise() {
            // Before the halt is told, so that no request that answers it is missed.
            let halted = dependencies.halted.begin()
            status.halted(halt)
            guard let remedy = halted.awaitMend(dependencies.stop, every: .seconds(60)) else { return halt }
            status.goesOn(because: remedy)
        }
        return nil
    }

    /// Runs sessions until a stop or a halt.
    private func supervise() -> Halt? {
        var backoff = Backoff()
        defer { heartbeat.rest() }
        while !dependencies.stop.isRequested {
            let began = ContinuousClock.now
            heartbeat.beat()
            do {
                try session()
                return nil
            } catch {
                switch DispatchFailure(error, dispatcher: settings, of: dependencies.bridge, kafka: dependencies.kafka) {
                case .halt(let halt): return halt
                case .retry: status.mongoFailed(error, of: .session)
                case .restart:
                    status.kafkaFailed((error as? RecordRefused)?.error ?? error, of: .session)
                    dependencies.topics.forget()
                }
                if began.duration(to: .now) > Self.longSession { backoff.reset() }
                // What is waited for comes when it comes: nobody is spared anything by looking more seldom.
                if dependencies.stop.wait(for: error is WaitsFor ? Self.lookInterval : backoff.next()) { return nil }
            }
        }
        return nil
    }

    private static let lookInterval: Duration = .seconds(1)

    private static let longSession: Duration = .seconds(30)
    private static let answerTime: Duration = .seconds(5)

    /// Makes sure of everything that the commands need, joins the group, and works.
    private func session() throws {
        for topic in [settings.commands, settings.outcomes, settings.deadLetters] {
            heartbeat.beat()
            try dependencies.topics.ensure(topic, timeout: Self.answerTime)
        }
        let index = try heartbeat.resting { try guardIndex.ensure() }
        status.mongoAnswered()
        let context = DispatchContext(
            settings: settings, pool: dependencies.pool, deployment: dependencies.deployment, writeConcern: dependencies.writeConcern,
            guardIndex: index,
            instance: dependencies.instance, status: status, stop: dependencies.stop)
        if let resources = context.resources { try look(at: resources) }
        try DispatchSession(context: context, dependencies: dependencies, heartbeat: heartbeat, logger: logger).run()
    }

    private func look(at resources: ResourcePool) throws {
        let hasMembers = try heartbeat.resting {
            try dependencies.pool.withClient { client in
                do { return try PoolNames(pool: resources).check(of: client) } catch let unclear as PoolNames.Unclear { throw unclear.halt }
            }
        }
        if !hasMembers { logger.warning("the pool \(resources.pool) is empty: every command is rejected until it has members") }
    }
}
