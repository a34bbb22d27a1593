import Mongo
import Runtime

/// Which MongoDB transaction an event belongs to.
///
/// Session and number alone name a transaction for a while only: sessions are pooled, and a transaction over several
/// shards is in the change stream once for each. With the cluster time, which all events of a commit share, it is one
/// run of consecutive events.
struct TransactionID: Sendable, Equatable {
    /// The UUID of the session (`lsid.id`), in two halves.
    let session: (high: UInt64, low: UInt64)
    /// `txnNumber`
    let number: Int64
    /// When it was committed.
    let clusterTime: BSONTimestamp

    static func == (left: TransactionID, right: TransactionID) -> Bool {
        left.clusterTime == right.clusterTime && left.number == right.number && left.session == right.session
    }

    /// Appends `<uuid>:<number>`, the value of the header `mongodb.txn`. Allocates nothing.
    func write(into buffer: inout OutputBuffer) {
        for index in 0..<16 {
            if index == 4 || index == 6 || index == 8 || index == 10 { buffer.append(UInt8(ascii: "-")) }
            let half = index < 8 ? session.high : session.low
            buffer.append(hexadecimal: UInt8(truncatingIfNeeded: half >> (56 - 8 * (index % 8))))
        }
        buffer.append(UInt8(ascii: ":"))
        buffer.append(decimal: number)
    }
}

extension TransactionID: CustomStringConvertible {
    /// `<uuid>:<number>`
    var description: String {
        var buffer = OutputBuffer(capacity: 64)
        write(into: &buffer)
        return buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// Reads what ``description`` gave; nil for anything else.
    init?(_ text: String, at clusterTime: BSONTimestamp) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int64(parts[1]) else { return nil }
        let digits = parts[0].filter { $0 != "-" }
        guard digits.utf8.count == 32, let high = UInt64(digits.prefix(16), radix: 16), let low = UInt64(digits.suffix(16), radix: 16)
        else { return nil }
        self.init(session: (high, low), number: number, clusterTime: clusterTime)
    }
}

/// An event's place in its MongoDB transaction: the headers `mongodb.txn` and `mongodb.txnIndex`.
struct TransactionPlace: Sendable, Equatable {
    let id: TransactionID
    /// How many events of the transaction this stream saw before this one.
    let index: Int64

    /// The place of an event that comes right after one with this place, or nil if it belongs to no transaction.
    static func next(after last: TransactionPlace?, of id: TransactionID?) -> TransactionPlace? {
        guard let id else { return nil }
        guard let last, last.id == id else { return TransactionPlace(id: id, index: 0) }
        return TransactionPlace(id: id, index: last.index + 1)
    }
}
