import Mongo

/// Looks at what a snapshot is to copy beside what the server has: for the start of a stream, for `bridge check` and
/// for `bridge snapshot start`.
enum SnapshotReview {
    /// What there is to say of a stream that begins with a snapshot; ``StreamReview`` has the rest. Asks the server,
    /// and needs `listCollections`.
    ///
    /// - Throws: ``MongoError`` when the server does not answer.
    static func remarks(on stream: StreamSettings, deployment: Deployment, pool: MongoClientPool) throws(MongoError) -> [StreamRemark] {
        switch try look(at: stream.watch, deployment: deployment, pool: pool) {
        case .refused(let fault): return [fault]
        case .found(let found):
            let filters = stream.snapshot.filters.sorted { "\($0.key)" < "\($1.key)" }.map { (namespace: $0.key, query: $0.value) }
            return try remarks(named: stream.watch.namedCollections, filters: filters, with: found, pool: pool)
        }
    }

    enum Look {
        case found(WatchedCollections)
        case refused(StreamRemark)
    }

    /// Lists what a snapshot may copy, with its options.
    static func look(at scope: WatchScope, deployment: Deployment, pool: MongoClientPool) throws(MongoError) -> Look {
        if let fault = age(of: deployment) { return .refused(fault) }
        guard let found = try WatchedCollections.find(of: scope, withOptions: true, pool: pool) else {
            return .refused(blindness(about: scope))
        }
        return .found(found)
    }

    /// - Parameters:
    ///   - named: the collections that somebody named; empty for all that are found.
    ///   - filters: as Extended JSON.
    static func remarks(
        named: [Namespace], filters: [(namespace: Namespace, query: String)], with found: WatchedCollections, pool: MongoClientPool
    ) throws(MongoError) -> [StreamRemark] {
        capped(in: found, isNamed: !named.isEmpty) + (try self.filters(filters, with: found, pool: pool))
    }

    /// Reads of several batches as of one cluster time came with MongoDB 5.0.
    private static func age(of deployment: Deployment) -> StreamRemark? {
        guard !deployment.readsSnapshots else { return nil }
        return .fault(
            .snapshotServerTooOld,
            "snapshots need MongoDB 5.0 or later, which reads a collection as of one moment of the change stream; this server is "
                + deployment.version,
            remedy: "Upgrade MongoDB, or write `snapshot: never` and read the collection yourself before the stream begins")
    }

    private static func blindness(about scope: WatchScope) -> StreamRemark {
        let needs = PrivilegeNeeds.listing(of: scope).map { "\($0)" }.joined(separator: " and ")
        return .fault(
            .snapshotRights,
            "the account may not list collections with their options, so a snapshot cannot tell which ones it can read",
            remedy: PrivilegeNeed.remedy(granting: "listCollections on \(needs)"))
    }

    /// MongoDB answers every such read of a capped collection with 246.
    private static func capped(in found: WatchedCollections, isNamed: Bool) -> [StreamRemark] {
        let capped = found.entries.filter(\.isCapped).map { "\($0.namespace)" }
        guard !capped.isEmpty else { return [] }
        if !isNamed {
            return [
                .warning(
                    .snapshotCapped,
                    "snapshots leave out capped collections, which MongoDB cannot read as of a moment: \(capped.joined(separator: ", "))",
                    remedy: "Nothing, if their documents are not needed; their events are published like all others")
            ]
        }
        return capped.map {
            .fault(
                .snapshotCapped,
                "\($0) is a capped collection, and MongoDB cannot read those as of a moment, so a snapshot cannot copy it",
                remedy: "Leave it out: give it a stream of its own with `snapshot: never`, or name the other collections with --collection")
        }
    }

    private static func filters(
        _ filters: [(namespace: Namespace, query: String)], with found: WatchedCollections, pool: MongoClientPool
    ) throws(MongoError) -> [StreamRemark] {
        let there = Set(found.collections)
        var remarks: [StreamRemark] = []
        for (namespace, query) in filters {
            guard there.contains(namespace) else {
                remarks.append(
                    .warning(
                        .snapshotFilterUnused,
                        "the snapshot has a filter for \(namespace), which is not there",
                        remedy: "If it is to be made yet, nothing. Otherwise correct the name"))
                continue
            }
            if let refusal = try refusal(of: query, for: namespace, pool: pool) { remarks.append(refusal) }
        }
        return remarks
    }

    /// Lets the server plan the read, without running it.
    private static func refusal(of query: String, for namespace: Namespace, pool: MongoClientPool) throws(MongoError) -> StreamRemark? {
        guard let filter = try? BSONDocument(extendedJSON: query) else { return nil }
        do {
            _ = try pool.withClient { client throws(MongoError) in
                try client.command(
                    [
                        "explain": ["find": .string(namespace.collection), "filter": .document(filter), "hint": ["_id": 1]],
                        "verbosity": "queryPlanner",
                    ], on: namespace.database, operation: "try the filter of \(namespace)")
            }
            return nil
        } catch {
            guard case .halt = StreamFailure(mongoDB: error) else { throw error }
            return .fault(
                .snapshotFilterRefused,
                "MongoDB refuses the snapshot's filter for \(namespace): \(error)",
                remedy: "Write a query as for `find`, such as {\"quantity\": {\"$gt\": 0}}, that needs no index of its own")
        }
    }
}
