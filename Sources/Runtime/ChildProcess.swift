import Foundation

/// A child process that has nothing of this process but the descriptors it is given, and whose end is seen at once.
///
/// Foundation's `Process` sees an end by a socket that a child of another thread can inherit when both start at the
/// same time; the end is then seen when that other child ends, too, which may be never. Here a thread waits for the
/// child itself (`waitid(2)`). Other descriptors are closed in the child: not all that this process opens have
/// `O_CLOEXEC`, and a listening socket that lives on in a child keeps its port.
///
/// The child leads a process group of its own, so that Ctrl-C on a terminal does not reach it. Safe to use from any
/// thread.
package final class ChildProcess: Sendable {
    /// How a process ended.
    package enum Exit: Sendable, Equatable {
        case status(Int32)
        case signal(Int32)
    }

    /// What a standard descriptor of the child is.
    package enum Standard: Sendable {
        case null
        /// A pipe, whose other end is ``ChildProcess/input``, ``ChildProcess/output`` or ``ChildProcess/errors``.
        case pipe
        /// A descriptor of the caller, who keeps it.
        case descriptor(Int32)
    }

    /// A program that could not be started.
    package struct NotStarted: Error, CustomStringConvertible {
        package let program: String
        /// Of the system, as `errno` has it.
        package let code: Int32
        package var description: String { "\(program) did not start: \(String(cString: strerror(code)))" }
    }

    package let processIdentifier: Int32
    /// The writing end of the child's standard input, where that is a pipe.
    package let input: FileHandle?
    /// The reading end of the child's standard output, where that is a pipe.
    package let output: FileHandle?
    /// The reading end of the child's standard error, where that is a pipe of its own.
    package let errors: FileHandle?
    private let exitOrNil = Monitor<Exit?>(nil)

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - program: a path, or a name that is looked up in `PATH`.
    ///   - environment: nil for this process's own.
    ///   - errors: nil for where the standard output goes.
    /// - Throws: ``NotStarted``.
    package init(
        _ program: String, _ arguments: [String] = [], environment: [String: String]? = nil,
        input: Standard = .null, output: Standard = .null, errors: Standard? = .null
    ) throws {
        let ends = (input: Ends(input, childReads: true), output: Ends(output), errors: errors.map { Ends($0) })
        defer { for end in [ends.input, ends.output, ends.errors] { end?.closeTheirs() } }
        let standard = [ends.input.theirs, ends.output.theirs, (ends.errors ?? ends.output).theirs]
        processIdentifier = try Self.spawn(program, arguments, environment, standard)
        (self.input, self.output, self.errors) = (ends.input.own, ends.output.own, ends.errors?.own)
        let (identifier, exitOrNil) = (processIdentifier, exitOrNil)
        _ = LoopThread.start(name: "wait \(identifier)") { Self.wait(for: identifier, exitOrNil) }
    }

    /// Nil while it runs.
    package var exit: Exit? { exitOrNil.read { $0 } }
    package var isRunning: Bool { exit == nil }

    /// Blocks until the process has ended.
    @discardableResult
    package func wait() -> Exit { exitOrNil.wait { $0 } }

    /// Blocks until the process has ended, but no longer than `limit`.
    ///
    /// - Returns: nil when it runs on.
    @discardableResult
    package func wait(within limit: Duration) -> Exit? {
        _ = exitOrNil.wait(within: limit) { $0 != nil }
        return exit
    }

    /// Sends a signal, unless the process has ended.
    package func signal(_ number: Int32) {
        // Under the lock under which it is reaped: after that its number may be another's.
        exitOrNil.read { if $0 == nil { kill(processIdentifier, number) } }
    }

    /// Ends the process by SIGKILL, and blocks until it has ended.
    package func end() {
        signal(SIGKILL)
        wait()
    }

    // MARK: The system's calls

    private static func wait(for identifier: Int32, _ exit: Monitor<Exit?>) {
        var information = siginfo_t()
        // Leaves it unreaped, so that its number stays its own until the lock is held.
        while waitid(P_PID, id_t(identifier), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        exit.update { exit in
            var status: Int32 = 0
            while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
            // wait(2): the low seven bits are the signal, 0 for none; the next byte is the exit status.
            let signal = status & 0x7f
            exit = signal == 0 ? .status(status >> 8 & 0xff) : .signal(signal)
        }
    }

    private static func spawn(
        _ program: String, _ arguments: [String], _ environment: [String: String]?, _ standard: [Int32]
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in standard.enumerated() {
            if descriptor >= 0 {
                posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
            } else {
                posix_spawn_file_actions_addopen(&actions, Int32(number), "/dev/null", O_RDWR, 0)
            }
        }
        // One that is not open is passed over: posix_spawn of glibc refuses only what no descriptor can be.
        for descriptor in Int32(standard.count)..<Self.descriptorsEnd { posix_spawn_file_actions_addclose(&actions, descriptor) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        // What this process ignores or blocks is its own affair.
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))

        let variables = environment ?? ProcessInfo.processInfo.environment
        var identifier: pid_t = 0
        let code = withCStrings([program] + arguments) { arguments in
            withCStrings(variables.map { "\($0)=\($1)" }) { variables in
                posix_spawnp(&identifier, program, &actions, &attributes, arguments, variables)
            }
        }
        guard code == 0 else { throw NotStarted(program: program, code: code) }
        return identifier
    }

    /// Beyond every descriptor that is open when the child starts: new ones get the lowest free numbers, so other
    /// threads do not reach the end of the margin meanwhile.
    private static var descriptorsEnd: Int32 {
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let end = (open.compactMap { Int32($0) }.max() ?? 256) + 256
        return Int32(clamping: min(UInt64(end), UInt64(limit.rlim_cur)))
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return body(copies)
    }

    /// Both ends of one standard descriptor.
    private struct Ends {
        /// The caller's end of a pipe.
        var own: FileHandle?
        /// What the child gets; negative for nothing.
        var theirs: Int32 = -1
        private var pipeEnd: FileHandle?

        init(_ standard: Standard, childReads: Bool = false) {
            switch standard {
            case .null: break
            case .descriptor(let descriptor): theirs = descriptor
            case .pipe:
                let pipe = Pipe()
                own = childReads ? pipe.fileHandleForWriting : pipe.fileHandleForReading
                let end = childReads ? pipe.fileHandleForReading : pipe.fileHandleForWriting
                pipeEnd = end
                theirs = end.fileDescriptor
            }
        }

        func closeTheirs() { try? pipeEnd?.close() }
    }
}
