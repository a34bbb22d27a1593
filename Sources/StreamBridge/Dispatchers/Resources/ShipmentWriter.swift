import Mongo
import Runtime

/// Writes the documents of a dispatcher's collection (contract, section 5). Every command leaves exactly one, with its
/// id and its outcome: that is how the same command, whenever it comes again, gets the same answer.
struct ShipmentWriter: Sendable {
    /// The field that holds the resource, as a BSON key.
    private let field: String
    private let requestedField: String
    private let topic: String
    /// The instance that writes.
    private let writer: String
    private let guardIndex: GuardIndex

    init(_ settings: DispatcherSettings, guardIndex: GuardIndex, writer: String) {
        field = settings.resource.field
        requestedField = Self.requestedField(of: settings.resource)
        topic = settings.commands
        self.writer = writer
        self.guardIndex = guardIndex
    }

    /// The values of `status` that a dispatcher gives its documents.
    static let statuses = ["active", "completed", "rejected", "completion"]

    /// The fields that a dispatcher's documents may have.
    static func fields(of settings: DispatcherSettings) -> Set<String> {
        Set(settings.fields.map(\.name)).union(CommandField.namesOfBridge).union([
            "complete", settings.resource.field, requestedField(of: settings.resource),
        ])
    }

    static func requestedField(of resource: ResourceSettings) -> String { "requested_\(resource.field)" }

    /// A document that holds its resource.
    ///
    /// - Parameter body: the command's fields, as BSON elements in `memory`.
    func writeActive(
        _ outcome: Outcome, from origin: CommandOrigin, body: Range<Int>, of memory: borrowing OutputBuffer, into buffer: inout OutputBuffer
    ) {
        writeHead(outcome, body: body, of: memory, into: &buffer)
        if let resource = outcome.assigned { buffer.appendElement(field, resource.value) }
        writeTail(outcome, status: "active", time: "dispatched_at", from: origin, into: &buffer)
    }

    /// A document that holds nothing and remembers that its command was rejected.
    func writeRejected(
        _ outcome: Outcome, from origin: CommandOrigin, body: Range<Int>, of memory: borrowing OutputBuffer, into buffer: inout OutputBuffer
    ) {
        writeHead(outcome, body: body, of: memory, into: &buffer)
        if guardIndex.kind == .plain { buffer.appendElement(field, placeholder(for: outcome.id)) }
        writeTail(outcome, status: "rejected", time: "rejected_at", from: origin, into: &buffer)
    }

    /// The document of a completion.
    func completion(_ outcome: Outcome, of target: String, from origin: CommandOrigin) -> BSONDocument {
        var buffer = OutputBuffer(capacity: 512)
        buffer.appendDocument { buffer in
            buffer.appendElement("_id", .string(outcome.id))
            buffer.appendElement("complete", .string(target))
            if guardIndex.kind == .plain { buffer.appendElement(field, placeholder(for: outcome.id)) }
            let isDone = outcome.status == .completed
            writeTail(
                outcome, status: isDone ? "completion" : "rejected", time: isDone ? "completed_at" : "rejected_at", from: origin,
                into: &buffer)
        }
        // What was just written is BSON.
        return buffer.withUnsafeBytes { (try? BSONDocument(copying: $0)) ?? [:] }
    }

    /// The update that ends an active document: `completed_by` is the command, `completed_writer` the instance.
    func ending(of target: String, by outcome: Outcome) -> BSONDocument {
        var changes: BSONDocument = [
            "status": "completed", "completed_at": .date(milliseconds: outcome.at), "completed_by": .string(outcome.id),
            "completed_writer": .string(writer),
        ]
        if guardIndex.kind == .plain { changes.append(field, placeholder(for: target)) }
        return ["$set": .document(changes)]
    }

    /// Under a plain unique index every document needs a value of its own in the guarded field, and one that is no
    /// resource.
    private func placeholder(for id: String) -> BSONValue { ["inactive": .string(id)] }

    /// Where the placeholders are in the server's order: documents whose first field is a text of that name.
    static let placeholders: (lowerBound: BSONValue, upperBound: BSONValue) = (["inactive": ""], ["inactive\u{1}": ""])

    private func writeHead(_ outcome: Outcome, body: Range<Int>, of memory: borrowing OutputBuffer, into buffer: inout OutputBuffer) {
        buffer.append(BSONType.string.rawValue)
        buffer.append("_id\0")
        buffer.append(bsonString: outcome.id)
        memory.withUnsafeBytes { buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[body])) }
        if let requested = outcome.requested { buffer.appendElement(requestedField, requested.value) }
    }

    private func writeTail(
        _ outcome: Outcome, status: String, time: String, from origin: CommandOrigin, into buffer: inout OutputBuffer
    ) {
        buffer.append(BSONType.string.rawValue)
        buffer.append("status\0")
        buffer.append(bsonString: status)
        buffer.append(BSONType.date.rawValue)
        buffer.append(cString: time)
        buffer.append(uint64: UInt64(bitPattern: outcome.at))
        buffer.append(BSONType.string.rawValue)
        buffer.append("writer\0")
        buffer.append(bsonString: writer)
        buffer.appendStored(origin, topic: topic)
        outcome.writeStored(into: &buffer)
    }
}
