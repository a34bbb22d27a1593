/// One record with whatever headers it has: for what is no flood.
struct OutgoingRecord: Sendable {
    var key: [UInt8]?
    /// Nil for a tombstone.
    var value: [UInt8]?
    var headers: [(name: String, value: [UInt8]?)] = []

    /// Bytes of key, value and headers.
    var size: Int { headers.reduce((key?.count ?? 0) + (value?.count ?? 0)) { $0 + $1.name.utf8.count + ($1.value?.count ?? 0) } }
}
