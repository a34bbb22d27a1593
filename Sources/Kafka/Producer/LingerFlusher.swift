import CKafka
import Runtime

/// Makes the linger adapt to the backlog: records wait for company while more are coming, and leave at once when none
/// is.
///
/// The producer has a linger of some milliseconds, so that a flood travels in large requests. When the publisher has
/// nothing more at hand, it calls ``flush()``, and `rd_kafka_flush` makes librdkafka treat the linger as over for as
/// long as that call lasts. It blocks until everything is acknowledged or its time is over, while the application
/// serves the event queue on another thread (rdkafka.h, `rd_kafka_flush`, the note on RD_KAFKA_EVENT_DR); hence a
/// thread of its own.
///
/// One such call need not suffice: a producer that has no connection yet, or whose requests are all on their way, can
/// send nothing while it lasts. So it is repeated until everything is acknowledged, or until ``cancel()`` says that
/// more records come.
///
/// No record waits out the linger because of a race: the publisher produces first and asks after it. Either the flush
/// that is running sees the record, or it has ended, and then the request that came after the record starts the next
/// one.
final class LingerFlusher: Sendable {
    /// What a flush may take, the first and the later ones. It ends by itself when everything is acknowledged, and a
    /// flood that begins meanwhile does without its linger for so long.
    private static let limits: (first: Duration, maximum: Duration) = (.milliseconds(10), .milliseconds(100))

    private struct State {
        /// Until the thread has taken it: then the thread alone holds it, so that a thread that
        /// waited for its end is the last to hold it.
        var client: KafkaClient?
        var isWanted = false
        /// No request has come since the last flush began.
        var isAnswered = false
        var isEnded = false
    }

    private let state: Monitor<State>
    private let thread: LoopThread

    init(client: KafkaClient) {
        let state = Monitor(State(client: client))
        self.state = state
        thread = LoopThread.start(name: "flush") { Self.run(state) }
    }

    /// What was produced so far need not wait for more. Returns at once.
    func flush() {
        state.update {
            $0.isWanted = true
            $0.isAnswered = false
        }
    }

    /// More records come, which may wait for company again. Returns at once.
    func cancel() { state.update { $0.isWanted = false } }

    /// Ends the thread. Before the producer goes.
    func end() {
        state.update { $0.isEnded = true }
        thread.join()
    }

    private static func run(_ state: Monitor<State>) {
        guard let client = state.update({ $0.client.take() }) else { return }
        var limit = limits.first
        while true {
            if state.read({ !$0.isWanted }) { limit = limits.first }
            let isEnded = state.wait { state -> Bool? in
                guard !state.isEnded else { return true }
                guard state.isWanted else { return nil }
                state.isAnswered = true
                return false
            }
            if isEnded { return }
            let isDone = rd_kafka_flush(client.handle, limit.milliseconds) == RD_KAFKA_RESP_ERR_NO_ERROR
            // A request that came meanwhile may be for a record that this flush has not seen.
            state.update { if isDone, $0.isAnswered { $0.isWanted = false } }
            limit = min(limit * 2, limits.maximum)
        }
    }
}
