import Logging
import Runtime
import StreamBridge
import Synchronization

/// Shows how far a replay is: a bar on a terminal, otherwise a line of the log now and then.
final class ReplayMeter: Sendable {
    private static let interval: Duration = .seconds(10)
    private static let width = 20

    private struct State {
        /// The first that was shown: rates count from there, because a replay may continue with what an earlier one has
        /// done.
        var first: (at: ContinuousClock.Instant, progress: Replay.Progress)?
        var logged: ContinuousClock.Instant = .now
    }

    private let line = ProgressLine()
    private let logger: Logger
    private let state = Mutex(State())

    init(logger: Logger) { self.logger = logger }

    func show(_ progress: Replay.Progress) {
        let text = state.withLock { state -> String? in
            let first = state.first ?? (.now, progress)
            state.first = first
            guard line.isShown || state.logged.duration(to: .now) >= Self.interval else { return nil }
            if !line.isShown { state.logged = .now }
            return Self.text(progress, since: first.at, first.progress)
        }
        guard let text else { return }
        if line.isShown {
            line.show(Self.bar(progress.fraction) + text)
        } else {
            logger.info("\(text)")
        }
    }

    func clear() { line.clear() }

    private static func bar(_ fraction: Double?) -> String {
        guard let fraction else { return "" }
        let full = min(width, max(0, Int(fraction * Double(width))))
        return "[" + String(repeating: "#", count: full) + String(repeating: " ", count: width - full) + "] "
    }

    private static func text(_ progress: Replay.Progress, since start: ContinuousClock.Instant, _ first: Replay.Progress) -> String {
        let time = start.duration(to: .now) / .seconds(1)
        var text = progress.id.isEmpty ? "\(progress.events) counted" : "replay \(progress.id): \(progress.events) published"
        if time > 0 { text += ", \(Int(min(Double(progress.events - first.events) / time, 1e12)))/s" }
        guard let fraction = progress.fraction else { return text }
        text += ", \(Int(fraction * 100)) %"
        let done = fraction - (first.fraction ?? 0)
        // Less would be a guess: events are not spread evenly over the time of a range.
        if done >= 0.01, time >= 1 { text += ", \(Duration.seconds(time * (1 - fraction) / done).readable) left" }
        return text
    }
}
