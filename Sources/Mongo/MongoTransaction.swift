import CMongo

/// A transaction over several documents: all of its writes or none.
///
/// Used on the thread that made it, while it holds the client. One that is neither committed nor aborted is aborted
/// with its session.
package struct MongoTransaction: ~Copyable {
    private let session: MongoSession

    /// Begins the transaction; nothing is sent yet.
    ///
    /// - Throws: ``MongoError`` when the deployment has no transactions.
    package init(of client: borrowing MongoClient, writeConcern: WriteConcern) throws(MongoError) {
        let operation = "begin a transaction"
        let session = try MongoSession(of: client)
        let options = mongoc_transaction_opts_new()
        defer { mongoc_transaction_opts_destroy(options) }
        writeConcern.withHandle { mongoc_transaction_opts_set_write_concern(options, $0) }
        // What a decision rests on has to last: a snapshot of what the majority has.
        let concern = mongoc_read_concern_new()
        defer { mongoc_read_concern_destroy(concern) }
        mongoc_read_concern_set_level(concern, MONGOC_READ_CONCERN_LEVEL_SNAPSHOT)
        mongoc_transaction_opts_set_read_concern(options, concern)
        let primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY)
        defer { mongoc_read_prefs_destroy(primary) }
        mongoc_transaction_opts_set_read_prefs(options, primary)
        var error = bson_error_t()
        guard mongoc_client_session_start_transaction(session.handle, options, &error) else {
            throw MongoError(error, operation: operation, reply: nil)
        }
        self.session = session
    }

    /// Runs a command inside the transaction, on the primary.
    ///
    /// - Throws: ``MongoError``; the server has aborted the transaction then.
    package func command(
        _ command: BSONDocument, on database: String, of client: borrowing MongoClient, operation: String
    ) throws(MongoError) -> BSONDocument {
        try client.runOnPrimary(command, on: database, session: session, operation: operation).document(operation: operation)
    }

    /// - Throws: ``MongoError``; with the label `UnknownTransactionCommitResult` the transaction may have been
    ///   committed: call again.
    package func commit() throws(MongoError) {
        var error = bson_error_t()
        let reply = BSONReply()
        guard mongoc_client_session_commit_transaction(session.handle, reply.pointer, &error) else {
            throw MongoError(error, operation: "commit a transaction", reply: reply)
        }
    }

    /// The newest cluster time that the transaction's commands were answered with.
    package var operationTime: BSONTimestamp? {
        var seconds: UInt32 = 0
        var increment: UInt32 = 0
        mongoc_client_session_get_operation_time(session.handle, &seconds, &increment)
        return seconds == 0 ? nil : BSONTimestamp(seconds: seconds, increment: increment)
    }

    /// Gives the transaction up, best effort.
    package func abort() { _ = mongoc_client_session_abort_transaction(session.handle, nil) }
}

extension MongoError {
    /// The transaction did not happen, and may succeed when it is run again as a whole.
    package var isTransientTransactionError: Bool { labels.contains("TransientTransactionError") }

    /// Whether the transaction was committed is unknown: commit it again.
    package var isUnknownCommitResult: Bool { labels.contains("UnknownTransactionCommitResult") }
}
