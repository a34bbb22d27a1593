import Synchronization

/// One loop's sign of life. The loop's own thread gives it; any thread may look.
package final class Heartbeat: Sendable {
    /// As the threads are named: `publish inventory`.
    let loop: String
    private let start: ContinuousClock.Instant
    /// Nanoseconds after `start`.
    private let last = Atomic<Int64>(Heartbeat.atRest)
    private static let atRest = Int64.min

    init(loop: String, start: ContinuousClock.Instant = .now) {
        self.loop = loop
        self.start = start
    }

    /// The loop continues.
    package func beat(at now: ContinuousClock.Instant = .now) {
        last.store(Int64(start.duration(to: now) / .nanoseconds(1)), ordering: .relaxed)
    }

    /// The loop has ended, or waits for something that may take as long as it likes.
    package func rest() { last.store(Self.atRest, ordering: .relaxed) }

    /// Waits for something that may take as long as it likes.
    package func resting<Result, Failure: Error>(_ wait: () throws(Failure) -> Result) throws(Failure) -> Result {
        rest()
        defer { beat() }
        return try wait()
    }

    /// Nil at rest.
    var lastBeat: ContinuousClock.Instant? {
        let last = last.load(ordering: .relaxed)
        return last == Self.atRest ? nil : start + .nanoseconds(last)
    }
}
