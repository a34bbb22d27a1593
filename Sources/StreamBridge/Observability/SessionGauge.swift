import Synchronization

/// Tells what a session has in its hands, while it runs. Any thread may look.
///
/// The session's end waits for a reader that is looking. Otherwise the reader could be the last to hold what belongs to
/// the session, such as a client of Kafka, whose end may take long and would block the thread that answers HTTP.
final class SessionGauge<Load: Sendable>: Sendable {
    private let look = Mutex<(@Sendable () -> Load)?>(nil)

    /// Nil while no session runs.
    var load: Load? { look.withLock { $0?() } }

    /// While `body` runs, `load` tells what the session has. It must not block.
    func measuring<Result>(_ load: @escaping @Sendable () -> Load, while body: () throws -> Result) rethrows -> Result {
        look.withLock { $0 = load }
        defer { look.withLock { $0 = nil } }
        return try body()
    }
}
