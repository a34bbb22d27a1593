import Kafka
import Mongo
import Runtime

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
    /// Two records at one place are one only if they have one time. Of two at different places one was sent back from
    /// the dead letters, under the name that it first had. Documents of versions that stored less are taken for the
    /// command's.
    func isOf(_ command: CommandOrigin) -> Bool {
        if place == command.place {
            return (timestamp == nil || timestamp == command.timestamp) && (digest == nil || digest == command.digest)
        }
        return timestamp == nil ? digest == nil : digest == command.digest
    }
}
