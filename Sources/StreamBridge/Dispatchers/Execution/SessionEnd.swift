import Runtime

/// Tells the threads of a session that it is over, and why.
final class SessionEnd: Sendable {
    private let state = Monitor<(isOver: Bool, error: (any Error)?)>((false, nil))

    var isOver: Bool { state.read { $0.isOver } }

    /// Waits for the end, at most `limit`.
    ///
    /// - Returns: whether it is over.
    func isOver(within limit: Duration) -> Bool { state.wait(within: limit) { $0.isOver } }

    /// Why it ended; nil while it continues, or when nothing is wrong.
    var error: (any Error)? { state.read { $0.error } }

    /// Ends the session; the first reason counts.
    func end(because error: (any Error)? = nil) {
        state.update {
            if !$0.isOver { $0 = (true, error) }
        }
    }
}
