import Synchronization

/// Knows whether the loops of a bridge continue. Any thread.
///
/// A loop gives a sign of life at each turn; one that waits for something that may take as long as it likes (a server's
/// answer that somebody else looks after, the lead, room behind it) says so and is not judged meanwhile.
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
