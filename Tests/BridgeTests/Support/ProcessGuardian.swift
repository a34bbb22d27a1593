import Foundation
import Runtime

@testable import StreamBridge

/// Kills the programs that tests have started when the process of the tests is gone, however it ends: a `bridge run`
/// without its servers would continue trying for good.
final class ProcessGuardian: Sendable {
    static let shared = try? ProcessGuardian()

    /// Only this process holds the other end of its standard input.
    private let process: ChildProcess

    private init() throws {
        let script = """
            trap '' INT TERM HUP
            while read -r change pid; do
              case $change in
                +) pids="$pids $pid" ;;
                -) kept=; for other in $pids; do [ "$other" = "$pid" ] || kept="$kept $other"; done; pids=$kept ;;
              esac
            done
            [ -z "$pids" ] || kill -9 $pids 2>/dev/null
            """
        process = try ChildProcess("/bin/sh", ["-c", script], input: .pipe)
    }

    func watch(_ pid: Int32) { tell("+ \(pid)") }
    /// The process has ended: its number may be another's now.
    func forget(_ pid: Int32) { tell("- \(pid)") }

    private func tell(_ line: String) { try? process.input?.write(contentsOf: Data("\(line)\n".utf8)) }
}
