import Foundation

/// A named operating-system thread for one loop that blocks in C calls.
///
/// Blocking calls stay off Swift's cooperative pool, whose few threads everything else shares.
package final class LoopThread: Sendable {
    private struct State {
        var isOver = false
        var whenOver: [@Sendable () -> Void] = []
    }

    private let state = Monitor(State())

    private init() {}

    /// Starts `body` on a thread of its own.
    ///
    /// - Parameter name: the kernel keeps 15 characters.
    package static func start(name: String, _ body: @escaping @Sendable () -> Void) -> LoopThread {
        let loop = LoopThread()
        let thread = Thread {
            // The kernel learns the name (`top -H`, debuggers) only when a thread sets its own.
            Thread.current.name = String(name.prefix(15))
            body()
            let calls = loop.state.update { state in
                state.isOver = true
                return state.whenOver
            }
            for call in calls { call() }
        }
        // The encoder descends once per nesting level of a document.
        thread.stackSize = 4 << 20
        thread.start()
        return loop
    }

    /// Blocks until the thread's body has returned.
    package func join() {
        state.wait { $0.isOver ? () : nil }
    }

    /// Blocks until the thread's body has returned, but no longer than `limit`.
    ///
    /// - Returns: whether it has.
    @discardableResult
    package func join(within limit: Duration) -> Bool { state.wait(within: limit) { $0.isOver } }

    /// Calls `body` when the thread's body has returned: on that thread, or at once if it has already.
    package func whenOver(_ body: @escaping @Sendable () -> Void) {
        let isOver = state.update { state in
            if !state.isOver { state.whenOver.append(body) }
            return state.isOver
        }
        if isOver { body() }
    }

    /// Runs `body` on a thread of its own and suspends the calling task until it returns.
    package static func run<Result: Sendable>(name: String, _ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            _ = start(name: name) { continuation.resume(returning: body()) }
        }
    }
}
