import CMongo

/// A failed operation on MongoDB: where it failed, the server's code and labels, and the server's or the driver's
/// sentence.
package struct MongoError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The server answered with an error code.
        case server(code: Code)
        /// A connection broke, or an answer did not come in time. Whether the command was carried out is unknown.
        case network
        /// No suitable server was found in time. Nothing was sent.
        case serverSelection
        /// All of the pool's clients were lent for longer than one is waited for. Nothing was sent.
        case noClient
        /// The server refused the credentials; or the connection broke while they were being exchanged, which libmongoc
        /// reports alike (`_mongoc_cluster_run_scram_command`). So one such error is no proof.
        case authentication
        /// The driver refused the call itself: a malformed URI or command.
        case client
        /// An answer that is not what the protocol promises.
        case malformedReply
    }

    package let kind: Kind
    /// What was being done, as a phrase: "open the change stream".
    package let operation: String
    package let message: String
    /// The error labels of the server (`ResumableChangeStreamError`, `NonResumableChangeStreamError`, …).
    package let labels: [String]
    /// Why no server could be used, when those that answer say it.
    package internal(set) var fault: TopologyFault?

    package init(kind: Kind, operation: String, message: String, labels: [String] = []) {
        self.kind = kind
        self.operation = operation
        self.message = message
        self.labels = labels
    }

    init(_ error: bson_error_t, operation: String, reply: BSONReply?) {
        self.init(
            kind: Self.kind(of: error),
            operation: operation,
            message: error.text,
            labels: reply?.labels ?? []
        )
    }

    /// The server's code, when the server answered.
    package var code: Code? {
        guard case .server(let code) = kind else { return nil }
        return code
    }

    package var description: String {
        switch kind {
        case .server(let code): "could not \(operation): \(message) (server code \(code))"
        case .network: "could not \(operation): the connection to MongoDB broke: \(message)"
        case .serverSelection: "could not \(operation): \(fault?.reason ?? "MongoDB cannot be reached: \(message)")"
        case .noClient: "could not \(operation): \(message)"
        case .authentication: "could not \(operation): MongoDB refused the credentials: \(message)"
        case .client: "could not \(operation): \(message)"
        case .malformedReply: "could not \(operation): MongoDB sent a reply that cannot be read: \(message)"
        }
    }

    /// The same without the server's sentence, where that may quote a document: an expression that fails names the
    /// value that it failed on.
    package var withoutValues: MongoError {
        guard case .server(let code) = kind, code != .unauthorized, !labels.contains("ResumableChangeStreamError") else { return self }
        var shown = "the server's sentence is left out, because it may have values of documents; its log has it"
        if labels.contains("NonResumableChangeStreamError") {
            // It quotes the event's `_id` behind this word.
            guard let end = message.firstRange(of: " Expected: ") else { return self }
            shown = String(message[..<end.lowerBound])
        }
        var error = MongoError(kind: kind, operation: operation, message: shown, labels: labels)
        error.fault = fault
        return error
    }

    /// Domains as in the libmongoc manual, "Error Reporting", with error API version 2.
    private static func kind(of error: bson_error_t) -> Kind {
        switch error.domain {
        case MONGOC_ERROR_SERVER.rawValue, MONGOC_ERROR_WRITE_CONCERN.rawValue:
            let code = Code(rawValue: Int32(bitPattern: error.code))
            // A handshake reports it as the server's own error.
            return code == .authenticationFailed ? .authentication : .server(code: code)
        case MONGOC_ERROR_STREAM.rawValue: return .network
        case MONGOC_ERROR_SERVER_SELECTION.rawValue: return .serverSelection
        case MONGOC_ERROR_CLIENT.rawValue where error.code == MONGOC_ERROR_CLIENT_AUTHENTICATE.rawValue: return .authentication
        // The deployment changed while a session was being started.
        case MONGOC_ERROR_CLIENT.rawValue where error.code == MONGOC_ERROR_CLIENT_SESSION_FAILURE.rawValue: return .network
        // The server is too old or too new for this driver: its sentence says which.
        case MONGOC_ERROR_PROTOCOL.rawValue where error.code == MONGOC_ERROR_PROTOCOL_BAD_WIRE_VERSION.rawValue: return .client
        case MONGOC_ERROR_SCRAM.rawValue, MONGOC_ERROR_SASL.rawValue: return .authentication
        case MONGOC_ERROR_PROTOCOL.rawValue: return .malformedReply
        default: return .client
        }
    }
}

extension bson_error_t {
    /// The sentence, from the C array that Swift sees as a tuple.
    var text: String {
        withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
