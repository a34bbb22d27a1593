import Foundation

@testable import StreamBridge

/// Kills the programs that tests have started when the process of the tests is gone, however it ends: a `bridge run` without its servers would go on
/// trying for good.
final class ProcessGuardian: Sendable {
    static let shared = try? ProcessGuardian()

    private let process = Process()
    /// Only this process holds its other end.
    private let watched = Pipe()

    private init() throws {
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = [
            "-c",
            """
            trap '' INT TERM HUP
            while read -r change pid; do
              case $change in
                +) pids="$pids $pid" ;;
                -) kept=; for other in $pids; do [ "$other" = "$pid" ] || kept="$kept $other"; done; pids=$kept ;;
              esac
            done
            [ -z "$pids" ] || kill -9 $pids 2>/dev/null
            """,
        ]
        process.standardInput = watched
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    func watch(_ pid: Int32) { tell("+ \(pid)") }
    /// The process has ended: its number may be another's now.
    func forget(_ pid: Int32) { tell("- \(pid)") }

    private func tell(_ line: String) { try? watched.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8)) }
}
