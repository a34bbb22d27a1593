import Runtime

/// Runs what a command does on a thread of its own: its calls block.
enum OperationThread {
    /// How long a command that only reads may take to hear a stop.
    private static let grace: Duration = .seconds(1)

    /// - Parameters:
    ///   - name: of the thread.
    ///   - stop: of the command. A server that is silent is no error after it.
    ///   - onlyReads: nothing is lost when the thread is left behind in a call that does not return, so a stop ends the
    ///     command within a second.
    ///   - ending: what an error of `body` ends the command with.
    /// - Throws: what `ending` returns, or ``Stopped``.
    static func run<Success: Sendable>(
        _ name: String, stop: StopSignal, onlyReads: Bool = false,
        ending: @escaping @Sendable (any Error) -> any Error = { OperationFailure.ending($0) },
        _ body: @escaping @Sendable () throws -> Success
    ) async throws -> Success {
        let result =
            onlyReads
            ? await read(name, stop: stop, body)
            : await LoopThread.run(name: name) { Result(catching: body) }
        return try result.mapError { error in
            if error is Stopped { return error }
            let end = ending(error)
            return end is Unreachable && stop.isRequested ? Stopped() : end
        }.get()
    }

    private static func read<Success: Sendable>(
        _ name: String, stop: StopSignal, _ body: @escaping @Sendable () throws -> Success
    ) async -> Result<Success, any Error> {
        let answer = Monitor<Result<Success, any Error>?>(nil)
        _ = LoopThread.start(name: name) {
            let result = Result(catching: body)
            answer.update { $0 = result }
        }
        return await LoopThread.run(name: "await \(name)") {
            stop.waking({ answer.update { _ in } }) {
                answer.wait { $0 != nil || stop.isRequested ? () : nil }
            }
            _ = answer.wait(within: grace) { $0 != nil }
            return answer.read { $0 } ?? .failure(Stopped())
        }
    }
}
