import Runtime

/// Runs what a command does on a thread of its own: its calls block.
enum OperationThread {
    /// - Parameters:
    ///   - name: of the thread.
    ///   - ending: what an error of `body` ends the command with.
    /// - Throws: what `ending` returns.
    static func run<Success: Sendable>(
        _ name: String, ending: @escaping @Sendable (any Error) -> any Error = { OperationFailure.ending($0) },
        _ body: @escaping @Sendable () throws -> Success
    ) async throws -> Success {
        try await LoopThread.run(name: name) { Result(catching: body).mapError(ending) }.get()
    }
}
