import Foundation

/// A named operating-system thread for one loop that blocks in C calls.
///
/// Blocking calls stay off Swift's cooperative pool, whose few threads everything else shares.
final class LoopThread: Sendable {
    private let isFinished = Monitor(false)

    private init() {}

    /// Starts `body` on a thread of its own.
    ///
    /// - Parameter name: the kernel keeps 15 characters.
    static func start(name: String, _ body: @escaping @Sendable () -> Void) -> LoopThread {
        let loop = LoopThread()
        let thread = Thread {
            // The kernel learns the name (`top -H`, debuggers) only when a thread sets its own.
            Thread.current.name = String(name.prefix(15))
            body()
            loop.isFinished.update { $0 = true }
        }
        // The encoder descends once per nesting level of a document.
        thread.stackSize = 4 << 20
        thread.start()
        return loop
    }

    /// Blocks until the thread's body has returned.
    func join() {
        isFinished.wait { $0 ? () : nil }
    }

    /// Blocks until the thread's body has returned, but no longer than `limit`.
    func join(within limit: Duration) {
        _ = isFinished.wait(within: limit) { $0 }
    }

    /// Runs `body` on a thread of its own and suspends the calling task until it returns.
    static func run<Result: Sendable>(name: String, _ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            _ = start(name: name) { continuation.resume(returning: body()) }
        }
    }
}
