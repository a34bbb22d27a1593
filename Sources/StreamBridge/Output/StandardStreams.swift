import Foundation

/// The three streams that a process is born with.
package enum StandardStreams {
    /// Before anything else of the process.
    ///
    /// - A reader who goes is an error of a write, not a signal that ends the process in the middle of anything,
    ///   a write of the TLS libraries included.
    /// - A stream that is closed (`>&-`) would give its number to the next file or connection, and log lines would go
    ///   to a server. So the number is taken, in the wrong direction: reads and writes fail as they would have.
    package static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest free number is this one.
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}

/// The log, and what a command says besides its output.
package enum StandardError {
    /// For a log: never waits.
    package static let log = BackgroundOutput(descriptor: STDERR_FILENO)

    /// How long a text is waited for when nobody reads.
    private static let patience: Duration = .seconds(1)

    /// Writes a text behind the log lines that came before it, and waits until it is there: what is printed next comes
    /// after it.
    package static func write(_ text: String) {
        log.write(text)
        log.flush(within: patience)
    }

    /// Before the process ends.
    package static func flush() {
        log.endFooter()
        log.flush(within: patience)
    }
}
