/// Tells a record from another one that has its offset, in a topic that was deleted and created again.
package struct RecordMark: Sendable, Equatable {
    package let offset: Int64
    /// Milliseconds since 1970, or -1.
    let timestamp: Int64
    /// Of key and value.
    let checksum: UInt64

    package init(_ record: borrowing KafkaRecord) {
        offset = record.offset
        timestamp = record.timestamp ?? -1
        checksum = record.withKey { key in
            record.withValue { value in Self.checksum(value, after: Self.checksum(key, after: 0xcbf2_9ce4_8422_2325)) }
        }
    }

    /// FNV-1a, with the length before the bytes: it tells none from an empty text, and where the key ends.
    private static func checksum(_ bytes: UnsafeRawBufferPointer?, after start: UInt64) -> UInt64 {
        var hash = (start ^ (bytes.map { UInt64($0.count) + 1 } ?? 0)) &* 0x100_0000_01b3
        if let bytes { for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 } }
        return hash
    }

    // MARK: The metadata of a committed offset

    private static let prefix = "bridge-mark-1"

    package var text: String { "\(Self.prefix) \(offset) \(timestamp) \(String(checksum, radix: 16))" }

    /// Nil for what is not a mark.
    package init?(text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == Self.prefix, let offset = Int64(parts[1]), offset >= 0, let timestamp = Int64(parts[2]),
            let checksum = UInt64(parts[3], radix: 16)
        else { return nil }
        self.offset = offset
        self.timestamp = timestamp
        self.checksum = checksum
    }
}
