import Mongo

/// What the server says about a dispatcher's collection, as far as it decides whether a dispatcher can work on it.
struct GuardedCollection: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case missing, ordinary, view, timeSeries, capped
    }

    let kind: Kind
    let isSharded: Bool
    let indexes: [CollectionIndex]
    /// The pool is a capped collection.
    var hasCappedPool = false

    /// Asks with the rights that a dispatcher has anyway: `listIndexes`, `find`, and in a sharded cluster `collStats`.
    ///
    /// - Parameter isCluster: the deployment is a sharded cluster.
    /// - Throws: ``MongoError``, or ``Halt`` where a sharded cluster does not let it see.
    static func look(at dispatcher: DispatcherSettings, isCluster: Bool, of client: borrowing MongoClient) throws -> GuardedCollection {
        var collection = try look(at: dispatcher.collection, isCluster: isCluster, of: client)
        if let pool = dispatcher.resource.pool { collection.hasCappedPool = try isCappedPool(pool, of: client) }
        return collection
    }

    private static func look(at namespace: Namespace, isCluster: Bool, of client: borrowing MongoClient) throws -> GuardedCollection {
        let indexes: [CollectionIndex]
        do throws(MongoError) {
            guard let listed = try CollectionIndex.list(namespace, of: client) else {
                return GuardedCollection(kind: .missing, isSharded: false, indexes: [])
            }
            indexes = listed
        } catch {
            guard error.code == .commandNotSupportedOnView else { throw error }
            return GuardedCollection(kind: .view, isSharded: false, indexes: [])
        }
        // Only the buckets of a time series have an index on _id.
        guard indexes.contains(where: { $0.keys == ["_id"] }) else {
            return GuardedCollection(kind: .timeSeries, isSharded: false, indexes: indexes)
        }
        // One that is dropped after the first look lets a tailable cursor be, too.
        let isCapped = try isCapped(namespace, of: client) && CollectionIndex.list(namespace, of: client) != nil
        return GuardedCollection(
            kind: isCapped ? .capped : .ordinary,
            isSharded: try isCluster && isSharded(namespace, of: client), indexes: indexes)
    }

    /// The server's own ways to tell need rights on the whole database (`listCollections`) or one more on the
    /// collection (`collStats`). A tailable cursor needs `find` alone, and the server refuses it on every collection
    /// that is there and not capped.
    private static func isCapped(_ namespace: Namespace, of client: borrowing MongoClient) throws(MongoError) -> Bool {
        do throws(MongoError) {
            _ = try client.commandOnPrimary(
                ["find": .string(namespace.collection), "filter": ["_id": ""], "tailable": true], on: namespace.database,
                operation: "look at \(namespace)")
            return true
        } catch {
            // A collection that is not capped; a view, or a time series.
            if error.code == .badValue || error.code == .invalidPipelineOperator { return false }
            throw error
        }
    }

    /// Of a pool nobody needs the right to see whether it is there at all; a capped one is refused to readers of a
    /// snapshot.
    private static func isCappedPool(_ pool: Namespace, of client: borrowing MongoClient) throws(MongoError) -> Bool {
        guard try isCapped(pool, of: client) else { return false }
        do throws(MongoError) {
            _ = try client.command(
                ["find": .string(pool.collection), "limit": 1, "singleBatch": true, "readConcern": ["level": "snapshot"]],
                on: pool.database, operation: "look at \(pool)")
            return false
        } catch {
            return error.code == .snapshotUnavailable
        }
    }

    private static func isSharded(_ namespace: Namespace, of client: borrowing MongoClient) throws -> Bool {
        do throws(MongoError) {
            return isSharded(
                statistics: try client.command(
                    ["collStats": .string(namespace.collection)], on: namespace.database, operation: "see whether \(namespace) is sharded"))
        } catch {
            guard error.code == .unauthorized else { throw error }
            throw Halt(
                reason: "\(error)", remedy: PrivilegeNeed.remedy(granting: "collStats on \(namespace)"), status: .configuration)
        }
    }

    /// - Parameter statistics: what a mongos answers to `collStats`.
    static func isSharded(statistics: BSONDocument) -> Bool { statistics["sharded"]?.isTruthy == true }

    // MARK: Judging

    /// The index that guards the resources.
    ///
    /// - Throws: ``Halt`` for a collection that no dispatcher can work on; as ``GuardIndex/judge(_:for:)``.
    func guardIndex(for dispatcher: DispatcherSettings) throws -> GuardIndex {
        if let fault = fault(of: dispatcher) { throw fault }
        return try GuardIndex.judge(indexes, for: dispatcher)
    }

    private func fault(of dispatcher: DispatcherSettings) -> Halt? {
        let namespace = dispatcher.collection
        func halt(_ what: String, _ remedy: String) -> Halt {
            Halt(reason: "\(namespace) \(what)", remedy: remedy, status: .configuration)
        }
        if hasCappedPool, let pool = dispatcher.resource.pool {
            return Halt(
                reason:
                    "the pool \(pool) is a capped collection, and MongoDB reads no such together with another one at one moment, so no rejection "
                    + "could be true",
                remedy: "Copy it into an ordinary collection, and name that in `resource.pool`", status: .configuration)
        }
        let another = "Name an ordinary collection in `collection`"
        switch kind {
        case .view: return halt("is a view, and a dispatcher writes documents", "\(another): a view has none of its own")
        case .timeSeries:
            return halt(
                "is a time-series collection, which has no unique indexes, so nothing keeps a command from being done twice", another)
        case .capped:
            return halt(
                "is a capped collection: MongoDB deletes its oldest documents, and with each the answer to its command, and it writes to it in no "
                    + "transaction, so no command could be completed", another)
        case .missing, .ordinary: break
        }
        if isSharded {
            return halt(
                "is sharded, and MongoDB keeps an _id unique in one shard alone: a command that comes again could be carried out twice",
                "Name an unsharded collection in `collection`; it may be in the same cluster")
        }
        guard let collation = indexes.first(where: { $0.keys == ["_id"] })?.collation else { return nil }
        return halt(
            "has the collation \(collation): MongoDB takes some texts for equal that are different ids and resources for the bridge",
            "Make a collection without a collation, copy the documents ("
                + "\(namespace.inShell).aggregate([{$merge: {into: \"<name>\"}}])), and name it in `collection`")
    }

    /// What is no reason to halt, and may surprise.
    func warnings(for dispatcher: DispatcherSettings) -> [(id: FindingID, text: String, remedy: String)] {
        hiddenGuards(of: dispatcher) + expiries(for: dispatcher)
    }

    /// One that is hidden decides as ever, but serves no look for free resources, each of which reads all documents
    /// then.
    private func hiddenGuards(of dispatcher: DispatcherSettings) -> [(id: FindingID, text: String, remedy: String)] {
        let guards = indexes.filter { $0.guards(dispatcher.resource.field) }
        guard dispatcher.resource.pool != nil, guards.allSatisfy(\.isHidden) else { return [] }
        return guards.map { index in
            (
                .dispatcherIndexHidden,
                "the unique index \(index.name) of \(dispatcher.collection) is hidden: it guards \(dispatcher.resource.field), but every look "
                    + "for free resources reads the whole collection",
                "\(dispatcher.collection.inShell).unhideIndex(\(index.name.jsonQuoted))"
            )
        }
    }

    private func expiries(for dispatcher: DispatcherSettings) -> [(id: FindingID, text: String, remedy: String)] {
        indexes.filter(\.expires).map { index in
            // Only ended documents have these.
            let isHarmful = ![["completed_at"], ["rejected_at"]].contains(index.keys)
            return (
                .dispatcherIndexExpires,
                "the TTL index \(index.name) of \(dispatcher.collection) deletes documents"
                    + (isHarmful ? ", active ones, too, which frees their \(dispatcher.resource.field)" : "")
                    + "; a command that comes again after its document is gone is carried out again",
                "If that is not meant: \(dispatcher.collection.inShell).dropIndex(\(index.name.jsonQuoted)). "
                    + "docs/OPERATIONS.md, \"Keeping the collection small\", says what may be deleted when"
            )
        }
    }
}
