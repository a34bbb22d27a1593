import Kafka
import Logging
import Mongo
import Runtime

/// Reaches both sides when a bridge starts, each until `timeout`.
struct BridgeStart: Sendable {
    let pool: MongoClientPool
    let admin: KafkaAdmin
    /// What Kafka is asked about.
    let topic: String
    let timeout: Duration
    let stop: StopSignal
    let logger: Logger
    /// Told while a server does not answer.
    private let waits: @Sendable (LoopCondition.Server, _ reason: String) -> Void
    /// What is wrong for good on one side needs no answer of the other.
    private let giveUp = StopSignal()

    init(
        pool: MongoClientPool, admin: KafkaAdmin, topic: String, timeout: Duration, stop: StopSignal, logger: Logger,
        waits: @escaping @Sendable (LoopCondition.Server, _ reason: String) -> Void
    ) {
        self.pool = pool
        self.admin = admin
        self.topic = topic
        self.timeout = timeout
        self.stop = stop
        self.logger = logger
        self.waits = waits
    }

    /// Both at once, so that an outage of one does not hide the other's.
    ///
    /// - Returns: nil when a stop came first.
    /// - Throws: what is wrong for good on either side, or ``Unreachable`` naming whom no answer came from.
    func reachBoth() async throws -> Deployment? {
        async let kafka = reachKafka()
        async let mongoDB = reachMongoDB()
        let failures = await [kafka.failure, mongoDB.failure].compactMap { $0 }
        if stop.isRequested { return nil }
        if let end = Unreachable.ending(failures) { throw end }
        return try await mongoDB.get()
    }

    private func reachMongoDB() async -> Result<Deployment, any Error> {
        await LoopThread.run(name: "reach mongodb") {
            var refusals = 0
            let deadline = ContinuousClock.now + timeout
            return retrying("MongoDB", .mongodb) {
                try BoundedCall.make(
                    of: pool, "reach MongoDB", within: limitOfAnswer(until: deadline), stop: stop,
                    isSlow: { waits(.mongodb, "\($0)") }
                ) { [pool] in try Deployment(of: pool) }
            } isFinal: { error in
                guard let error = error as? MongoError else { return true }
                if error.kind == .noClient { return false }
                // A connection that breaks during the login looks like a refusal: one alone is no proof.
                if error.kind == .authentication { refusals += 1 }
                return error.kind == .authentication ? refusals > 1 : error.kind != .serverSelection && error.kind != .network
            }
        }
    }

    /// The driver looks for a server first, and knows best why there is none: it is given the time to say so. Then it
    /// may take as long to connect.
    private func limitOfAnswer(until deadline: ContinuousClock.Instant) -> Duration {
        let search = pool.serverSelectionTime + .seconds(1)
        return min(max(deadline - .now, search), search + pool.serverSelectionTime, BoundedCallLimits.answer)
    }

    private func reachKafka() async -> Result<Void, any Error> {
        await LoopThread.run(name: "reach kafka") {
            retrying("Kafka", .kafka) {
                do throws(KafkaError) {
                    try admin.ping(about: topic, timeout: min(timeout, .seconds(2)))
                } catch {
                    if error.isOfController, case .halt(let halt) = StreamFailure(kafka: error) { throw halt }
                    throw error
                }
            } isFinal: { error in
                error is Halt
            }
        }
    }

    private func retrying<Success>(
        _ server: String, _ kind: LoopCondition.Server, _ body: () throws -> Success, isFinal: (any Error) -> Bool
    ) -> Result<Success, any Error> {
        let deadline = ContinuousClock.now + timeout
        var backoff = Backoff(cap: .seconds(1))
        var isFirst = true
        while true {
            do {
                return .success(try body())
            } catch {
                if isFinal(error) {
                    giveUp.request(grace: .zero)
                    return .failure(error)
                }
                waits(kind, "\(error)")
                let delay = backoff.next()
                let failure = ConnectionFailure(error)
                let reason = failure.reason
                logger.log(level: isFirst ? .warning : .debug, "waiting for \(server), up to \(timeout.readable): \(reason)")
                isFirst = false
                if .now + delay > deadline || stop.wait(for: delay) || giveUp.isRequested {
                    if let remedy = failure.remedy, failure.isOfConfiguration {
                        return .failure(Halt(reason: reason, remedy: remedy, status: .configuration))
                    }
                    return .failure(Unreachable(server: server, reason: reason, remedy: failure.remedy))
                }
            }
        }
    }
}
