import CMongo

/// A client that was taken from the pool: one thread's at a time (libmongoc manual, "Connection Pooling").
package struct MongoClient: ~Copyable {
    let handle: OpaquePointer

    /// Runs a command as it is: no retry, no read or write concern added.
    ///
    /// - Parameters:
    ///   - server: the server that holds the cursor; nil selects one by the URI's read preference.
    ///   - operation: a phrase for the error.
    /// - Throws: ``MongoError``.
    func run(
        _ command: BSONDocument, on database: String, server: UInt32? = nil, operation: String
    ) throws(MongoError) -> BSONReply {
        let options: OpaquePointer = bson_new()
        defer { bson_destroy(options) }
        if let server { bson_append_int32(options, "serverId", -1, Int32(bitPattern: server)) }
        return try run(command, on: database, options: options, operation: operation)
    }

    /// Runs a command that belongs to a session: a cursor's getMore must name the session of its aggregate.
    ///
    /// - Throws: ``MongoError``.
    func run(
        _ command: BSONDocument, on database: String, session: borrowing MongoSession, server: UInt32, operation: String
    ) throws(MongoError) -> BSONReply {
        let options = try Self.options(of: session, operation: operation)
        defer { bson_destroy(options) }
        bson_append_int32(options, "serverId", -1, Int32(bitPattern: server))
        return try run(command, on: database, options: options, operation: operation)
    }

    /// Runs a command on the primary, whatever the URI's read preference is.
    ///
    /// - Parameter command: the bytes of one BSON document.
    /// - Throws: ``MongoError``.
    func runOnPrimary(_ command: UnsafeRawBufferPointer, on database: String, operation: String) throws(MongoError) -> BSONReply {
        let options: OpaquePointer = bson_new()
        defer { bson_destroy(options) }
        return try run(command, on: database, preference: nil, options: options, operation: operation)
    }

    /// Runs a command that belongs to a session on the primary: inside its transaction, when it has one.
    ///
    /// - Throws: ``MongoError``.
    func runOnPrimary(
        _ command: BSONDocument, on database: String, session: borrowing MongoSession, operation: String
    ) throws(MongoError) -> BSONReply {
        let options = try Self.options(of: session, operation: operation)
        defer { bson_destroy(options) }
        return try command.withUnsafeBytes { bytes throws(MongoError) in
            try run(bytes, on: database, preference: nil, options: options, operation: operation)
        }
    }

    /// The options that make a command one of a session; for the caller to destroy.
    private static func options(of session: borrowing MongoSession, operation: String) throws(MongoError) -> OpaquePointer {
        let options: OpaquePointer = bson_new()
        var error = bson_error_t()
        guard mongoc_client_session_append(session.handle, options, &error) else {
            bson_destroy(options)
            throw MongoError(error, operation: operation, reply: nil)
        }
        return options
    }

    private func run(
        _ command: BSONDocument, on database: String, options: OpaquePointer, operation: String
    ) throws(MongoError) -> BSONReply {
        try command.withUnsafeBytes { bytes throws(MongoError) in
            try run(bytes, on: database, preference: mongoc_client_get_read_prefs(handle), options: options, operation: operation)
        }
    }

    /// - Parameter preference: nil for the primary.
    private func run(
        _ command: UnsafeRawBufferPointer, on database: String, preference: OpaquePointer?, options: OpaquePointer, operation: String
    ) throws(MongoError) -> BSONReply {
        var error = bson_error_t()
        let reply = BSONReply()
        let done = command.withBSON { command in
            mongoc_client_command_with_opts(handle, database, command, preference, options, reply.pointer, &error)
        }
        guard done else { throw MongoError(error, operation: operation, reply: reply) }
        return reply
    }

    /// Runs a command off the hot path and copies its reply.
    ///
    /// - Throws: ``MongoError``.
    package func command(_ command: BSONDocument, on database: String, operation: String) throws(MongoError) -> BSONDocument {
        try run(command, on: database, operation: operation).document(operation: operation)
    }

    /// Runs a command off the hot path on the primary, whatever the URI's read preference is, and copies its reply.
    ///
    /// - Throws: ``MongoError``.
    package func commandOnPrimary(_ command: BSONDocument, on database: String, operation: String) throws(MongoError) -> BSONDocument {
        try command.withUnsafeBytes { bytes throws(MongoError) in try runOnPrimary(bytes, on: database, operation: operation) }
            .document(operation: operation)
    }

    /// Picks a server by the URI's read preference and says which one it is.
    ///
    /// - Throws: ``MongoError`` of kind `serverSelection` after `serverSelectionTimeoutMS`.
    func selectServer(operation: String) throws(MongoError) -> UInt32 {
        var error = bson_error_t()
        guard let description = mongoc_client_select_server(handle, false, mongoc_client_get_read_prefs(handle), &error) else {
            throw MongoError(error, operation: operation, reply: nil)
        }
        defer { mongoc_server_description_destroy(description) }
        return mongoc_server_description_id(description)
    }
}

extension UnsafeRawBufferPointer {
    /// Lends the bytes of one BSON document as a read-only `bson_t`.
    func withBSON<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        // Own memory for the struct, because of its 128-byte alignment; it points to the document's bytes and copies
        // nothing.
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
        defer { memory.deallocate() }
        let pointer = OpaquePointer(memory)
        let start = baseAddress?.assumingMemoryBound(to: UInt8.self)
        // The length prefix is ours, or was checked when the document was made, so this cannot fail.
        let valid = bson_init_static(pointer, start, count)
        assert(valid, "the bytes are one whole document")
        return body(pointer)
    }
}
