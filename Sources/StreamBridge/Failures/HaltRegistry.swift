import Runtime

/// The streams and dispatchers of a bridge that have halted. One may be fixed and continue as long as the process has
/// something else to do; when all have halted, the process ends.
final class HaltRegistry: Sendable {
    private struct State {
        /// Parts that have not halted.
        var goingOn: Int
        /// Halted parts that are looking just now whether they are fixed.
        var looking = 0
        /// How often somebody has asked the halted ones to try again.
        var requests = 0
    }

    private let count: Int
    private let state: Monitor<State>

    /// - Parameter count: streams and dispatchers.
    init(of count: Int) {
        self.count = count
        state = Monitor(State(goingOn: count))
    }

    /// Lets every part that has halted try again. Any thread.
    ///
    /// - Returns: how many those are.
    @discardableResult func tryAgain() -> Int {
        state.update { state in
            state.requests += 1
            return count - state.goingOn
        }
    }

    /// A part has halted. Taken before the halt is told, so that no request that answers it is missed. Any thread.
    func begin() -> Halted {
        state.update { state in
            state.goingOn -= 1
            return Halted(parts: self, seen: state.requests)
        }
    }

    /// A part that has halted.
    struct Halted: Sendable {
        fileprivate let parts: HaltRegistry
        /// How often somebody had asked before.
        fileprivate let seen: Int

        /// Waits until the part may try again. Blocks.
        ///
        /// - Parameters:
        ///   - interval: between two looks.
        ///   - fix: looks, and says what was fixed.
        /// - Returns: why it may try again; nil when a stop came first, or when every other part has halted, too.
        func awaitMend(_ stop: StopSignal, every interval: Duration, _ remedy: () -> String? = { nil }) -> String? {
            parts.awaitMend(stop, since: seen, every: interval, remedy)
        }
    }

    private func awaitMend(_ stop: StopSignal, since seen: Int, every interval: Duration, _ remedy: () -> String?) -> String? {
        return stop.waking({ [state] in state.update { _ in } }) {
            while true {
                // A part that finds that it is fixed keeps the process going for the others.
                let isOver = state.wait(within: interval) {
                    $0.requests != seen || $0.goingOn <= 0 && $0.looking == 0 || stop.isRequested
                }
                if stop.isRequested { return nil }
                let isAsked = state.update { state in
                    state.looking += 1
                    return state.requests != seen
                }
                let reason = isAsked ? "asked to try again" : isOver ? nil : remedy()
                state.update { state in
                    state.looking -= 1
                    if reason != nil { state.goingOn += 1 }
                }
                if reason != nil { return reason }
                if isOver { return nil }
            }
        }
    }
}
