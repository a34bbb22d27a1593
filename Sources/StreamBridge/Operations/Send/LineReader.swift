import Foundation
import Runtime

/// Reads the lines of a file, a pipe or a terminal one after another. Used on one thread; a stop ends a blocked read.
final class LineReader {
    struct Line {
        /// Counted from 1.
        let number: Int
        /// Without the line break; only the beginning when the line is longer than the limit.
        let bytes: [UInt8]
        /// Bytes of the whole line.
        let size: Int
    }

    /// Why there is nothing to read, in the words of the operating system.
    struct Failure: Error, Equatable, CustomStringConvertible {
        let name: String
        let reason: String
        var description: String { "cannot read \(name): \(reason)" }
    }

    private let name: String
    private let file: Int32
    private let isOurs: Bool
    private let limit: Int
    private let stop: StopSignal
    private let wake = Pipe()
    private var buffer: [UInt8] = []
    private var start = 0
    private var number = 0

    /// - Parameters:
    ///   - path: nil for standard input.
    ///   - limit: how many bytes of a line are kept.
    init(path: String?, limit: Int, stop: StopSignal) throws(Failure) {
        name = path ?? "standard input"
        isOurs = path != nil
        self.limit = limit
        self.stop = stop
        guard let path else {
            file = STDIN_FILENO
            return
        }
        file = open(path, O_RDONLY)
        guard file >= 0 else { throw Failure(name: path, reason: String(cString: strerror(errno))) }
    }

    deinit { if isOurs { close(file) } }

    /// Goes back to the beginning.
    ///
    /// - Returns: false for what can be read only once.
    func rewind() -> Bool {
        guard lseek(file, 0, SEEK_SET) == 0 else { return false }
        (start, number) = (0, 0)
        buffer.removeAll()
        return true
    }

    /// The next line, or nil at the end and after a stop.
    func next() throws(Failure) -> Line? {
        var line: [UInt8] = []
        var size = 0
        while true {
            if start == buffer.count {
                guard try fill() else {
                    guard size > 0, !stop.isRequested else { return nil }
                    return finished(line, size: size)
                }
            }
            let rest = buffer[start...]
            let end = rest.firstIndex(of: UInt8(ascii: "\n"))
            let piece = rest[..<(end ?? rest.endIndex)]
            size += piece.count
            line += piece.prefix(limit - line.count)
            start = end.map { $0 + 1 } ?? buffer.count
            if end != nil { return finished(line, size: size) }
        }
    }

    private func finished(_ line: [UInt8], size: Int) -> Line {
        number += 1
        let hasReturn = line.count == size && line.last == UInt8(ascii: "\r")
        return Line(number: number, bytes: hasReturn ? line.dropLast() : line, size: size - (hasReturn ? 1 : 0))
    }

    /// - Returns: false at the end and after a stop.
    private func fill() throws(Failure) -> Bool {
        guard waitForInput() else { return false }
        start = 0
        buffer = [UInt8](repeating: 0, count: 64 << 10)
        var count = read(file, &buffer, buffer.count)
        while count < 0, errno == EINTR { count = read(file, &buffer, buffer.count) }
        let code = errno
        buffer.removeLast(buffer.count - max(0, count))
        guard count >= 0 else { throw Failure(name: name, reason: String(cString: strerror(code))) }
        return count > 0
    }

    /// - Returns: false after a stop.
    private func waitForInput() -> Bool {
        let wake = wake
        return stop.waking({ try? wake.fileHandleForWriting.write(contentsOf: Data([0])) }) {
            var sources = [
                pollfd(fd: file, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0),
            ]
            while poll(&sources, nfds_t(sources.count), -1) < 0, errno == EINTR {}
            return !stop.isRequested
        }
    }
}
