import Runtime

/// Completions that the workers of one dispatcher have in hand. Any thread.
///
/// Workers carry out hundreds of commands at once, so a batch may hold far more resources for a moment than its
/// commands would one after another. A worker that finds nothing free therefore waits for what the others are about to
/// free, before a command is rejected for it.
///
/// No two wait for each other: only those that do not wait themselves are waited for. Of two workers that both begin to
/// wait, the second one sees the first one waiting.
final class PendingCompletions: Sendable {
    private struct State {
        /// By worker.
        var open: [Int: Int] = [:]
        var waiting: Set<Int> = []
        var changes = 0

        func hasOthers(than worker: Int) -> Bool { open.contains { $0.value > 0 && $0.key != worker && !waiting.contains($0.key) } }
    }

    private let state = Monitor(State())

    /// A worker has `count` completions left to do.
    func set(_ count: Int, of worker: Int) {
        guard state.read({ $0.open[worker] ?? 0 }) != count else { return }
        state.update {
            $0.open[worker] = count
            $0.changes += 1
        }
    }

    /// Waits until another worker has done some of its completions, at most `limit`.
    ///
    /// - Returns: whether it makes sense to look for free resources again, and to wait again; false when no other
    ///   worker is about to free any.
    func awaitChange(by worker: Int, within limit: Duration) -> Bool {
        let changes: Int? = state.update {
            guard $0.hasOthers(than: worker) else { return nil }
            $0.waiting.insert(worker)
            return $0.changes
        }
        guard let changes else { return false }
        defer { state.update { _ = $0.waiting.remove(worker) } }
        _ = state.wait(within: limit) { $0.changes != changes || !$0.hasOthers(than: worker) }
        return true
    }
}
