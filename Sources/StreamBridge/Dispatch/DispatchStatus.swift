import Logging
import Synchronization

/// What a dispatcher is doing, for people: state, reason and counts. Any thread.
package final class DispatchStatus: Sendable {
    package struct Snapshot: Sendable {
        package var state: StreamStatus.State = .starting
        /// Why it retries or halted.
        package var reason: String?
        /// Answers that Kafka has stored, by status, since the process started; repeats included.
        package var outcomes: [String: Int] = [:]
        package var deadLetters = 0
        /// Partitions of the command topic that this member has.
        package var partitions = 0
        /// How often a document was offered again with another resource.
        package var reassignAttempts = 0

        /// All answers.
        package var answered: Int { outcomes.values.reduce(0, +) }
    }

    private struct Progress {
        var snapshot = Snapshot()
        var troubles = Troubles()
        /// When progress was told, and what had been answered by then.
        var told: (at: ContinuousClock.Instant, outcomes: [String: Int]) = (.now, [:])
    }

    /// While a dispatcher answers, the log says so this often.
    private static let progressInterval: Duration = .seconds(60)

    package let dispatcher: String
    private let logger: Logger
    private let state = Mutex(Progress())

    package init(dispatcher: String, logger: Logger) {
        self.dispatcher = dispatcher
        self.logger = logger
    }

    package var snapshot: Snapshot { state.withLock { $0.snapshot } }

    /// MongoDB answered.
    func mongoAnswered() { update { $0.troubles.mongoDB = nil } }

    /// MongoDB cannot be used now; the worker tries again.
    func mongoTrouble(_ error: any Error) { update { $0.troubles.mongoDB = $0.troubles.mongoDB ?? "\(error)" } }

    /// Kafka cannot be reached now; librdkafka or the session tries again.
    func kafkaTrouble(_ error: any Error) { update { $0.troubles.kafka = $0.troubles.kafka ?? "\(error)" } }

    /// Kafka works.
    func kafkaAnswered() { update { $0.troubles.kafka = nil } }

    /// Kafka stored answers.
    func answered(_ counts: [Outcome.Status: Int], deadLetters: Int) {
        update { state in
            for (status, count) in counts { state.snapshot.outcomes[status.rawValue, default: 0] += count }
            state.snapshot.deadLetters += deadLetters
            state.troubles.kafka = nil
        }
    }

    func reassigning(_ count: Int) { state.withLock { $0.snapshot.reassignAttempts += count } }

    func owns(partitions: Int) { update { $0.snapshot.partitions = partitions } }

    /// Says what was answered since the last time, once a minute, and nothing when there was nothing.
    func tellProgress() {
        let told: (time: Duration, counts: String)? = state.withLock { state in
            let time = state.told.at.duration(to: .now)
            guard time >= Self.progressInterval else { return nil }
            let counts = state.snapshot.outcomes.sorted { $0.key < $1.key }
                .compactMap { status, count -> String? in
                    let new = count - (state.told.outcomes[status] ?? 0)
                    return new > 0 ? "\(new) \(status)" : nil
                }
            state.told = (.now, state.snapshot.outcomes)
            return counts.isEmpty ? nil : (time, counts.joined(separator: ", "))
        }
        guard let told else { return }
        logger.info("answered in \(told.time.readable): \(told.counts)")
    }

    func halted(_ halt: StreamHalt) {
        state.withLock {
            $0.snapshot.state = .halted
            $0.snapshot.reason = halt.reason
        }
        logger.error("halted: \(halt)")
    }

    /// A halted dispatcher was mended.
    func goesOn(because reason: String) {
        state.withLock {
            $0.snapshot.state = .starting
            $0.snapshot.reason = nil
            $0.troubles = Troubles()
        }
        logger.notice("goes on after the halt: \(reason)")
    }

    /// Applies a change, and says so once when it begins or ends a trouble.
    private func update(_ change: (inout Progress) -> Void) {
        let line: Troubles.Line? = state.withLock { state in
            change(&state)
            guard state.snapshot.state != .halted else { return nil }
            state.snapshot.reason = state.troubles.reason
            state.snapshot.state =
                state.troubles.reason != nil ? .retrying : state.snapshot.partitions == 0 ? .standby : .streaming
            return state.troubles.takeLine(whoGoesOn: "the dispatcher", at: .now)
        }
        if let line { logger.log(level: line.level, "\(line.text)") }
    }
}
