/// A time of the server's own clock, as in `clusterTime`: seconds since 1970, and a count of the operations within the
/// second.
package struct BSONTimestamp: Sendable, Hashable, Comparable {
    package let seconds: UInt32
    package let increment: UInt32

    package init(seconds: UInt32, increment: UInt32) {
        self.seconds = seconds
        self.increment = increment
    }

    /// From the 64 bits that BSON stores: the seconds are the high half.
    package init(packed bits: UInt64) {
        seconds = UInt32(truncatingIfNeeded: bits >> 32)
        increment = UInt32(truncatingIfNeeded: bits)
    }

    /// The 64 bits that BSON stores.
    package var packed: UInt64 {
        UInt64(seconds) << 32 | UInt64(increment)
    }

    package static func < (left: BSONTimestamp, right: BSONTimestamp) -> Bool {
        left.packed < right.packed
    }
}

extension BSONTimestamp: CustomStringConvertible {
    /// `seconds.increment`
    package var description: String { "\(seconds).\(increment)" }
}
