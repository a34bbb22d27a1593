import Foundation
import Mongo

/// Numbers that somebody else may have written: a record of the bridge's own topics, a header. They are checked where
/// they are read, so that no later sum can overflow.
extension BSONValue {
    /// The largest count that is believed: 2^53, which every reader of JSON takes exactly. A million events a second
    /// reach it in 285 years.
    static let maxCount: Int64 = 1 << 53

    /// A count, an index or an offset: a whole number from 0 to ``maxCount``. Nil for anything else.
    var countValue: Int64? { int64Value.flatMap { (0...Self.maxCount).contains($0) ? $0 : nil } }
}

extension Int64 {
    /// Reads a count, an index or an offset as text. Nil for anything that ``BSONValue/countValue`` does not take.
    init?(count text: String) {
        guard let count = BSONValue.int64(Int64(text) ?? -1).countValue else { return nil }
        self = count
    }
}

extension Date {
    /// Since 1970; nil for a time that 64 bits do not have.
    package var milliseconds: Int64? { Int64(exactly: (timeIntervalSince1970 * 1000).rounded()) }
}
