import CKafka
import Runtime

/// Commits and aborts a producer's transactions on a thread of its own, so that the publisher continues encoding and
/// serving events: both wait for the reports of every record, which come through the queue that the publisher serves
/// (rdkafka.h, `rd_kafka_commit_transaction`).
package final class TransactionCompleter: Sendable {
    package enum Way: Sendable {
        case commit, abort
    }

    private enum State {
        case idle
        case asked(Way)
        case done(Result<Void, KafkaError>)
        case ended
    }

    /// One call may take this long; the same is called again until its outcome is known. The end of this thread waits
    /// for it.
    private static let callTime: Duration = .seconds(1)

    private let state = Monitor(State.idle)
    private let patience = Monitor(Patience())
    private let thread: LoopThread

    package init(client: KafkaClient) {
        let (state, patience) = (state, patience)
        // Until the thread has taken it: then the thread alone holds it, so that a thread that
        // waited for its end is the last to hold it.
        let handover = Monitor<KafkaClient?>(client)
        thread = LoopThread.start(name: "transaction") {
            guard let client = handover.update({ $0.take() }) else { return }
            Self.run(state, client) { error in patience.update { $0.error = error } }
        }
    }

    /// Begins to end the transaction. One at a time.
    package func start(_ way: Way) {
        patience.update { $0 = Patience() }
        state.update { $0 = .asked(way) }
    }

    /// Why the end that was begun takes so long; nil when it has not taken long, or when that was said within the last
    /// seconds.
    package func takeDelay() -> (any Error)? { isBusy ? patience.update { $0.takeDelay() } : nil }

    /// How long an end takes, and what librdkafka says to it.
    private struct Patience {
        private static let interval: Duration = .seconds(3)

        private let began: ContinuousClock.Instant = .now
        private var next: ContinuousClock.Instant = .now + interval
        /// What the newest call returned.
        var error: KafkaError?

        mutating func takeDelay() -> (any Error)? {
            guard .now >= next else { return nil }
            next = .now + Self.interval
            // A call whose time is over says no more than that.
            if let error, !error.isTimeout { return error }
            return WaitsFor(description: "Kafka has not ended a transaction for \(began.duration(to: .now).readable)", kind: .kafka)
        }
    }

    /// The outcome of what was begun; nil while it is on its way. Given once. The client is woken when it is there.
    package func takeResult() -> Result<Void, KafkaError>? {
        state.update { state in
            guard case .done(let result) = state else { return nil }
            state = .idle
            return result
        }
    }

    /// Aborts what is open, best effort: what stays open is aborted by the broker after `transaction.timeout.ms`, and
    /// until then keeps every reader of committed records waiting.
    ///
    /// - Parameter serve: serves the client's events for a moment.
    package func abandon(within limit: Duration, serving serve: () -> Void) {
        let deadline = ContinuousClock.now + limit
        func waitForResult() { while isBusy, .now < deadline { serve() } }
        // A commit may be on its way.
        waitForResult()
        guard .now < deadline else { return }
        start(.abort)
        waitForResult()
    }

    private var isBusy: Bool { state.read { if case .asked = $0 { true } else { false } } }

    /// After the call that is on its way.
    deinit {
        state.update { $0 = .ended }
        thread.join()
    }

    private static func run(_ state: Monitor<State>, _ client: KafkaClient, tell reported: (KafkaError) -> Void) {
        while true {
            let way = state.wait { state -> Way?? in
                switch state {
                case .asked(let way): .some(way)
                case .ended: .some(nil)
                case .idle, .done: nil
                }
            }
            guard let way else {
                // A client that goes while librdkafka 2.0.2 has partitions to add to a transaction fails an assertion,
                // which ends the process. One that has begun to abort adds none.
                _ = try? client.abortTransaction(timeout: lastAbortTime)
                return
            }
            let result = end(client, way, state) { error in reported(error) }
            state.update { if case .asked = $0 { $0 = .done(result) } }
            client.wake()
        }
    }

    /// A call that was not answered may have had its effect: only the same call tells (rdkafka.h: retriable errors).
    private static func end(
        _ client: KafkaClient, _ way: Way, _ state: Monitor<State>, tell: (KafkaError) -> Void
    ) -> Result<Void, KafkaError> {
        while true {
            let began = ContinuousClock.now
            do throws(KafkaError) {
                switch way {
                case .commit: try client.commitTransaction(timeout: callTime)
                case .abort: try client.abortTransaction(timeout: callTime)
                }
                return .success(())
            } catch {
                guard error.mayBeCalledAgain else { return .failure(error) }
                tell(error)
                // A call that fails at once would fail a thousand times a second.
                let pause = began.duration(to: .now) < pauseTime ? pauseTime : .zero
                if state.wait(within: pause, until: { if case .ended = $0 { true } else { false } }) { return .failure(error) }
            }
        }
    }

    private static let pauseTime: Duration = .milliseconds(50)
    /// Nobody serves the client any more, so the abort is begun and not waited for.
    private static let lastAbortTime: Duration = .milliseconds(100)
}
