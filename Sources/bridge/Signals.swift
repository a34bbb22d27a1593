import Foundation
import Runtime
import StreamBridge

/// SIGINT and SIGTERM: the first asks for a graceful stop, the second ends the process at once. SIGHUP for commands
/// that know what to do with it. A command whose output cannot be written any more is asked to stop like by the first.
enum Signals {
    /// Watches them from now on, for as long as the process runs.
    ///
    /// - Parameters:
    ///   - stop: called at the first SIGINT or SIGTERM, on a thread of its own.
    ///   - hangUp: called at each SIGHUP; nil leaves its default action, which ends the process.
    static func watch(stop: @escaping @Sendable () -> Void, hangUp: (@Sendable () -> Void)? = nil) {
        StandardOutput.shared.whenBroken(stop)
        let ends = [SIGINT: ExitStatus.interrupted, SIGTERM: .terminated]
        guard let arrivals = SignalPipe.watch(Array(ends.keys) + (hangUp == nil ? [] : [SIGHUP])) else { return }
        _ = LoopThread.start(name: "signals") {
            var isStopping = false
            while let number = SignalPipe.next(from: arrivals) {
                guard let status = ends[number] else {
                    hangUp?()
                    continue
                }
                guard isStopping else {
                    isStopping = true
                    stop()
                    continue
                }
                Console.error("stopping at once")
                StandardError.flush()
                _exit(status.rawValue)
            }
        }
    }
}
