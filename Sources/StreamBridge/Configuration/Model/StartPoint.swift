import Foundation

/// Where a stream begins when no position is stored.
package enum StartPoint: Sendable, Equatable, CustomStringConvertible {
    case now
    case oldest
    /// Seconds since 1970.
    case time(seconds: UInt32)
    case clusterTime(seconds: UInt32, increment: UInt32)
    /// A resume token's text, as the header `mongodb.token` has it.
    case token(String)

    package var description: String {
        switch self {
        case .now: "now"
        case .oldest: "the oldest oplog entry"
        case .time(let seconds): "time \(Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601))"
        case .clusterTime(let seconds, let increment): "cluster time \(seconds).\(increment)"
        case .token(let data): "token \(data)"
        }
    }
}
