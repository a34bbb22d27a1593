import Runtime
import Synchronization

/// Asks Kafka every few seconds whether it is there, on a thread of its own, for those who would not notice by
/// themselves: who stands by sends nothing.
package final class KafkaProbe: Sendable {
    private static let interval: Duration = .seconds(5)
    private static let answerTime: Duration = .seconds(5)

    private let admin: KafkaAdmin
    private let topic: String
    private let end = StopSignal()
    private let newest = Mutex<KafkaError?>(nil)

    /// - Parameter topic: what Kafka is asked about.
    package init(admin: KafkaAdmin, topic: String) {
        self.admin = admin
        self.topic = topic
    }

    /// Why the newest question was not answered; nil when it was.
    package var failure: String? { newest.withLock { $0 }.map { "\($0)" } }

    /// Asks until ``stop()``. Nobody waits for the thread.
    package func start() {
        _ = LoopThread.start(name: "watch kafka") { [self] in
            while !end.wait(for: Self.interval) {
                do throws(KafkaError) {
                    try admin.ping(about: topic, timeout: Self.answerTime)
                    newest.withLock { $0 = nil }
                } catch {
                    newest.withLock { $0 = error }
                }
            }
        }
    }

    package func stop() { end.request(grace: .zero) }
}
