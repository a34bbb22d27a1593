import Foundation
import Mongo

/// What the oplog has: positions older than its oldest entry cannot be resumed.
package struct OplogWindow: Sendable, Equatable {
    package let oldest: BSONTimestamp
    /// The deployment's newest cluster time.
    package let newest: BSONTimestamp
    /// The oplog begins with the replica set itself: nothing was cut off yet, and nothing is missing before it.
    package let isWhole: Bool

    /// The message of the entry that `replSetInitiate` writes.
    static let firstMessage = "initiating set"

    /// Nobody can see the oplog.
    struct Hidden: Error, CustomStringConvertible {
        let description = "a sharded cluster does not show its oplogs"
    }

    package var length: Duration { newest - oldest }

    /// Less than one of so many parts of the window is left to a position, and older entries are being cut off.
    func leaves(lessThanOneOf parts: Int, to position: BSONTimestamp) -> Bool { !isWhole && (position - oldest) * parts < length }
}

extension BSONTimestamp {
    static func - (later: BSONTimestamp, earlier: BSONTimestamp) -> Duration {
        .seconds(Int64(later.seconds) - Int64(earlier.seconds))
    }

    /// How far ahead of the deployment a place may seem, in seconds: an answer's time can be older than the position
    /// that comes with it, and an idle deployment's time moves every ten seconds only.
    private static let toleratedSeconds: Int64 = 10

    /// Whether a place lies in the future of a deployment whose newest time is `now`.
    func isAhead(of now: BSONTimestamp) -> Bool { Int64(seconds) > Int64(now.seconds) + Self.toleratedSeconds }

    /// For people: `1651826079.1 (2022-05-06T08:34:39Z)`.
    package var readable: String {
        "\(self) (\(Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)))"
    }
}
