extension MongoClient {
    /// Runs a command that answers with a cursor, and hands out the documents of all its batches without copying them.
    ///
    /// - Parameters:
    ///   - collection: the collection that getMore names.
    ///   - goesOn: is asked after each batch; what is left then is not read, and the server's cursor is closed.
    ///   - body: takes a batch's reply, kept alive as long as the caller keeps it, and where its documents are in the reply's bytes.
    /// - Returns: whether everything was read.
    /// - Throws: ``MongoError``.
    @discardableResult
    package func readAll(
        _ command: BSONDocument, on database: String, collection: String, operation: String, while goesOn: () -> Bool = { true },
        _ body: (BSONReply, [Range<Int>]) -> Void
    ) throws(MongoError) -> Bool {
        let server = try selectServer(operation: operation)
        // A cursor belongs to the session of the command that opened it.
        let session = try MongoSession(of: self)
        var command = command
        while true {
            let reply = try run(command, on: database, session: session, server: server, operation: operation)
            let batch = try CursorBatch(of: reply, operation: operation)
            body(reply, batch.documents)
            guard batch.cursor != 0 else { return true }
            guard goesOn() else {
                let kill: BSONDocument = ["killCursors": .string(collection), "cursors": .array([.int64(batch.cursor)])]
                // Best effort: the server closes it after a while in any case.
                _ = try? run(kill, on: database, session: session, server: server, operation: operation)
                return false
            }
            command = ["getMore": .int64(batch.cursor), "collection": .string(collection)]
        }
    }
}

extension BSONReply {
    /// The cluster time that a cursor with read concern `snapshot` reads at, from its reply.
    package var snapshotTime: BSONTimestamp? { (try? CursorBatch(of: self, operation: "read"))?.moment }
}

/// Where the documents of a cursor's reply are.
private struct CursorBatch {
    private(set) var cursor: Int64 = 0
    private(set) var moment: BSONTimestamp?
    private(set) var documents: [Range<Int>] = []

    init(of reply: BSONReply, operation: String) throws(MongoError) {
        do {
            try reply.withUnsafeBytes { buffer throws(BSONError) in try read(buffer.bytes) }
        } catch {
            throw MongoError(kind: .malformedReply, operation: operation, message: "\(error)")
        }
    }

    private mutating func read(_ bytes: RawSpan) throws(BSONError) {
        var fields = try BSONCursor(document: bytes)
        while let field = try fields.next(in: bytes) {
            guard field.keyEquals("cursor", in: bytes), let start = field.document?.lowerBound else { continue }
            var parts = try BSONCursor(document: bytes, at: start)
            while let part = try parts.next(in: bytes) {
                if part.keyEquals("id", in: bytes) {
                    cursor = part.int64(in: bytes) ?? 0
                } else if part.keyEquals("atClusterTime", in: bytes) {
                    moment = part.timestamp(in: bytes)
                } else if part.type == .array {
                    var array = try BSONCursor(document: bytes, at: part.value.lowerBound)
                    while let element = try array.next(in: bytes) { if element.type == .document { documents.append(element.value) } }
                }
            }
        }
    }
}
