import Mongo

extension ChangeStreamOptions {
    /// The server's side of a stream's configuration.
    ///
    /// - Throws: ``Halt`` for a pipeline that is no list of stages.
    init(_ stream: StreamSettings, on deployment: Deployment) throws {
        var stages: [BSONDocument] = []
        let scope: Scope
        switch stream.watch {
        case .collection(let namespace): scope = .collection(database: namespace.database, collection: namespace.collection)
        case .database(let database): scope = .database(database)
        case .cluster: scope = .cluster
        case .collections(let namespaces):
            let databases = Set(namespaces.map(\.database))
            // One stream for all, so that their events stay in the order of the oplog. `ns.coll` with `$in` is what the
            // server filters fastest while it scans.
            if databases.count == 1, let database = databases.first {
                scope = .database(database)
                stages.append(["$match": ["ns.coll": ["$in": .array(namespaces.map { .string($0.collection) })]]])
            } else {
                scope = .cluster
                let alternatives = databases.sorted().map { database -> BSONValue in
                    let collections = namespaces.filter { $0.database == database }.map { BSONValue.string($0.collection) }
                    return ["ns.db": .string(database), "ns.coll": ["$in": .array(collections)]]
                }
                stages.append(["$match": ["$or": .array(alternatives)]])
            }
        }
        stages += try stream.stages()
        self.init(
            scope: scope,
            pipeline: stages,
            fullDocument: stream.fullDocument.serverMode,
            fullDocumentBeforeChange: stream.fullDocumentBeforeChange == .off ? nil : stream.fullDocumentBeforeChange.rawValue,
            showExpandedEvents: stream.showExpandedEvents
        )
        hidesValues = stream.fields != nil && !stages.isEmpty
        // The server takes it only once, as the last stage. A token of a stream without the stage resumes with it, and
        // one of a whole event resumes without it; so it is no part of the stream's definition, and a server that is
        // upgraded may begin with it.
        splitsLargeEvents = deployment.splitsLargeEvents && !stages.contains { $0.keys.first == "$changeStreamSplitLargeEvent" }
    }
}

extension StreamSettings {
    /// The stages of the pipeline.
    ///
    /// - Throws: ``Halt`` for a pipeline that is no list of stages.
    func stages() throws -> [BSONDocument] {
        let document: BSONDocument
        do {
            // libbson reads documents, not arrays.
            document = try BSONDocument(extendedJSON: "{\"pipeline\":\(pipeline)}")
        } catch {
            throw Halt(
                reason: "the pipeline of stream \(name) is not Extended JSON: \(error)", remedy: "Correct the pipeline",
                status: .configuration)
        }
        return try (document["pipeline"]?.arrayValue ?? []).map { stage in
            guard let stage = stage.documentValue else {
                throw Halt(
                    reason: "the pipeline of stream \(name) is not a list of stages", remedy: "Write each stage as a document",
                    status: .configuration)
            }
            return stage
        }
    }
}
