import Foundation
import Runtime
import StreamBridge

/// Keeps ``LiveLines`` below the log while a bridge runs, on a terminal that shows them.
final class LiveView: Sendable {
    /// Four times a second is as fast as anybody reads.
    private static let interval: Duration = .milliseconds(250)

    private let end = StopSignal()

    /// - Parameter format: of the log: lines for programs have nothing below them.
    /// - Returns: nil where standard error is no terminal, or one that cannot move its cursor, or where `NO_COLOR` asks
    ///   for plain text.
    init?(format: LineLogHandler.Format) {
        let environment = ProcessInfo.processInfo.environment
        guard format == .text, isatty(STDERR_FILENO) != 0, environment["NO_COLOR", default: ""].isEmpty,
            !["", "dumb"].contains(environment["TERM", default: ""])
        else { return nil }
    }

    /// Shows what runs, until ``stop()``.
    func show(_ running: Bridge.Running) {
        _ = LoopThread.start(name: "live") { [end] in
            repeat {
                let (width, height) = Self.size()
                // Most of the terminal is the log's.
                let lines = LiveLines(width: width, height: height / 2, now: .now).lines(
                    streams: running.streams.map { (name: $0.stream, snapshot: $0.snapshot) },
                    dispatchers: running.dispatchers.map { (name: $0.dispatcher, snapshot: $0.snapshot) })
                guard !end.isRequested else { return }
                StandardError.log.show(footer: lines)
            } while !end.wait(for: Self.interval)
        }
    }

    /// Wipes the lines out, for good.
    func stop() {
        end.request(grace: .zero)
        StandardError.log.endFooter()
    }

    private static func size() -> (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
