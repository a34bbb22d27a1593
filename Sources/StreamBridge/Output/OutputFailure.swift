import Foundation

/// Why nothing more can be written.
package struct OutputFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The `errno` of the write.
    package let code: Int32

    /// The reader of the output is gone, as `head` is when it has its lines.
    package var isReaderGone: Bool { code == EPIPE }

    /// In the words of the operating system.
    package var description: String { String(cString: strerror(code)) }
}
