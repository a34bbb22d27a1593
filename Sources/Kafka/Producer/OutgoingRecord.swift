/// One record with whatever headers it has: for what is no flood.
package struct OutgoingRecord: Sendable {
    package var key: [UInt8]?
    /// Nil for a tombstone.
    package var value: [UInt8]?
    package var headers: [(name: String, value: [UInt8]?)] = []
    /// Nil for the one that the key belongs to.
    package var partition: Int32?
    /// Milliseconds since 1970; 0 lets the client take its own clock.
    var timestamp: Int64 = 0

    /// Bytes of key, value and headers.
    package var size: Int { headers.reduce((key?.count ?? 0) + (value?.count ?? 0)) { $0 + $1.name.utf8.count + ($1.value?.count ?? 0) } }

    package init(
        key: [UInt8]? = nil, value: [UInt8]? = nil, headers: [(name: String, value: [UInt8]?)] = [], partition: Int32? = nil,
        timestamp: Int64 = 0
    ) {
        self.key = key
        self.value = value
        self.headers = headers
        self.partition = partition
        self.timestamp = timestamp
    }
}
