import Dispatch
import Foundation
import StreamBridge
import Synchronization

/// SIGINT and SIGTERM: the first asks for a graceful stop, the second ends the process at once. SIGHUP for commands that know what to do with it.
/// A command whose output cannot be written any more is asked to stop like by the first.
final class Signals {
    private var sources: [any DispatchSourceSignal] = []

    /// - Parameters:
    ///   - stop: called at the first SIGINT or SIGTERM.
    ///   - hangUp: called at each SIGHUP; nil leaves its default action, which ends the process.
    init(stop: @escaping @Sendable () -> Void, hangUp: (@Sendable () -> Void)? = nil) {
        StandardOutput.shared.whenBroken(stop)
        let queue = DispatchQueue(label: "signals")
        let count = SignalCount()
        for (number, status) in [(SIGINT, ExitStatus.interrupted), (SIGTERM, .terminated)] {
            watch(number, on: queue) {
                guard !count.isFirst() else { return stop() }
                Console.error("stopping at once")
                StandardError.flush()
                _exit(status.rawValue)
            }
        }
        if let hangUp { watch(SIGHUP, on: queue, hangUp) }
    }

    private func watch(_ number: Int32, on queue: DispatchQueue, _ handle: @escaping @Sendable () -> Void) {
        // Dispatch only watches: the default action would end the process before it is told.
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        let isWatched = DispatchSemaphore(value: 0)
        source.setEventHandler(handler: handle)
        source.setRegistrationHandler { isWatched.signal() }
        source.activate()
        sources.append(source)
        // Until then a signal is lost.
        _ = isWatched.wait(timeout: .now() + .seconds(1))
    }

    private final class SignalCount: Sendable {
        private let count = Atomic(0)
        func isFirst() -> Bool { count.add(1, ordering: .relaxed).oldValue == 0 }
    }
}
