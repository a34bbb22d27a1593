import Logging
import Runtime
import Synchronization

/// What a dispatcher is doing, for people and for figures: state, reason and counts. Any thread.
package final class DispatchStatus: Sendable {
    package struct Snapshot: Sendable {
        package var condition = LoopCondition()
        /// Answers that Kafka has stored, by status, since the process started; repeats included.
        package var outcomes: [String: Int] = [:]
        package var deadLetters = 0
        /// Partitions of the command topic that this member has.
        package var partitions = 0
        /// How often a document was offered again with another resource.
        package var reassignAttempts = 0
        package var figures = DispatchFigures()
        /// Nothing while no session runs.
        package var load: DispatchLoad?

        package var state: LoopCondition.State { condition.state }
        /// Why it retries or halted.
        package var reason: String? { condition.reason }

        /// All answers.
        package var answered: Int { outcomes.values.reduce(0, +) }
    }

    private struct Progress {
        var snapshot = Snapshot()
        /// When progress was told, and what had been answered by then.
        var reported: (at: ContinuousClock.Instant, outcomes: [String: Int]) = (.now, [:])
    }

    /// While a dispatcher answers, the log says so this often.
    private static let progressInterval: Duration = .seconds(60)

    package let dispatcher: String
    private let logger: Logger
    private let state = Mutex(Progress())
    private let gauge = SessionGauge<DispatchLoad>()

    package init(dispatcher: String, logger: Logger) {
        self.dispatcher = dispatcher
        self.logger = logger
    }

    package var snapshot: Snapshot {
        var snapshot = state.withLock { $0.snapshot }
        snapshot.load = gauge.load
        return snapshot
    }

    /// MongoDB answered.
    func mongoAnswered(_ actor: FailingAttempts.Actor = .loop) { update { $0.snapshot.condition.answered(by: .mongodb, to: actor) } }

    /// MongoDB cannot be used now; the caller tries again.
    func mongoFailed(_ error: any Error, of actor: FailingAttempts.Actor = .loop) {
        update { $0.snapshot.condition.trouble(with: .mongodb, error, of: actor) }
    }

    /// A worker has carried out all that it had in hand.
    func carriedOut(by worker: Int) {
        update {
            $0.snapshot.condition.progressed(.worker(worker))
            $0.snapshot.condition.progressed(.commands(worker))
            $0.snapshot.condition.progressed(.loop, with: .mongodb)
        }
    }

    /// What a worker asked of MongoDB is not its to ask any more. Another one whose trouble lasts says so again.
    func abandonedMongo() { update { $0.snapshot.condition.forgetMongoDB() } }

    /// Kafka cannot be reached now; librdkafka or the session tries again.
    func kafkaFailed(_ error: any Error, of actor: FailingAttempts.Actor = .loop) {
        update { $0.snapshot.condition.trouble(with: .kafka, error, of: actor) }
    }

    /// Kafka works.
    func kafkaAnswered() { update { $0.snapshot.condition.answered(by: .kafka) } }

    /// A worker took commands.
    func took(commands count: Int) { state.withLock { $0.snapshot.figures.count(batchOf: count) } }

    /// Kafka stored answers.
    ///
    /// - Parameter newest: the newest of the outcomes, the newest last.
    func answered(_ counts: [Outcome.Status: Int], deadLetters: Int, newest: [Outcome]) {
        update { state in
            for (status, count) in counts { state.snapshot.outcomes[status.rawValue, default: 0] += count }
            state.snapshot.deadLetters += deadLetters
            state.snapshot.figures.count(outcomes: counts.values.reduce(0, +), newest: newest, at: .now)
            state.snapshot.condition.answered(by: .kafka)
            state.snapshot.condition.progressed(.loop, with: .kafka)
            state.snapshot.condition.progressed(.session)
        }
    }

    /// Answers and offsets, or offsets alone, were committed.
    func committed(in time: Duration) { state.withLock { $0.snapshot.figures.count(commitOf: time) } }

    func reassigning(_ count: Int) { state.withLock { $0.snapshot.reassignAttempts += count } }

    /// A member without partitions asks nothing of MongoDB.
    func owns(partitions: Int) {
        update {
            $0.snapshot.partitions = partitions
            if partitions == 0 { $0.snapshot.condition.forgetMongoDB() }
        }
    }

    /// While `body` runs, `load` tells what the session knows.
    func measuring<Result>(_ load: @escaping @Sendable () -> DispatchLoad, while body: () throws -> Result) rethrows -> Result {
        try gauge.measuring(load, while: body)
    }

    /// Says what was answered since the last time, once a minute, and nothing when there was nothing.
    func logProgress() {
        let reported: (time: Duration, counts: String)? = state.withLock { state in
            let time = state.reported.at.duration(to: .now)
            guard time >= Self.progressInterval else { return nil }
            let counts = state.snapshot.outcomes.sorted { $0.key < $1.key }
                .compactMap { status, count -> String? in
                    let new = count - (state.reported.outcomes[status] ?? 0)
                    return new > 0 ? "\(new) \(status)" : nil
                }
            state.reported = (.now, state.snapshot.outcomes)
            return counts.isEmpty ? nil : (time, counts.joined(separator: ", "))
        }
        guard let reported else { return }
        logger.info("answered in \(reported.time.readable): \(reported.counts)")
    }

    func halted(_ halt: Halt) {
        state.withLock { $0.snapshot.condition.halt(halt) }
        logger.error("halted: \(halt)")
    }

    /// A halted dispatcher was fixed.
    func goesOn(because remedy: String) {
        state.withLock { $0.snapshot.condition.resume() }
        logger.notice("continues after the halt: \(remedy)")
    }

    /// Applies a change, and says so once when it begins or ends a trouble.
    private func update(_ change: (inout Progress) -> Void) {
        let line: Outages.Line? = state.withLock { state in
            change(&state)
            let activity: LoopCondition.State = state.snapshot.partitions == 0 ? .standby : .streaming
            return state.snapshot.condition.settle(activity, subject: "the dispatcher", at: .now)
        }
        if let line { logger.log(level: line.level, "\(line.text)") }
    }
}
