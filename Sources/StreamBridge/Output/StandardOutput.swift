import Foundation
import Runtime
import Synchronization

/// What a command prints. A write that fails is the end of the command, not of the process: the command is asked to
/// stop, and its exit status shows it.
package final class StandardOutput: Sendable {
    package static let shared = StandardOutput(descriptor: STDOUT_FILENO)

    private struct State {
        var failure: OutputFailure?
        var stop: (@Sendable () -> Void)?
    }

    private let output: FileOutput
    /// One text at a time.
    private let turn = Mutex(())
    private let state = Mutex(State())

    init(descriptor: Int32) { output = FileOutput(descriptor: descriptor) }

    /// Why the output ended early; nil while all is well.
    package var failure: OutputFailure? { state.withLock { $0.failure } }

    /// Calls `stop` when the output fails, at once if it has failed before.
    package func whenBroken(_ stop: @escaping @Sendable () -> Void) {
        let isBroken = state.withLock { state in
            state.stop = stop
            return state.failure != nil
        }
        if isBroken { stop() }
    }

    /// Also looks out for a reader who goes while nothing is printed: a command that waits would wait for nobody.
    package func watchReader() {
        _ = LoopThread.start(name: "stdout") { [self] in
            if output.waitUntilReaderIsGone() { fail(OutputFailure(code: EPIPE)) }
        }
    }

    /// Prints a text; nothing after a failure. Blocks while a pipe is full, so that a pager holds a command back.
    package func write(_ text: String) {
        guard failure == nil else { return }
        do throws(OutputFailure) {
            try turn.withLock { _ throws(OutputFailure) in try output.write(text) }
        } catch {
            fail(error)
        }
    }

    private func fail(_ failure: OutputFailure) {
        let stop = state.withLock { state in
            if state.failure == nil { state.failure = failure }
            return state.stop
        }
        stop?()
    }
}
