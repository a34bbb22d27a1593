import Mongo

/// The collection of all resources, and the documents that hold some of them.
///
/// Both are read by cursors, at one moment, and compared here: every answer of the server is a small one, whatever the
/// size of the two, so none outlasts a client's patience and is then worked on for nobody. (One aggregation that joins
/// them takes seconds for a million resources, and as long again when it is asked again.)
struct ResourcePool: Sendable {
    let pool: Namespace
    let dispatcher: DispatcherSettings
    let guardIndex: GuardIndex
    /// The server reads two collections as of one moment, outside of a transaction, too.
    let readsSnapshots: Bool

    /// So many documents in one answer.
    private static let batchSize: BSONValue = 2000
    /// The server gives a look up by then. It keeps a moment for as long (`minSnapshotHistoryWindowInSeconds`).
    private static let longestLook: BSONValue = 300_000

    /// Every member of the pool, and whether something holds it.
    ///
    /// - Parameter time: the answer is at least as new.
    func members(after time: BSONTimestamp?, of client: borrowing MongoClient) throws(MongoError) -> [(resource: Resource, isBusy: Bool)] {
        var members: [(resource: Resource, isBusy: Bool)] = []
        try read(after: time, of: client) { resource, isBusy in
            members.append((resource, isBusy))
            return true
        }
        return members
    }

    /// Members that nothing holds, at most `count`: the lowest ones, or any.
    ///
    /// None means that there was a moment when nothing was free.
    func free(atMost count: Int, after time: BSONTimestamp?, of client: borrowing MongoClient) throws(MongoError) -> [Resource] {
        let isLowest = dispatcher.resource.choose == .lowest
        var free: [Resource] = []
        var seen = 0
        try read(after: time, of: client) { resource, isBusy in
            guard !isBusy else { return true }
            seen += 1
            if free.count < count {
                free.append(resource)
            } else if !isLowest {
                // Each has the same chance, however many there are.
                let place = Int.random(in: 0..<seen)
                if place < count { free[place] = resource }
            }
            return !isLowest || free.count < count
        }
        return free
    }

    /// Whether a document holds the resource.
    func isHeld(_ resource: Resource, after time: BSONTimestamp?, of client: borrowing MongoClient) throws(MongoError) -> Bool {
        var isHeld = false
        try collect(
            [
                "find": .string(dispatcher.collection.collection), "filter": .document(holding(among: [resource])),
                "projection": ["_id": 1], "limit": 1, "singleBatch": true,
                "maxTimeMS": Self.longestLook, "readConcern": .document(Self.concern("majority", after: time)),
            ], on: dispatcher.collection, of: client
        ) { _ in isHeld = true }
        return isHeld
    }

    // MARK: Reading

    /// - Parameter take: gets each member in the order of `_id`; the look ends when it returns false.
    private func read(
        after time: BSONTimestamp?, of client: borrowing MongoClient, _ take: (Resource, Bool) -> Bool
    ) throws(MongoError) {
        var busy: Set<Resource> = []
        let collection = dispatcher.collection
        let moment = try collect(
            [
                "find": .string(collection.collection), "filter": .document(holding),
                "projection": .document(["_id": 0, guardIndex.field: 1]), "batchSize": Self.batchSize, "maxTimeMS": Self.longestLook,
                "readConcern": .document(Self.concern(readsSnapshots ? "snapshot" : "majority", after: time)),
            ], on: collection, of: client
        ) { value in
            // An index takes a list for each of its values.
            for value in value.arrayValue ?? [value] { busy.insert(Resource(value)) }
        }
        var concern = Self.concern("majority", after: time)
        if let moment { concern = ["level": "snapshot", "atClusterTime": .timestamp(moment)] }
        var goesOn = true
        try collect(
            [
                "find": .string(pool.collection), "sort": ["_id": 1], "projection": ["_id": 1], "batchSize": Self.batchSize,
                "maxTimeMS": Self.longestLook, "readConcern": .document(concern),
            ], on: pool, of: client, while: { goesOn }
        ) { value in
            let resource = Resource(value)
            goesOn = goesOn && take(resource, busy.contains(resource))
        }
    }

    /// Which documents hold a resource.
    private var holding: BSONDocument {
        switch guardIndex.kind {
        // Without the second condition, which every document fulfils, the planner would not use the partial index, and
        // read all that was ever dispatched.
        case .partial: ["status": "active", guardIndex.field: ["$gte": .minKey]]
        // Every document that holds nothing has a placeholder. They lie together in the index, and by types and ranges
        // the server passes over them: ten milliseconds instead of many seconds among a million.
        case .plain:
            [
                "$or": .array(
                    Self.types.map { [guardIndex.field: ["$type": .string($0)]] }
                        + [[guardIndex.field: ["$lt": ShipmentWriter.placeholders.lowerBound]]]
                        + [[guardIndex.field: ["$gte": ShipmentWriter.placeholders.upperBound]]])
            ]
        }
    }

    /// Which documents hold one of these resources.
    func holding(among resources: [Resource]) -> BSONDocument {
        var filter: BSONDocument = guardIndex.kind == .partial ? ["status": "active"] : [:]
        filter.append(guardIndex.field, ["$in": .array(resources.map(\.value))])
        return filter
    }

    /// Every type that an `_id` may have, but documents. (A list is found by the types of what is in it.)
    private static let types = [
        "null", "number", "string", "binData", "objectId", "bool", "date", "timestamp", "regex", "dbPointer", "javascript", "symbol",
        "javascriptWithScope", "minKey", "maxKey",
    ]

    private static func concern(_ level: BSONValue, after time: BSONTimestamp?) -> BSONDocument {
        var concern: BSONDocument = ["level": level]
        if let time { concern.append("afterClusterTime", .timestamp(time)) }
        return concern
    }

    /// Hands out the first field of each document.
    ///
    /// - Returns: the moment as of which the server has read, if it was asked for one.
    @discardableResult
    private func collect(
        _ command: BSONDocument, on namespace: Namespace, of client: borrowing MongoClient, while goesOn: () -> Bool = { true },
        _ take: (BSONValue) -> Void
    ) throws(MongoError) -> BSONTimestamp? {
        var moment: BSONTimestamp?
        try client.readAll(
            command, on: namespace.database, collection: namespace.collection, operation: "look for free resources in \(pool)",
            while: goesOn
        ) { reply, documents in
            if readsSnapshots, moment == nil { moment = reply.snapshotTime }
            reply.withUnsafeBytes { buffer in
                let bytes = buffer.bytes
                for range in documents {
                    guard var fields = try? BSONCursor(document: bytes, at: range.lowerBound) else { continue }
                    // To the index a field that is missing is null.
                    take((try? fields.next(in: bytes)).flatMap { try? BSONValue($0, of: bytes) } ?? .null)
                }
            }
        }
        return moment
    }
}
