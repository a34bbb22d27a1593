import Mongo
import Runtime

/// The answer to a command (contract, section 5). Stored with the command's document, so that the same command gets the
/// same answer for good.
struct Outcome: Sendable, Equatable {
    enum Status: String, Sendable, CaseIterable {
        case dispatched, reassigned, rejected, completed, invalid
    }

    /// The command's id.
    var id: String
    var status: Status
    /// The resource that the command asked for.
    var requested: Resource?
    /// The resource that it got; for a completion, the one that is free again.
    var assigned: Resource?
    /// How many documents the server was offered for it.
    var attempts: Int
    /// One sentence for people.
    var message: String
    /// Milliseconds since 1970.
    var at: Int64
}

// MARK: The record

extension Outcome {
    /// Appends the value of the outcome's record: one line of JSON, always the same keys in the same order.
    func write(into buffer: inout OutputBuffer) {
        buffer.append("{\"id\":")
        buffer.append(jsonString: id)
        buffer.append(",\"status\":\"")
        buffer.append(utf8Of: status.rawValue)
        buffer.append("\",\"requested\":")
        Self.write(requested, into: &buffer)
        buffer.append(",\"assigned\":")
        Self.write(assigned, into: &buffer)
        buffer.append(",\"attempts\":")
        buffer.append(decimal: Int64(attempts))
        buffer.append(",\"message\":")
        buffer.append(jsonString: message)
        buffer.append(",\"at\":\"")
        buffer.append(iso8601: at)
        buffer.append("\"}")
    }

    private static func write(_ resource: Resource?, into buffer: inout OutputBuffer) {
        if let resource { resource.writeJSON(into: &buffer) } else { buffer.append("null") }
    }
}

// MARK: The stored form

extension Outcome {
    /// The field of a document that holds its outcome.
    static let field = "outcome"

    /// Appends the field ``field`` to a document under construction. The id is the document's own.
    func writeStored(into buffer: inout OutputBuffer) {
        buffer.append(BSONType.document.rawValue)
        buffer.append("outcome\0")
        buffer.appendDocument { buffer in
            buffer.append(BSONType.string.rawValue)
            buffer.append("status\0")
            buffer.append(bsonString: status.rawValue)
            if let requested { buffer.appendElement("requested", requested.value) }
            if let assigned { buffer.appendElement("assigned", assigned.value) }
            buffer.append(BSONType.int32.rawValue)
            buffer.append("attempts\0")
            buffer.append(int32: Int32(clamping: attempts))
            buffer.append(BSONType.string.rawValue)
            buffer.append("message\0")
            buffer.append(bsonString: message)
            buffer.append(BSONType.date.rawValue)
            buffer.append("at\0")
            buffer.append(uint64: UInt64(bitPattern: at))
        }
    }

    /// Reads the outcome of a document; nil when it has none, because no dispatcher wrote it.
    init?(storedIn document: BSONDocument) {
        guard let id = document["_id"]?.stringValue, let stored = document[Self.field]?.documentValue,
            let status = stored["status"]?.stringValue.flatMap(Status.init(rawValue:)), let message = stored["message"]?.stringValue,
            let at = stored["at"]?.dateValue
        else { return nil }
        self.init(
            id: id, status: status, requested: stored["requested"].map { Resource($0) }, assigned: stored["assigned"].map { Resource($0) },
            attempts: stored["attempts"]?.int64Value.map { Int(clamping: $0) } ?? 0, message: message, at: at)
    }
}
