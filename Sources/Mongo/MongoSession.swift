import CMongo

/// Owner of an explicit session.
struct MongoSession: ~Copyable {
    let handle: OpaquePointer

    /// - Throws: ``MongoError`` when the deployment has no sessions.
    init(of client: borrowing MongoClient) throws(MongoError) {
        var error = bson_error_t()
        let options = mongoc_session_opts_new()
        defer { mongoc_session_opts_destroy(options) }
        // Causal consistency would add `afterClusterTime` to reads; a change stream needs no such promise.
        mongoc_session_opts_set_causal_consistency(options, false)
        guard let handle = mongoc_client_start_session(client.handle, options, &error) else {
            throw MongoError(error, operation: "start a session", reply: nil)
        }
        self.handle = handle
    }

    deinit { mongoc_client_session_destroy(handle) }
}
