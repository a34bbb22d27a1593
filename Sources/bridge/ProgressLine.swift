import Foundation
import StreamBridge
import Synchronization

/// A line on a terminal that shows how far long work is; nothing where standard error is no terminal.
final class ProgressLine: Sendable {
    private static let interval: Duration = .milliseconds(200)

    /// Standard error is a terminal.
    let isShown = isatty(STDERR_FILENO) != 0
    private let state = Mutex((shownAt: ContinuousClock.now, width: 0))

    /// Shows the newest text, a few times a second.
    func show(_ text: @autoclosure () -> String) {
        guard isShown else { return }
        state.withLock { state in
            guard state.shownAt.duration(to: .now) >= Self.interval else { return }
            let text = text().harmlessLine
            StandardError.log.write("\r" + text.padding(toLength: max(state.width, text.count), withPad: " ", startingAt: 0))
            state = (.now, text.count)
        }
    }

    /// Wipes the line out: before anything else is printed.
    func clear() {
        state.withLock { state in
            guard state.width > 0 else { return }
            StandardError.write("\r" + String(repeating: " ", count: state.width) + "\r")
            state.width = 0
        }
    }
}
