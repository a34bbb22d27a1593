import Mongo
import Synchronization

/// The deployment's newest cluster time, as its answers to any stream tell it. Any thread.
final class ClusterClock: Sendable {
    private struct Reading {
        var newest: BSONTimestamp
        var toldAt: ContinuousClock.Instant
    }

    private let reading = Mutex<Reading?>(nil)

    /// The deployment has answered; members may know different times.
    func reported(_ time: BSONTimestamp, at now: ContinuousClock.Instant = .now) {
        reading.withLock { $0 = Reading(newest: max($0?.newest ?? time, time), toldAt: now) }
    }

    /// How far a cluster time is behind the newest one; grows with the clock from the last answer on. Nil before the
    /// first answer.
    ///
    /// Cluster times are whole seconds, so what is younger than a second is known by the clock alone.
    func age(of time: BSONTimestamp, at now: ContinuousClock.Instant = .now) -> Duration? {
        reading.withLock { $0 }.map { max(.zero, $0.newest - time) + max(.zero, now - $0.toldAt) }
    }
}
