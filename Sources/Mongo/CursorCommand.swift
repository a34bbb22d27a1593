extension MongoClient {
    /// Runs a command that answers with a cursor, and hands out the documents of all its batches without copying them.
    ///
    /// - Parameters:
    ///   - collection: the collection that getMore names.
    ///   - goesOn: is asked after each batch; what is left then is not read, and the server's cursor is closed.
    ///   - body: takes a batch's reply, kept alive as long as the caller keeps it, and where its documents are in the
    ///     reply's bytes.
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
