/// The streams and dispatchers of a bridge that have halted. One may be mended and go on as long as the process has something else to do; when all have halted,
/// the process ends.
final class HaltedParts: Sendable {
    private struct State {
        /// Parts that have not halted.
        var goingOn: Int
        /// How often somebody has asked the halted ones to try again.
        var requests = 0
    }

    private let state: Monitor<State>

    /// - Parameter count: streams and dispatchers.
    init(of count: Int) { state = Monitor(State(goingOn: count)) }

    /// Lets every part that has halted try again. Any thread.
    func tryAgain() { state.update { $0.requests += 1 } }

    /// Waits, for a part that has halted, until it may try again. Blocks.
    ///
    /// - Parameters:
    ///   - interval: between two looks.
    ///   - mend: looks, and says what was mended.
    /// - Returns: why it may try again; nil when a stop came first, or when every other part has halted, too.
    func awaitMend(_ stop: StopSignal, every interval: Duration, _ mend: () -> String? = { nil }) -> String? {
        let seen = state.update { state in
            state.goingOn -= 1
            return state.requests
        }
        return stop.waking({ [state] in state.update { _ in } }) {
            while true {
                let isOver = state.wait(within: interval) { $0.requests != seen || $0.goingOn <= 0 || stop.isRequested }
                if stop.isRequested { return nil }
                let isAsked = state.read { $0.requests != seen }
                if let reason = isAsked ? "asked to try again" : isOver ? nil : mend() {
                    state.update { $0.goingOn += 1 }
                    return reason
                }
                if isOver { return nil }
            }
        }
    }
}
