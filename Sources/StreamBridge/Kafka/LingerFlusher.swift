import CKafka
import Foundation

/// Makes the linger adapt to the backlog: records wait for company while more are coming, and leave at once when none is.
///
/// The producer has a linger of some milliseconds, so that a flood travels in large requests. When the publisher has nothing more at hand, it
/// calls ``flush()``, and `rd_kafka_flush` makes librdkafka treat the linger as over for as long as that call lasts. It blocks until
/// everything is acknowledged or its time is over, while the application serves the event queue on another thread (rdkafka.h,
/// `rd_kafka_flush`, the note on RD_KAFKA_EVENT_DR); hence a thread of its own.
///
/// No record waits out the linger because of a race: the publisher produces first and asks after it. Either the flush that is running sees
/// the record, or it has ended, and then the request that came after the record starts the next one.
final class LingerFlusher: @unchecked Sendable {
    // Safe: the two flags are read and written under `condition`'s lock only; `client` is thread-safe.

    /// What one flush may take. It ends by itself when everything is acknowledged; with a distant broker, the records are on their way long
    /// before.
    private static let limit: Duration = .milliseconds(10)

    private let client: KafkaClient
    private let condition = NSCondition()
    private var isWanted = false
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
        condition.signal()
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
        condition.lock()
        while !isEnded {
            guard isWanted else {
                condition.wait()
                continue
            }
            isWanted = false
            condition.unlock()
            // Its result says only whether everything was acknowledged in time, which the delivery reports tell anyway.
            _ = rd_kafka_flush(client.handle, Self.limit.milliseconds)
            condition.lock()
        }
        condition.unlock()
    }
}
