import CKafka
import Foundation

/// Makes the linger adapt to the backlog: records wait for company while more are coming, and leave at once when none is.
///
/// The producer has a linger of some milliseconds, so that a flood travels in large requests. When the publisher has nothing more at hand, it
/// calls ``flush()``, and `rd_kafka_flush` makes librdkafka treat the linger as over for as long as that call lasts. It blocks until
/// everything is acknowledged or its time is over, while the application serves the event queue on another thread (rdkafka.h,
/// `rd_kafka_flush`, the note on RD_KAFKA_EVENT_DR); hence a thread of its own.
///
/// One such call need not suffice: a producer that has no connection yet, or whose requests are all on their way, can send nothing while it
/// lasts. So it is repeated until everything is acknowledged, or until ``cancel()`` says that more records come.
///
/// No record waits out the linger because of a race: the publisher produces first and asks after it. Either the flush that is running sees
/// the record, or it has ended, and then the request that came after the record starts the next one.
final class LingerFlusher: @unchecked Sendable {
    // Safe: the stored properties that change are read and written under `condition`'s lock only; a client is thread-safe.

    /// What a flush may take, the first and the later ones. It ends by itself when everything is acknowledged, and a flood that begins
    /// meanwhile does without its linger for so long.
    private static let limits: (first: Duration, most: Duration) = (.milliseconds(10), .milliseconds(100))

    private let condition = NSCondition()
    /// Nil when the thread has ended: whoever waited for that is the last to hold it.
    private var client: KafkaClient?
    private var isWanted = false
    /// No request has come since the last flush began.
    private var isAnswered = false
    private var isEnded = false
    private var thread: LoopThread?

    init(client: KafkaClient) {
        self.client = client
        thread = LoopThread.start(name: "flush") { [self] in run() }
    }

    /// What was produced so far need not wait for more. Returns at once.
    func flush() {
        condition.lock()
        isWanted = true
        isAnswered = false
        condition.signal()
        condition.unlock()
    }

    /// More records come, which may wait for company again. Returns at once.
    func cancel() {
        condition.lock()
        isWanted = false
        condition.unlock()
    }

    /// Ends the thread. Before the producer goes.
    func end() {
        condition.lock()
        isEnded = true
        condition.signal()
        condition.unlock()
        thread?.join()
        thread = nil
    }

    private func run() {
        var limit = Self.limits.first
        condition.lock()
        while !isEnded, let client {
            guard isWanted else {
                limit = Self.limits.first
                condition.wait()
                continue
            }
            isAnswered = true
            condition.unlock()
            let isDone = rd_kafka_flush(client.handle, limit.milliseconds) == RD_KAFKA_RESP_ERR_NO_ERROR
            condition.lock()
            // A request that came meanwhile may be for a record that this flush has not seen.
            if isDone, isAnswered { isWanted = false }
            limit = min(limit * 2, Self.limits.most)
        }
        client = nil
        condition.unlock()
    }
}
