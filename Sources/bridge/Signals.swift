import Dispatch
import Foundation
import Synchronization

/// SIGINT and SIGTERM: the first asks for a graceful stop, the second ends the process at once.
final class Signals {
    private let sources: [any DispatchSourceSignal]

    /// - Parameter stop: called at the first signal.
    init(stop: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "signals")
        let count = SignalCount()
        sources = [SIGINT, SIGTERM].map { number in
            // Dispatch only watches: the default action would end the process before it is told.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                guard !count.isFirst() else { return stop() }
                Console.error("stopping at once")
                _exit(128 + number)
            }
            source.activate()
            return source
        }
    }

    private final class SignalCount: Sendable {
        private let count = Atomic(0)
        func isFirst() -> Bool { count.add(1, ordering: .relaxed).oldValue == 0 }
    }
}
