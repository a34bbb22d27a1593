import Foundation

/// This process among the bridges of the same name: who wrote a position.
enum Instance {
    /// `host/pid`.
    static let name = "\(ProcessInfo.processInfo.hostName)/\(ProcessInfo.processInfo.processIdentifier)"

    /// The same, different for every process: in containers host names and process ids repeat.
    static let uniqueName = "\(name)/\(String(UInt32.random(in: 0 ... .max), radix: 36))"
}
