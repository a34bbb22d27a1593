/// Tells the loops to stop, and until when they may take to do it. One per bridge; any thread.
package final class StopSignal: Sendable {
    private struct State {
        var deadline: ContinuousClock.Instant?
        var wakers: [Int: @Sendable () -> Void] = [:]
        var nextWaker = 0
    }

    private let state = Monitor(State())

    /// Asks for a stop and wakes everyone who waits.
    ///
    /// - Parameter grace: how long the loops may finish what they hold. A second request changes nothing.
    package func request(grace: Duration) {
        let wakers = state.update { state -> [@Sendable () -> Void] in
            guard state.deadline == nil else { return [] }
            state.deadline = .now + grace
            return Array(state.wakers.values)
        }
        for wake in wakers { wake() }
    }

    /// Calls `wake` when a stop is asked for, while `body` runs; at once if it was already.
    package func waking<Result, Failure: Error>(
        _ wake: @escaping @Sendable () -> Void, while body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let (waker, isRequested) = state.update { state in
            state.nextWaker += 1
            state.wakers[state.nextWaker] = wake
            return (state.nextWaker, state.deadline != nil)
        }
        defer { state.update { $0.wakers[waker] = nil } }
        if isRequested { wake() }
        return try body()
    }

    package var isRequested: Bool { deadline != nil }

    /// When the loops must be done, once a stop was asked for.
    package var deadline: ContinuousClock.Instant? { state.read { $0.deadline } }

    /// A stop was asked for and its grace is over.
    package var isOverdue: Bool { deadline.map { $0 <= .now } ?? false }

    /// Waits for `duration` or until a stop is asked for.
    ///
    /// - Returns: true when a stop was asked for.
    package func wait(for duration: Duration) -> Bool { state.wait(within: duration) { $0.deadline != nil } }

    package init() {}
}
