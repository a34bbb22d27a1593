import Runtime

/// An open change stream, read batch by batch with `aggregate` and `getMore`.
///
/// The driver's own `mongoc_change_stream_t` hands out single events, hides the post-batch token and does not say where
/// a batch ends; the raw commands give all three at the same speed. Resuming after an error is the caller's: only the
/// caller knows what was delivered.
///
/// Used on the thread that made it, while it holds the client.
package struct ChangeStream: ~Copyable {
    private let session: MongoSession
    /// The server that has the cursor.
    package let server: ServerID
    private let database: String
    private let collection: String
    private let maxAwait: Duration
    private let hidesValues: Bool
    private var cursor: Int64

    /// Sends the aggregate, with an empty first batch: the answer comes at once, however much the stream must scan to
    /// its first match.
    ///
    /// - Returns: the stream, and through ``initialToken`` the position that it begins at.
    /// - Throws: ``MongoError``.
    package init(_ options: ChangeStreamOptions, start: ChangeStreamOptions.Start, of client: borrowing MongoClient) throws(MongoError) {
        let operation = "open the change stream"
        let server = ServerID(number: try client.selectServer(operation: operation))
        let session = try MongoSession(of: client)
        let (database, target): (String, BSONValue) =
            switch options.scope {
            case .collection(let database, let collection): (database, .string(collection))
            case .database(let database): (database, .int32(1))
            case .cluster: ("admin", .int32(1))
            }
        let command: BSONDocument = [
            "aggregate": target,
            "pipeline": .array(
                [.document(["$changeStream": .document(Self.stage(options, start))])] + options.pipeline.map { .document($0) }
                    + (options.splitsLargeEvents ? [["$changeStreamSplitLargeEvent": [:]]] : [])),
            "cursor": ["batchSize": .int32(0)],
            "readConcern": ["level": "majority"],
        ]
        let reply = try client.run(command, on: database, session: session, server: server.number, operation: operation)
            .document(operation: operation)
        guard let cursor = reply["cursor"]?.documentValue, let id = cursor["id"]?.int64Value,
            let namespace = cursor["ns"]?.stringValue, let dot = namespace.firstIndex(of: ".")
        else { throw MongoError(kind: .malformedReply, operation: operation, message: "the reply has no cursor") }
        self.server = server
        self.session = session
        self.database = database
        maxAwait = options.maxAwait
        hidesValues = options.hidesValues
        self.cursor = id
        // For a database or the cluster the server answers with `$cmd.aggregate`, which getMore wants back.
        collection = String(namespace[namespace.index(after: dot)...])
        let times = [reply["operationTime"], reply["$clusterTime"]?.documentValue?["clusterTime"]].compactMap { $0?.timestampValue }
        clusterTime = times.max()
        initialToken = cursor["postBatchResumeToken"]?.documentValue.map { ResumeToken(document: $0) }
    }

    /// The position that the stream begins at, when the server tells it (4.0.7 and later).
    package let initialToken: ResumeToken?

    /// The newest cluster time that the server knew of when the stream was opened; nil for a server that does not tell.
    package let clusterTime: BSONTimestamp?

    /// False after an invalidate: the server has closed the cursor, and the stream continues only when it is opened
    /// again after its token.
    package var isOpen: Bool { cursor != 0 }

    /// Waits for events and returns what came, at most `size` of them and 16 MB.
    ///
    /// - Parameter time: how long to wait for a first one, at most; nil for the stream's `maxAwait`.
    /// - Throws: ``MongoError``.
    package mutating func nextBatch(
        size: Int, within time: Duration? = nil, of client: borrowing MongoClient
    ) throws(MongoError) -> ChangeStreamBatch {
        let operation = "read the change stream"
        let command: BSONDocument = [
            "getMore": .int64(cursor),
            "collection": .string(collection),
            "batchSize": .int32(Int32(clamping: size)),
            "maxTimeMS": .int64(Int64((time ?? maxAwait).milliseconds)),
        ]
        let reply: BSONReply
        do {
            reply = try client.run(command, on: database, session: session, server: server.number, operation: operation)
        } catch {
            throw hidesValues ? error.withoutValues : error
        }
        let batch = try ChangeStreamBatch(reply: reply)
        cursor = batch.cursor
        return batch
    }

    /// Frees the server's cursor, best effort.
    package consuming func close(of client: borrowing MongoClient) {
        guard cursor != 0 else { return }
        let command: BSONDocument = ["killCursors": .string(collection), "cursors": .array([.int64(cursor)])]
        _ = try? client.run(command, on: database, session: session, server: server.number, operation: "close the change stream")
    }

    private static func stage(_ options: ChangeStreamOptions, _ start: ChangeStreamOptions.Start) -> BSONDocument {
        var stage: BSONDocument = [:]
        if options.scope == .cluster { stage.append("allChangesForCluster", .boolean(true)) }
        if let mode = options.fullDocument { stage.append("fullDocument", .string(mode)) }
        if let mode = options.fullDocumentBeforeChange { stage.append("fullDocumentBeforeChange", .string(mode)) }
        if options.showExpandedEvents { stage.append("showExpandedEvents", .boolean(true)) }
        switch start {
        case .now: break
        case .after(let token): stage.append("startAfter", .document(token.document))
        case .at(let seconds, let increment):
            stage.append("startAtOperationTime", .timestamp(BSONTimestamp(seconds: seconds, increment: increment)))
        }
        return stage
    }
}
