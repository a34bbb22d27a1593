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
    struct Surroundings: Sendable {
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
        let halted: HaltedParts
        let stop: StopSignal
        let loops: LoopWatch
    }

    private let settings: DispatcherSettings
    private let surroundings: Surroundings
    package let status: DispatchStatus
    private let heartbeat: Heartbeat
    private let guardIndex: GuardIndexMaker
    private let logger: Logger

    init(settings: DispatcherSettings, surroundings: Surroundings, logger: Logger) {
        self.settings = settings
        self.surroundings = surroundings
        self.logger = logger
        status = DispatchStatus(dispatcher: settings.name, logger: logger)
        heartbeat = surroundings.loops.heartbeat(of: "dispatch \(settings.name)")
        guardIndex = GuardIndexMaker(dispatcher: settings, surroundings: surroundings, logger: logger)
    }

    /// - Throws: ``StreamHalt`` when the dispatcher cannot go on.
    package func run() async throws {
        let halt = await LoopThread.run(name: "dispatch \(settings.name)") { self.superviseUntilHaltedForGood() }
        if let halt { throw halt }
    }

    /// A dispatcher that has halted goes on when somebody asks for another try, as long as the process runs for the others.
    private func superviseUntilHaltedForGood() -> StreamHalt? {
        while let halt = supervise() {
            // Before the halt is told, so that no request that answers it is missed.
            let halted = surroundings.halted.begin()
            status.halted(halt)
            guard let mend = halted.awaitMend(surroundings.stop, every: .seconds(60)) else { return halt }
            status.goesOn(because: mend)
        }
        return nil
    }

    /// Runs sessions until a stop or a halt.
    private func supervise() -> StreamHalt? {
        var backoff = Backoff()
        defer { heartbeat.rest() }
        while !surroundings.stop.isRequested {
            let began = ContinuousClock.now
            heartbeat.beat()
            do {
                try session()
                return nil
            } catch {
                switch DispatchFailure(error, dispatcher: settings, of: surroundings.bridge, kafka: surroundings.kafka) {
                case .halt(let halt): return halt
                case .retry: status.mongoTrouble(error, of: .session)
                case .restart:
                    status.kafkaTrouble((error as? RecordRefused)?.error ?? error, of: .session)
                    surroundings.topics.forget()
                }
                if began.duration(to: .now) > Self.longSession { backoff.reset() }
                // What is waited for comes when it comes: nobody is spared anything by looking more seldom.
                if surroundings.stop.wait(for: error is WaitsFor ? Self.lookInterval : backoff.next()) { return nil }
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
            try surroundings.topics.ensure(topic, timeout: Self.answerTime)
        }
        let index = try heartbeat.resting { try guardIndex.ensure() }
        status.mongoAnswered()
        let context = DispatchContext(
            settings: settings, pool: surroundings.pool, deployment: surroundings.deployment, writeConcern: surroundings.writeConcern,
            guardIndex: index,
            instance: surroundings.instance, status: status, stop: surroundings.stop)
        if let resources = context.resources { try look(at: resources) }
        try DispatchSession(context: context, surroundings: surroundings, heartbeat: heartbeat, logger: logger).run()
    }

    private func look(at resources: ResourcePool) throws {
        let hasMembers = try heartbeat.resting {
            try surroundings.pool.withClient { client in
                do { return try PoolNames(pool: resources).check(of: client) } catch let unclear as PoolNames.Unclear { throw unclear.halt }
            }
        }
        if !hasMembers { logger.warning("the pool \(resources.pool) is empty: every command is rejected until it has members") }
    }
}
