import Mongo

/// Reads the documents of one collection by `_id`, a part at a time, as they are at a point of the change stream.
///
/// The order is that of the index on `_id`, across BSON types. `hint` and `min` keep to it where `$gt` of a query would
/// not, since that compares within one type only; `$gt` of an expression compares as the index does.
struct SnapshotQuery: Sendable {
    let namespace: Namespace
    /// Only documents that match; nil for all.
    let filter: BSONDocument?
    /// The stages of the stream's pipeline, which the server applies to the events that the documents make.
    let stages: [BSONDocument]
    /// The fields of a sharded collection's key, besides `_id`.
    let shardKey: [String]
    /// Errors do not quote documents (``MongoError/withoutValues``).
    let hidesValues: Bool

    /// What is read at once: behind one document, up to another one.
    struct Span {
        /// Nil for the beginning of the collection.
        var after: DocumentID?
        /// Nil for its end.
        var end: DocumentID?
    }

    /// One reply of the server.
    struct Answer {
        let reply: BSONReply
        /// In the bytes of the reply.
        var documents: [Range<Int>]
        /// There is more than fits into a reply.
        let isCut: Bool
    }

    /// The server gives a read up after this time.
    static let serverTime: Int64 = 10_000
    private static let operation = "read documents for the snapshot"

    /// What is read shows where it ends: no document is left out of it.
    var isPlain: Bool { filter == nil && stages.isEmpty }

    /// The last of the next documents, which the index alone tells.
    ///
    /// - Returns: nil when fewer are left.
    /// - Throws: ``MongoError``.
    func end(of count: Int, after: DocumentID?, at time: BSONTimestamp, of client: borrowing MongoClient) throws(MongoError) -> DocumentID?
    {
        var command = find(at: time)
        // `min` includes its document.
        if let after { command.append("min", .document(after.document)) }
        command.append("projection", ["_id": 1])
        command.append("skip", .int64(Int64(after == nil ? count - 1 : count)))
        command.append("limit", 1)
        var end: DocumentID?
        try client.readAll(command, on: namespace.database, collection: namespace.collection, operation: Self.operation) {
            reply, documents in
            end = documents.first.flatMap { Self.id(of: $0, in: reply) }
        }
        return end
    }

    /// Reads documents from behind one of them, so many at most.
    ///
    /// - Throws: ``MongoError``.
    func next(_ count: Int, after: DocumentID?, at point: SnapshotPoint, of client: borrowing MongoClient) throws(MongoError) -> Answer {
        var command = find(at: point.time)
        if let after { command.append("min", .document(after.document)) }
        let limit = Int64(after == nil ? count : count + 1)
        command.append("limit", .int64(limit))
        command.append("batchSize", .int64(limit))
        var answer = try first(command, of: client)
        if let after, let first = answer.documents.first, Self.id(of: first, in: answer.reply) == after { answer.documents.removeFirst() }
        // It filled the reply alone, and would again.
        if answer.isCut, answer.documents.isEmpty { return try read(Span(after: after), at: point, of: client) }
        return answer
    }

    /// Reads the document whose `_id` is MaxKey, which `min` never gives.
    ///
    /// - Throws: ``MongoError``.
    func last(at time: BSONTimestamp, of client: borrowing MongoClient) throws(MongoError) -> Answer {
        var command = find(at: time)
        command.append("filter", ["_id": .maxKey])
        return try first(command, of: client)
    }

    /// Reads a span, or as much of it as fits into one reply.
    ///
    /// - Throws: ``MongoError``.
    func read(_ span: Span, at point: SnapshotPoint, of client: borrowing MongoClient) throws(MongoError) -> Answer {
        guard !stages.isEmpty else {
            var command = find(at: point.time)
            let conditions = [span.condition, filter].compactMap { $0.map { BSONValue.document($0) } }
            if !conditions.isEmpty { command.append("filter", ["$and": .array(conditions)]) }
            command.append("batchSize", .int32(.max))
            return try first(command, of: client)
        }
        let conditions = [span.condition, filter].compactMap(\.self)
        let pipeline =
            conditions.map { ["$match": .document($0)] } + [
                ["$sort": ["_id": 1]], ["$replaceRoot": ["newRoot": .document(shape(at: point))]],
            ]
            + stages.filter { $0.keys.first != "$changeStreamSplitLargeEvent" }
        return try first(
            [
                "aggregate": .string(namespace.collection), "pipeline": .array(pipeline.map { .document($0) }), "hint": ["_id": 1],
                "cursor": ["batchSize": .int32(.max)], "maxTimeMS": .int64(Self.serverTime), "readConcern": Self.concern(point.time),
            ], of: client)
    }

    /// The `_id` of a document, byte for byte.
    static func id(of document: Range<Int>, in reply: BSONReply) -> DocumentID? {
        reply.withUnsafeBytes { buffer in
            let bytes = buffer.bytes
            guard var fields = try? BSONCursor(document: bytes, at: document.lowerBound) else { return nil }
            while let field = try? fields.next(in: bytes) {
                if field.keyEquals("_id", in: bytes) { return DocumentID(field, of: bytes) }
            }
            return nil
        }
    }

    private func first(_ command: BSONDocument, of client: borrowing MongoClient) throws(MongoError) -> Answer {
        var answer: (BSONReply, [Range<Int>])?
        let isWhole = try client.readAll(
            command, on: namespace.database, collection: namespace.collection, operation: Self.operation, while: { false }
        ) { answer = ($0, $1) }
        guard let answer else { throw MongoError(kind: .malformedReply, operation: Self.operation, message: "there is no reply") }
        return Answer(reply: answer.0, documents: answer.1, isCut: !isWhole)
    }

    private func find(at time: BSONTimestamp) -> BSONDocument {
        [
            "find": .string(namespace.collection), "hint": ["_id": 1], "maxTimeMS": .int64(Self.serverTime),
            "readConcern": Self.concern(time),
        ]
    }

    private static func concern(_ time: BSONTimestamp) -> BSONValue { ["level": "snapshot", "atClusterTime": .timestamp(time)] }

    /// The event that an insert of a document would have given.
    private func shape(at point: SnapshotPoint) -> BSONDocument {
        var key: BSONDocument = [:]
        for field in shardKey.contains("_id") ? shardKey : shardKey + ["_id"] { key.append(field, .string("$\(field)")) }
        return [
            "_id": ["$literal": .document(point.token.document)], "operationType": ["$literal": "insert"],
            "clusterTime": ["$literal": .timestamp(point.time)], "fullDocument": "$$ROOT",
            "ns": ["$literal": ["db": .string(namespace.database), "coll": .string(namespace.collection)]],
            "documentKey": .document(key),
        ]
    }
}

extension SnapshotQuery.Span {
    /// As a query; nil for a whole collection.
    fileprivate var condition: BSONDocument? {
        var bounds: [BSONValue] = []
        if let after { bounds.append(["$gt": ["$_id", .document(after.literal)]]) }
        if let end { bounds.append(["$lte": ["$_id", .document(end.literal)]]) }
        return bounds.isEmpty ? nil : ["$expr": ["$and": .array(bounds)]]
    }
}
