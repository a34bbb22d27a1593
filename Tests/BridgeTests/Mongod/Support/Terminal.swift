import Foundation

/// A pseudo terminal, and who sits at it.
final class Terminal: Sendable {
    struct Unavailable: Error {}

    /// What a program has.
    let end: FileHandle
    private let descriptor: Int32

    /// `TIOCGPTN` and `TIOCSPTLCK`.
    private static let getNumber: UInt = 0x8004_5430
    private static let setLock: UInt = 0x4004_5431

    init() throws {
        descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var (number, isLocked): (Int32, Int32) = (-1, 0)
        guard descriptor >= 0, ioctl(descriptor, Self.setLock, &isLocked) == 0, ioctl(descriptor, Self.getNumber, &number) == 0 else {
            throw Unavailable()
        }
        let program = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard program >= 0 else { throw Unavailable() }
        end = FileHandle(fileDescriptor: program, closeOnDealloc: true)
    }

    deinit { close(descriptor) }

    func type(_ line: String) { _ = (line + "\n").withCString { write(descriptor, $0, strlen($0)) } }

    /// Hands out what the program shows, until it has ended.
    func read(_ take: (String) -> Void) {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while case let count = Foundation.read(descriptor, &bytes, bytes.count), count > 0 {
            take(String(decoding: bytes[..<count], as: UTF8.self))
        }
    }
}
