/// State that several threads read and change under one lock, and whose changes they can wait for.
///
/// For threads that block, as all loops do; what nobody waits for is a `Mutex`.
package final class Monitor<State: Sendable>: @unchecked Sendable {
    // Safe: `state` is read and written under `condition`'s lock only, and what leaves the lock is sendable by itself.
    private let condition = MonotonicCondition()
    private var state: State

    package init(_ state: State) { self.state = state }

    /// Reads or changes the state, and wakes everyone who waits.
    @discardableResult
    package func update<Result, Failure: Error>(_ change: (inout State) throws(Failure) -> Result) throws(Failure) -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return try change(&state)
    }

    /// Reads the state.
    package func read<Result, Failure: Error>(_ body: (State) throws(Failure) -> Result) throws(Failure) -> Result {
        condition.lock()
        defer { condition.unlock() }
        return try body(state)
    }

    /// Waits until `take` gives something; it may change the state, which wakes the others.
    package func wait<Result>(_ take: (inout State) -> Result?) -> Result {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result = take(&state) {
                condition.broadcast()
                return result
            }
            condition.wait()
        }
    }

    /// Waits until `isReached`, but no longer than `limit`.
    ///
    /// - Returns: whether it was reached.
    package func wait(within limit: Duration, until isReached: (State) -> Bool) -> Bool {
        let deadline = MonotonicDeadline(after: limit)
        condition.lock()
        defer { condition.unlock() }
        while !isReached(state) {
            guard condition.wait(until: deadline) else { return isReached(state) }
        }
        return true
    }
}
