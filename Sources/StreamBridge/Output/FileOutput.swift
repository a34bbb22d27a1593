import Foundation

/// Writes to a file descriptor, and throws where `FileHandle.write(_:)` traps.
struct FileOutput: Sendable {
    let descriptor: Int32

    /// Writes all of the bytes. Blocks while a pipe is full, also where the descriptor itself does not block.
    ///
    /// - Parameter written: counts what was written, also before an error.
    func write(_ bytes: [UInt8], written: inout Int) throws(OutputFailure) {
        written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written) }
            guard count < 0 else {
                written += count
                continue
            }
            switch errno {
            case EINTR: continue
            // The terminal or the pipe is shared with a program that made it non-blocking.
            case EAGAIN: waitForRoom()
            case let code: throw OutputFailure(code: code)
            }
        }
    }

    func write(_ text: String) throws(OutputFailure) {
        var written = 0
        try write(Array(text.utf8), written: &written)
    }

    /// An error ends the wait, too: the next write reports it.
    private func waitForRoom() { _ = wait(for: POLLOUT) }

    /// Blocks until the reader of a pipe or a socket is gone.
    ///
    /// - Returns: false, at once, for what is neither.
    func waitUntilReaderIsGone() -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0, [S_IFIFO, S_IFSOCK].contains(status.st_mode & S_IFMT) else { return false }
        // Errors are reported without being asked for.
        return wait(for: 0) & (POLLERR | POLLHUP) != 0
    }

    private func wait(for events: Int32) -> Int32 {
        var poll = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        while Foundation.poll(&poll, 1, -1) < 0, errno == EINTR {}
        return Int32(poll.revents)
    }
}
