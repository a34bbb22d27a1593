import Foundation

/// This process among the bridges of the same name: who wrote a position.
enum Instance {
    /// `host/pid`.
    static let name = "\(ProcessInfo.processInfo.hostName)/\(ProcessInfo.processInfo.processIdentifier)"
}
