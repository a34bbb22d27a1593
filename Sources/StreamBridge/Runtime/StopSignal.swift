import Foundation

/// Tells the loops to stop, and until when they may take to do it. One per bridge; any thread.
final class StopSignal: @unchecked Sendable {
    // Safe: every stored property is read and written under `condition`'s lock only.
    private let condition = NSCondition()
    private var deadlineOfStop: ContinuousClock.Instant?
    private var wakers: [@Sendable () -> Void] = []

    /// Asks for a stop and wakes everyone who waits.
    ///
    /// - Parameter grace: how long the loops may finish what they hold. A second request changes nothing.
    func request(grace: Duration) {
        condition.lock()
        let isFirst = deadlineOfStop == nil
        if isFirst { deadlineOfStop = .now + grace }
        let wakers = wakers
        condition.broadcast()
        condition.unlock()
        if isFirst { for wake in wakers { wake() } }
    }

    /// Calls `wake` when a stop is asked for; at once if it was already.
    func onRequest(_ wake: @escaping @Sendable () -> Void) {
        condition.lock()
        let isRequested = deadlineOfStop != nil
        if !isRequested { wakers.append(wake) }
        condition.unlock()
        if isRequested { wake() }
    }

    var isRequested: Bool { deadline != nil }

    /// When the loops must be done, once a stop was asked for.
    var deadline: ContinuousClock.Instant? {
        condition.lock()
        defer { condition.unlock() }
        return deadlineOfStop
    }

    /// A stop was asked for and its grace is over.
    var isOverdue: Bool { deadline.map { $0 <= .now } ?? false }

    /// Waits for `duration` or until a stop is asked for.
    ///
    /// - Returns: true when a stop was asked for.
    func wait(for duration: Duration) -> Bool {
        let (seconds, attoseconds) = duration.components
        let end = Date(timeIntervalSinceNow: Double(seconds) + Double(attoseconds) / 1e18)
        condition.lock()
        defer { condition.unlock() }
        while deadlineOfStop == nil {
            guard condition.wait(until: end) else { break }
        }
        return deadlineOfStop != nil
    }
}
