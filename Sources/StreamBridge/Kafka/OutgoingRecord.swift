/// One record with whatever headers it has: for what is no flood.
struct OutgoingRecord: Sendable {
    var key: [UInt8]?
    /// Nil for a tombstone.
    var value: [UInt8]?
    var headers: [(name: String, value: [UInt8]?)] = []
    /// Nil for the one that the key belongs to.
    var partition: Int32?
    /// Milliseconds since 1970; 0 lets the client take its own clock.
    var timestamp: Int64 = 0

    /// Bytes of key, value and headers.
    var size: Int { headers.reduce((key?.count ?? 0) + (value?.count ?? 0)) { $0 + $1.name.utf8.count + ($1.value?.count ?? 0) } }
}
