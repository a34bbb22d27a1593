import Mongo
import Synchronization

/// Which member of the pool each command asks for. Used on one worker's thread.
///
/// What is not in the pool is not sent out. While it is busy, because it has left the pool on its way, it is busy like
/// any other; else the command is rejected, and the rejection is stored like any other. It is looked at before the
/// order of the batch is made, so that from then on one resource is one value.
///
/// A member may leave the pool between this look and the insert, and is sent out then; as it would be a moment earlier.
/// One that has just come is found: the hint may be behind, so what it does not know is asked of the server before
/// anything is said.
struct PoolMembership {
    let context: DispatchContext
    let patience: MongoRetry

    /// - Throws: ``BatchAbandoned``, ``Halt``.
    func resolve(_ batch: CommandBatch) throws {
        guard let resources = context.resources else { return }
        var unknown: [(item: Int, resource: Resource)] = []
        context.free.withLock { free in
            let isFollowed = free.isFollowed
            for (index, item) in batch.items.enumerated() {
                guard case .dispatch(let resource, _) = item.command.order, !(isFollowed && free.isMember(resource)) else { continue }
                unknown.append((index, resource))
            }
        }
        guard !unknown.isEmpty else { return }
        let names = Dictionary(unknown.map { ($0.resource, [$0.resource] + $0.resource.namesakes) }) { first, _ in first }
        let members = try patience.untilAnswered(batch) {
            try context.pool.withClient { client throws(MongoError) in
                try resources.members(among: Array(Set(names.values.joined())), of: client)
            }
        }
        for (item, resource) in unknown { batch.resolve(item, to: names[resource]?.first(where: members.contains)) }
    }
}

extension ResourcePool {
    /// Those of the resources that are in the pool. Asked of the primary: another member may not have heard of the
    /// newest ones.
    func members(among resources: [Resource], of client: borrowing MongoClient) throws(MongoError) -> Set<Resource> {
        let reply = try client.commandOnPrimary(
            [
                "find": .string(pool.collection), "filter": ["_id": ["$in": .array(resources.map(\.value))]], "projection": ["_id": 1],
                "batchSize": BSONValue(resources.count + 1), "readConcern": ["level": "majority"],
            ], on: pool.database, operation: "look for resources in \(pool)")
        let found = reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue ?? []
        return Set(found.compactMap { $0.documentValue?["_id"].map { Resource($0) } })
    }

    /// Those of the resources that something holds, as the index would say when it refuses a document: what the primary
    /// has, decided or not. The answer that rests on it is stored behind it.
    func held(among resources: [Resource], of client: borrowing MongoClient) throws(MongoError) -> Set<Resource> {
        let reply = try client.commandOnPrimary(
            [
                "find": .string(dispatcher.collection.collection), "filter": .document(holding(among: resources)),
                "projection": .document(["_id": 0, guardIndex.field: 1]), "batchSize": BSONValue(resources.count + 1),
                "readConcern": ["level": "local"],
            ], on: dispatcher.collection.database, operation: "look who holds resources in \(dispatcher.collection)")
        let found = reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue ?? []
        // An index takes a list for each of its values.
        let values = found.compactMap { $0.documentValue?[guardIndex.field] }.flatMap { $0.arrayValue ?? [$0] }
        return Set(values.map { Resource($0) })
    }
}
