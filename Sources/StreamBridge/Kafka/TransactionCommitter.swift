import CKafka

/// Commits a producer's transactions on a thread of its own, so that the publisher goes on encoding and serving events: a commit waits for the
/// delivery of every record, and their reports come through the queue that the publisher serves (rdkafka.h, `rd_kafka_commit_transaction`).
final class TransactionCommitter: Sendable {
    private enum State {
        case idle
        case asked
        case done(Result<Void, KafkaError>)
        case ended
    }

    /// One call may take this long; the same is called again until its outcome is known.
    private static let callTime: Duration = .seconds(5)

    private let state = Monitor(State.idle)
    private let thread: LoopThread

    init(client: KafkaClient) {
        let state = state
        // The thread alone holds the client meanwhile, so that whoever waits for its end is the last to hold it.
        thread = LoopThread.start(name: "commit") { Self.run(state, client) }
    }

    /// Begins to commit. One at a time.
    func start() { state.update { $0 = .asked } }

    /// The outcome of the commit that was begun; nil while it is on its way. Given once.
    func takeResult() -> Result<Void, KafkaError>? {
        state.update { state in
            guard case .done(let result) = state else { return nil }
            state = .idle
            return result
        }
    }

    /// Ends the thread, after the call that is on its way.
    func end() {
        state.update { $0 = .ended }
        thread.join()
    }

    private static func run(_ state: Monitor<State>, _ client: KafkaClient) {
        while true {
            let isEnded = state.wait { state -> Bool? in
                switch state {
                case .asked: false
                case .ended: true
                case .idle, .done: nil
                }
            }
            if isEnded { return }
            let result = commit(client, unless: { state.read { if case .ended = $0 { true } else { false } } })
            state.update { if case .asked = $0 { $0 = .done(result) } }
            client.wake()
        }
    }

    /// A commit that was not answered may have happened: only the same call tells (rdkafka.h: retriable errors).
    private static func commit(_ client: KafkaClient, unless isEnded: () -> Bool) -> Result<Void, KafkaError> {
        while true {
            do throws(KafkaError) {
                return .success(try client.commitTransaction(timeout: callTime))
            } catch {
                guard error.isRetriable, !error.isFatal, !error.requiresAbort, !isEnded() else { return .failure(error) }
            }
        }
    }
}
