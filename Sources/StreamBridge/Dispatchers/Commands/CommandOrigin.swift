import Kafka
import Mongo
import Runtime

/// The record that a command is: what tells it from another one under the same id.
///
/// A command without an id is named by its coordinates, and coordinates come back when the topic is made anew; a
/// command may also have an id that reads like another one's coordinates. Such a name says who is meant only together
/// with this.
struct CommandOrigin: Sendable, Equatable {
    let place: RecordCoordinates
    /// Milliseconds since 1970; nil when Kafka has none.
    let timestamp: Int64?
    /// Of the record's bytes; nil for a command that brings an id of its own.
    let digest: Int64?

    /// FNV-1a: a hash that is the same in every process, as Swift's is not.
    static func digest(of bytes: UnsafeRawBufferPointer) -> Int64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int64(bitPattern: hash)
    }
}

// MARK: The stored form

extension StoredOrigin: CustomStringConvertible {
    /// Where the other command was.
    var description: String {
        "record \(topic ?? "?")/\(place)"
            + (timestamp.map { " of \(StoredPosition.iso8601(milliseconds: $0))" } ?? "")
    }
}

extension OutputBuffer {
    /// Appends the field ``StoredOrigin/field`` to a document under construction.
    mutating func appendStored(_ origin: CommandOrigin, topic: String) {
        append(BSONType.document.rawValue)
        append("command\0")
        appendDocument { buffer in
            buffer.append(BSONType.string.rawValue)
            buffer.append("topic\0")
            buffer.append(bsonString: topic)
            buffer.append(BSONType.int32.rawValue)
            buffer.append("partition\0")
            buffer.append(int32: origin.place.partition)
            buffer.append(BSONType.int64.rawValue)
            buffer.append("offset\0")
            buffer.append(uint64: UInt64(bitPattern: origin.place.offset))
            if let timestamp = origin.timestamp {
                buffer.append(BSONType.date.rawValue)
                buffer.append("timestamp\0")
                buffer.append(uint64: UInt64(bitPattern: timestamp))
            }
            if let digest = origin.digest {
                buffer.append(BSONType.int64.rawValue)
                buffer.append("digest\0")
                buffer.append(uint64: UInt64(bitPattern: digest))
            }
        }
    }
}
