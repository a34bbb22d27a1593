import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct SessionGaugeTests {
    /// The reader of the gauge may be the last one to hold what belongs to the session, such as a client of Kafka, and
    /// would have to wait for its end.
    @Test func aSessionDoesNotEndWhileItsGaugeIsRead() async throws {
        let status = StreamStatus(stream: "fruits", logger: .silent)
        let progress = Monitor((isLooking: false, hasEnded: false, hasSeen: false))
        let load: @Sendable () -> StreamLoad = {
            progress.update { $0.isLooking = true }
            // Long enough for a session that would not wait.
            let hasEnded = progress.wait(within: .milliseconds(500)) { $0.hasEnded }
            progress.update { $0.hasSeen = !hasEnded }
            return StreamLoad(events: 1, bytes: 2, limitBytes: 3, unacknowledged: 4)
        }
        status.measuring(load) {
            _ = LoopThread.start(name: "look") { _ = status.snapshot }
            _ = progress.wait(within: Patience.limit) { $0.isLooking }
        }
        progress.update { $0.hasEnded = true }
        let hasSeen = progress.read { $0.hasSeen }
        #expect(hasSeen)
        #expect(status.snapshot.load == nil)
    }
}
