import Foundation

/// Tells the loops to stop, and until when they may take to do it. One per bridge; any thread.
final class StopSignal: @unchecked Sendable {
    // Safe: every stored property is read and written under `condition`'s lock only.
    private let condition = NSCondition()
    private var deadlineOfStop: ContinuousClock.Instant?
    private var wakers: [Int: @Sendable () -> Void] = [:]
    private var nextWaker = 0

    /// Asks for a stop and wakes everyone who waits.
    ///
    /// - Parameter grace: how long the loops may finish what they hold. A second request changes nothing.
    func request(grace: Duration) {
        condition.lock()
        let isFirst = deadlineOfStop == nil
        if isFirst { deadlineOfStop = .now + grace }
        let wakers = wakers.values
        condition.broadcast()
        condition.unlock()
        if isFirst { for wake in wakers { wake() } }
    }

    /// Calls `wake` when a stop is asked for, while `body` runs; at once if it was already.
    func waking<Result, Failure: Error>(
        _ wake: @escaping @Sendable () -> Void, while body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let waker = add(wake)
        defer { remove(waker) }
        return try body()
    }

    private func add(_ wake: @escaping @Sendable () -> Void) -> Int {
        condition.lock()
        let isRequested = deadlineOfStop != nil
        nextWaker += 1
        wakers[nextWaker] = wake
        let waker = nextWaker
        condition.unlock()
        if isRequested { wake() }
        return waker
    }

    private func remove(_ waker: Int) {
        condition.lock()
        wakers[waker] = nil
        condition.unlock()
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
