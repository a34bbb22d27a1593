import Dispatch
import Foundation

/// SIGINT and SIGTERM: the first asks for a graceful stop, the second ends the process at once.
final class Signals {
    private let sources: [any DispatchSourceSignal]

    /// - Parameter stop: called at the first signal.
    init(stop: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "signals")
        let counter = Counter()
        sources = [SIGINT, SIGTERM].map { number in
            // Dispatch only watches: the default action would end the process before it is told.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                counter.signals += 1
                guard counter.signals > 1 else { return stop() }
                Console.error("stopping at once")
                _exit(128 + number)
            }
            source.activate()
            return source
        }
    }

    /// Used on the serial queue only.
    private final class Counter: @unchecked Sendable { var signals = 0 }
}
