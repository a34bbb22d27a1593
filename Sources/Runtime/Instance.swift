import Foundation

/// This process among the bridges of the same name: who wrote a position, who leads a stream.
package enum Instance {
    /// `host/pid`.
    package static let name = "\(host)/\(ProcessInfo.processInfo.processIdentifier)"

    /// The same, different for every process: in containers host names and process ids repeat.
    package static let uniqueName = "\(name)/\(String(UInt32.random(in: 0 ... .max), radix: 36))"

    private static let host = ProcessInfo.processInfo.hostName

    /// Whether ``name`` of another process is one that ran on this host and runs no more. False where nobody can tell.
    ///
    /// A name that is this process's own was a predecessor's: in a container every process may have the same id.
    package static func isGone(_ other: String) -> Bool {
        if other == name { return true }
        guard let slash = other.lastIndex(of: "/"), other[..<slash] == host, let process = Int(other[other.index(after: slash)...]) else {
            return false
        }
        // proc(5): the state follows the command, which may itself have parentheses in it.
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return true }
        let state = status.lastIndex(of: ")").flatMap { status[$0...].dropFirst(2).first }
        // Dead, and not yet taken note of by its parent.
        return state == "Z" || state == "X"
    }
}
