import Mongo

/// What a snapshot copies, as the server has it when the snapshot begins.
struct SnapshotListing: Sendable {
    /// The parts that were asked for, or all of the stream, with what the server tells of them.
    private(set) var parts: [SnapshotRecord.Part]

    /// Asks the server.
    ///
    /// - Parameters:
    ///   - record: names the parts that were asked for; none for all collections of the stream.
    ///   - filters: for the parts of a record that names none.
    /// - Throws: ``MongoError``.
    init(of record: SnapshotRecord, scope: WatchScope, filters: [Namespace: String], pool: MongoClientPool) throws(MongoError) {
        var wanted = record.parts
        if wanted.isEmpty {
            let isNamed = !scope.namedCollections.isEmpty
            let namespaces = isNamed ? scope.namedCollections : try WatchedCollections.find(of: scope, pool: pool)?.collections ?? []
            wanted = namespaces.map { SnapshotRecord.Part($0, filter: record.filter ?? filters[$0]) }
        }
        self.parts = []
        // Each database by itself: the account may be allowed to list the collections of some of them.
        for (_, members) in Dictionary(grouping: wanted, by: \.namespace.database).sorted(by: { $0.key < $1.key }) {
            let described = try pool.withClient { client throws(MongoError) in
                let found = try WatchedCollections.find(of: .collections(members.map(\.namespace)), withOptions: true, client)?.entries
                return try members.map { part throws(MongoError) in try Self.describe(part, found, client) }
            }
            self.parts += described.compactMap(\.self)
        }
        let order = Dictionary(uniqueKeysWithValues: wanted.enumerated().map { ($0.element.namespace, $0.offset) })
        self.parts.sort { order[$0.namespace] ?? 0 < order[$1.namespace] ?? 0 }
    }

    /// - Returns: nil for what cannot be copied.
    private static func describe(
        _ part: SnapshotRecord.Part, _ found: [WatchedCollections.Entry]?, _ client: borrowing MongoClient
    ) throws(MongoError) -> SnapshotRecord.Part? {
        var part = part
        guard part.state == .waiting || part.state == .running else { return part }
        if let found {
            guard let entry = found.first(where: { $0.namespace == part.namespace }) else {
                part.state = .ended
                return part
            }
            guard entry.type == "collection", !entry.isCapped else {
                // Of one that was being copied, this is the end; others are left out.
                part.state = .ended
                return part.uuid == nil ? nil : part
            }
            let isKnown = part.uuid != nil
            if isKnown, part.uuid != entry.uuid { part.state = .ended }
            part.uuid = entry.uuid
            if isKnown { return part }
        }
        if part.state == .waiting, part.estimated == 0 {
            let reply = try client.command(
                ["count": .string(part.namespace.collection)], on: part.namespace.database, operation: "count the documents")
            part.estimated = reply["n"]?.countValue ?? 0
        }
        return part
    }

    /// The fields of a sharded collection's key; none where it is not sharded.
    ///
    /// - Throws: ``MongoError``.
    static func shardKey(of namespace: Namespace, pool: MongoClientPool) throws(MongoError) -> [String] {
        let reply = try pool.withClient { client throws(MongoError) in
            try client.command(
                ["find": "collections", "filter": ["_id": .string("\(namespace)")], "limit": 1, "singleBatch": true], on: "config",
                operation: "read the shard key")
        }
        return reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.first?.documentValue?["key"]?.documentValue?.keys ?? []
    }
}
