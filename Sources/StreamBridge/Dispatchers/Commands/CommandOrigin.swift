import Kafka
import Mongo
import Runtime

/// The record that a command is: what tells it from another one under the same id.
///
/// A command without an id is named by its coordinates, and coordinates come back when the topic is made anew; a command may also have an id
/// that reads like another one's coordinates. Such a name says who is meant only together with this.
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

/// What a document says of the record that it comes from.
struct StoredOrigin: Sendable, Equatable {
    let topic: String?
    let place: RecordCoordinates
    let timestamp: Int64?
    let digest: Int64?

    /// The field of a document.
    static let field = "command"

    /// Nil when a document does not say it.
    init?(storedIn document: BSONDocument) {
        guard let stored = document[Self.field]?.documentValue,
            let partition = stored["partition"]?.int64Value.flatMap({ Int32(exactly: $0) }), let offset = stored["offset"]?.int64Value
        else { return nil }
        topic = stored["topic"]?.stringValue
        place = RecordCoordinates(partition: partition, offset: offset)
        timestamp = stored["timestamp"]?.dateValue
        digest = stored["digest"]?.int64Value
    }

    /// Whether the document is that of this command, which brought no id.
    ///
    /// Two records at one place are one only if they have one time. Of two at different places one was sent back from the dead letters, under
    /// the name that it first had. Documents of versions that stored less are taken for the command's.
    func isOf(_ command: CommandOrigin) -> Bool {
        if place == command.place {
            return (timestamp == nil || timestamp == command.timestamp) && (digest == nil || digest == command.digest)
        }
        return timestamp == nil ? digest == nil : digest == command.digest
    }
}

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
