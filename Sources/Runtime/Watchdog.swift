import Synchronization

/// Knows whether the loops of a bridge go on. Any thread.
///
/// A loop gives a sign of life at each turn; one that waits for something that may take as long as it likes (a server's answer that somebody
/// else looks after, the lead, room behind it) says so and is not judged meanwhile.
package final class Watchdog: Sendable {
    /// A loop that has not moved for so long is stuck. Longer than any single call that a loop makes while it is awake.
    static let patience: Duration = .seconds(60)

    package struct StuckLoop: Equatable {
        package let name: String
        package let time: Duration
    }

    private struct Entry {
        weak var heartbeat: Heartbeat?
    }

    private let entries = Mutex<[Entry]>([])

    /// A loop to watch, until nobody keeps what is returned. It is at rest until its first beat.
    package func heartbeat(of loop: String) -> Heartbeat {
        let heartbeat = Heartbeat(loop: loop)
        entries.withLock { entries in
            entries.removeAll { $0.heartbeat == nil }
            entries.append(Entry(heartbeat: heartbeat))
        }
        return heartbeat
    }

    /// The loops that have not moved for ``patience``.
    package func stuckLoops(at now: ContinuousClock.Instant = .now) -> [StuckLoop] {
        entries.withLock { $0.compactMap(\.heartbeat) }.compactMap { heartbeat in
            guard let last = heartbeat.lastBeat, now - last > Self.patience else { return nil }
            return StuckLoop(name: heartbeat.loop, time: now - last)
        }
    }

    package init() {}
}

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

    /// The loop goes on.
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
