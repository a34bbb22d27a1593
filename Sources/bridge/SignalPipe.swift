import Foundation
import Synchronization

/// Signals as bytes in a pipe: a handler may do little more than write one (signal-safety(7)), and what is in the pipe
/// is not lost, however early it came.
///
/// Dispatch's sources lose a signal that comes between `SIG_IGN`, which they need, and the moment when they really
/// watch.
enum SignalPipe {
    /// What the handler writes to; negative before the first signal is watched. The process has one.
    private static let writingEnd = Atomic<Int32>(-1)

    /// Begins to watch signals: from here on their default actions are not taken.
    ///
    /// - Returns: where their numbers come, one byte each; nil when the system has no pipe to give, and nothing is
    ///   watched.
    static func watch(_ numbers: some Sequence<Int32>) -> Int32? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // A handler must not wait.
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        writingEnd.store(ends[1], ordering: .releasing)
        for number in numbers { signal(number, handler) }
        return ends[0]
    }

    /// Blocks until the next signal.
    ///
    /// - Returns: nil when the pipe cannot be read.
    static func next(from readingEnd: Int32) -> Int32? {
        var byte: UInt8 = 0
        while true {
            switch read(readingEnd, &byte, 1) {
            case 1: return Int32(byte)
            case -1 where errno == EINTR: continue
            default: return nil
            }
        }
    }

    private static let handler: @convention(c) (Int32) -> Void = { number in
        // The thread that was interrupted reads its own.
        let interrupted = errno
        var byte = UInt8(truncatingIfNeeded: number)
        _ = write(writingEnd.load(ordering: .acquiring), &byte, 1)
        errno = interrupted
    }
}
