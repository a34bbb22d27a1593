import Mongo
import Runtime

/// Reads what commands were answered before.
struct StoredOutcomes {
    enum Found {
        case outcome(Outcome, StoredOrigin?)
        /// A document with the command's id that no dispatcher wrote.
        case foreign
    }

    let settings: DispatcherSettings

    /// The answers to commands that have a document; a command without one is left out.
    ///
    /// - Parameter time: of the answer that said that they have one. A read after it sees them, and what the majority
    ///   has stays.
    func find(_ ids: [String], after time: BSONTimestamp?, of client: borrowing MongoClient) throws(MongoError) -> [ByteEqualString: Found]
    {
        var found: [ByteEqualString: Found] = [:]
        try read(ids, fields: [Outcome.field, StoredOrigin.field], after: time, of: client) { id, document in
            found[ByteEqualString(id)] = Outcome(storedIn: document).map { .outcome($0, StoredOrigin(storedIn: document)) } ?? .foreign
        }
        return found
    }

    /// The resources that commands' documents hold.
    func held(by ids: Set<ByteEqualString>, in field: String, of client: borrowing MongoClient) throws(MongoError) -> [ByteEqualString:
        Resource]
    {
        var held: [ByteEqualString: Resource] = [:]
        try read(ids.map(\.text), fields: [field], after: nil, of: client) { id, document in
            held[ByteEqualString(id)] = document[field].map { Resource($0) }
        }
        return held
    }

    /// What to say while a document refuses another one with its id and is not to be found.
    func hidden(_ id: String) -> WaitsFor {
        WaitsFor(
            description:
                "\(settings.collection) refuses a document with the _id \(id.jsonQuoted), and a look shows none: it was deleted meanwhile, or is "
                + "another id to the server than to the bridge; the same is tried again")
    }

    private func read(
        _ ids: [String], fields: [String], after time: BSONTimestamp?, of client: borrowing MongoClient,
        _ take: (String, BSONDocument) -> Void
    ) throws(MongoError) {
        var concern: BSONDocument = ["level": "majority"]
        if let time { concern.append("afterClusterTime", .timestamp(time)) }
        try client.readAll(
            [
                "find": .string(settings.collection.collection), "filter": ["_id": ["$in": .array(ids.map { .string($0) })]],
                "projection": .document(BSONDocument(fields: fields.map { ($0, 1) })), "batchSize": BSONValue(max(ids.count, 1)),
                "readConcern": .document(concern),
            ], on: settings.collection.database, collection: settings.collection.collection, operation: "read what was done before"
        ) { reply, documents in
            reply.withUnsafeBytes { buffer in
                for range in documents {
                    guard let document = try? BSONDocument(copying: buffer.bytes, in: range) else { continue }
                    switch document["_id"] {
                    // For the server a symbol is the same as the text.
                    case .string(let id)?, .symbol(let id)?: take(id, document)
                    default: continue
                    }
                }
            }
        }
    }
}

extension StoredOutcomes.Found {
    /// The answer to a command whose id has this document.
    ///
    /// - Parameter item: the command in its batch.
    func answer(to id: String, from item: Int, of batch: CommandBatch, in collection: Namespace) -> CommandAnswer {
        let (code, message): (String, String)
        switch self {
        case .outcome(let outcome, let stored):
            let origin = batch.items[item].origin
            guard origin.digest != nil, let stored, !stored.isOf(origin) else { return .outcome(outcome) }
            (code, message) = (DeadLetter.idTaken, "the command has no id, and its name \(id) belongs to another one: \(stored)")
        case .foreign:
            (code, message) = (
                "\(MongoError.Code.duplicateKey)", "\(collection) has a document with the _id \(id) that no dispatcher wrote"
            )
        }
        return .invalid(id: id, code: code, message: message, at: batch.time(of: item))
    }
}

extension CommandAnswer {
    /// A dead letter of a command that can be answered.
    static func invalid(id: String, code: String, message: String, at time: Int64) -> CommandAnswer {
        .deadLetter(
            DeadLetter(code: code, message: message),
            Outcome(id: id, status: .invalid, requested: nil, assigned: nil, attempts: 0, message: message, at: time))
    }
}
