import Mongo

/// The collection of all resources, and the documents that hold some of them.
struct ResourcePool: Sendable {
    let pool: Namespace
    let dispatcher: DispatcherSettings
    let guardIndex: GuardIndex

    /// Every member of the pool, and whether something holds it.
    ///
    /// - Parameter time: the answer is at least as new.
    func members(after time: BSONTimestamp?, of client: borrowing MongoClient) throws(MongoError) -> [(resource: Resource, isBusy: Bool)] {
        try read(after: time, stages: [], of: client)
    }

    /// Members that nothing holds, at most `count`: an anti-join, on the server where both collections are in one database.
    ///
    /// `$lookup` would look into the index once for each member, 20 microseconds each; one pass over both collections and a hash table take
    /// a fifteenth of that.
    func free(atMost count: Int, after time: BSONTimestamp?, of client: borrowing MongoClient) throws(MongoError) -> [Resource] {
        let isLowest = dispatcher.resource.choose == .lowest
        let stages: [BSONValue] =
            [["$match": ["busy": .null]]] + (isLowest ? [["$sort": ["_id": 1]]] : []) + [["$limit": BSONValue(count)]]
        let found = try read(after: time, stages: stages, of: client).filter { !$0.isBusy }.map(\.resource)
        return Array((isLowest ? found.sorted() : found).prefix(count))
    }

    private func read(
        after time: BSONTimestamp?, stages: [BSONValue], of client: borrowing MongoClient
    ) throws(MongoError) -> [(resource: Resource, isBusy: Bool)] {
        guard pool.database == dispatcher.collection.database else { return try readApart(after: time, of: client) }
        let pipeline: [BSONValue] =
            [
                ["$project": ["_id": 1, "member": ["$literal": true]]],
                [
                    "$unionWith": [
                        "coll": .string(dispatcher.collection.collection), "pipeline": .array([["$match": .document(holding)], holder]),
                    ]
                ],
                ["$group": ["_id": "$_id", "member": ["$max": "$member"], "busy": ["$max": "$busy"]]],
                ["$match": ["member": true]],
            ] + stages
        var found: [(resource: Resource, isBusy: Bool)] = []
        let command: BSONDocument = [
            "aggregate": .string(pool.collection), "pipeline": .array(pipeline), "cursor": ["batchSize": 10_000], "allowDiskUse": true,
            "readConcern": .document(Self.concern(after: time)),
        ]
        try collect(command, on: pool, of: client) { document in
            if let id = document["_id"] { found.append((Resource(id), document["busy"]?.isTruthy == true)) }
        }
        return found
    }

    /// `$unionWith` does not reach another database.
    private func readApart(after time: BSONTimestamp?, of client: borrowing MongoClient) throws(MongoError) -> [(
        resource: Resource, isBusy: Bool
    )] {
        var members: [Resource] = []
        var busy: Set<Resource> = []
        let concern = BSONValue.document(Self.concern(after: time))
        try collect(["find": .string(pool.collection), "projection": ["_id": 1], "readConcern": concern], on: pool, of: client) {
            if let id = $0["_id"] { members.append(Resource(id)) }
        }
        let collection = dispatcher.collection
        try collect(
            [
                "aggregate": .string(collection.collection), "pipeline": .array([["$match": .document(holding)], holder]),
                "cursor": ["batchSize": 10_000], "readConcern": concern,
            ], on: collection, of: client
        ) {
            if let id = $0["_id"] { busy.insert(Resource(id)) }
        }
        return members.map { ($0, busy.contains($0)) }
    }

    /// Which documents hold a resource.
    private var holding: BSONDocument {
        switch guardIndex.kind {
        // Without the second condition, which every document fulfils, the planner would not use the partial index, and read all that was ever
        // dispatched.
        case .partial: ["status": "active", guardIndex.field: ["$gte": .minKey]]
        case .plain: [guardIndex.field: ["$exists": true]]
        }
    }

    private var holder: BSONValue { ["$project": ["_id": .string("$" + guardIndex.field), "busy": ["$literal": true]]] }

    private static func concern(after time: BSONTimestamp?) -> BSONDocument {
        var concern: BSONDocument = ["level": "majority"]
        if let time { concern.append("afterClusterTime", .timestamp(time)) }
        return concern
    }

    private func collect(
        _ command: BSONDocument, on namespace: Namespace, of client: borrowing MongoClient, _ take: (BSONDocument) -> Void
    ) throws(MongoError) {
        try client.readAll(
            command, on: namespace.database, collection: namespace.collection, operation: "look for free resources in \(pool)"
        ) { reply, documents in
            reply.withUnsafeBytes { buffer in
                for range in documents {
                    if let document = try? BSONDocument(copying: buffer.bytes, in: range) { take(document) }
                }
            }
        }
    }
}
