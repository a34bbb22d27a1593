import Runtime

/// What a worker has in its hands, for the consumer that has to give partitions up: it waits until nothing of theirs is
/// left.
final class InFlightPartitions: Sendable {
    private struct State {
        /// Counts how often the worker began to take or to work.
        var turn = 0
        /// Partitions of the records in hand; nil while the worker takes records and has none, or some that it has not
        /// told yet.
        var held: Set<Int32>?
        /// Partitions whose commands the worker is to let go of, done or not.
        var abandoned: Set<Int32> = []
        /// Counts what may end a wait early.
        var pokes = 0
        var isGone = false
    }

    private let state = Monitor(State())

    // MARK: The worker's side

    /// The hands are empty; records are taken next.
    func take() {
        state.update {
            $0.turn += 1
            $0.held = nil
        }
    }

    /// Records of these partitions were taken.
    func hold(_ partitions: Set<Int32>) {
        state.update {
            $0.turn += 1
            $0.held = partitions
        }
    }

    /// Partitions in hand to let go of. They are not in hand any more when this returns.
    func release() -> Set<Int32> {
        state.update { state in
            let gone = state.abandoned.intersection(state.held ?? [])
            state.held?.subtract(gone)
            return gone
        }
    }

    /// The worker has ended.
    func leave() { state.update { $0.isGone = true } }

    /// Waits for `duration`, or until ``poke()`` or something to let go of.
    func wait(for duration: Duration) {
        let pokes = state.read { $0.pokes }
        _ = state.wait(within: duration) { $0.pokes != pokes || !$0.abandoned.isDisjoint(with: $0.held ?? []) }
    }

    // MARK: The consumer's side. Any thread.

    /// Ends a wait.
    func wake() { state.update { $0.pokes += 1 } }

    /// Waits until the worker has nothing of `partitions` in hand, at most `limit`. Their records must not come to it
    /// any more.
    ///
    /// A worker that takes records when this begins may just have got some that it has not told yet: it took one before
    /// the partition was paused, and ``hold(_:)`` comes after. So one that is taking has to begin another turn before
    /// its hands count.
    ///
    /// - Returns: whether it is so.
    func await(emptyOf partitions: Set<Int32>, within limit: Duration, wake: () -> Void) -> Bool {
        let (turn, isTaking) = state.read { ($0.turn, $0.held == nil) }
        wake()
        return state.wait(within: limit) { state in
            if state.isGone { return true }
            guard !isTaking || state.turn > turn else { return false }
            return state.held?.isDisjoint(with: partitions) ?? true
        }
    }

    /// The worker is to let go of what it has of these partitions.
    func abandon(_ partitions: Set<Int32>) { state.update { $0.abandoned.formUnion(partitions) } }

    /// The partitions are the worker's again.
    func accept(_ partitions: Set<Int32>) { state.update { $0.abandoned.subtract(partitions) } }
}
