import Kafka
import Logging
import Mongo
import Runtime

/// One dispatcher: a member of its consumer group that carries out commands and answers them, until a stop or a halt.
///
/// ``run()`` suspends while its threads work: this loop's own, which keeps the membership and commits offsets, the
/// workers, the publisher, and the feed of free resources.
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

    /// - Throws: ``Halt`` when the dispatcher cannot continue.
    package func run() async throws {
        let supervisor = LoopSupervisor(stop: dependencies.stop, registry: dependencies.halted, heartbeat: heartbeat)
        let halt = await LoopThread.run(name: "dispatch \(settings.name)") {
            supervisor.run(session: self.session, pause: self.pause, halted: self.status.halted, resumed: self.status.goesOn)
        }
        if let halt { throw halt }
    }

    /// What an error of a session means: the time before the next one, nil for the backoff's.
    private func pause(after error: any Error) throws(Halt) -> Duration? {
        switch DispatchFailure(error, dispatcher: settings, of: dependencies.bridge, kafka: dependencies.kafka) {
        case .halt(let halt): throw halt
        case .retry: status.mongoFailed(error, of: .session)
        case .restart:
            status.kafkaFailed((error as? RecordRefused)?.error ?? error, of: .session)
            dependencies.topics.forget()
        }
        // What is waited for comes when it comes: nobody is spared anything by looking more seldom.
        return error is WaitsFor ? .seconds(1) : nil
    }

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
