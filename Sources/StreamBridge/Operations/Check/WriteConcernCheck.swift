import Mongo

/// Whether an outcome that was answered can still be undone.
enum WriteConcernCheck {
    static func findings(_ concern: WriteConcern, pool: MongoClientPool) -> [Finding] {
        var reasons: [String] = []
        if case .nodes(let count) = concern.w, let members = try? members(pool), count * 2 <= members {
            reasons.append("w: \(count) is less than a majority of \(members) members")
        }
        if !concern.journal { reasons.append("journal is false") }
        guard !reasons.isEmpty else { return [] }
        return [
            .warning(
                .mongoWriteConcern, "mongodb.writeConcern",
                "\(reasons.joined(separator: ", and ")): a failover or a crash can undo a document whose command was answered already",
                remedy: "Set mongodb.writeConcern: {w: majority, wtimeout: 5s, journal: true}")
        ]
    }

    /// Of the replica set; nil for a sharded cluster, which does not tell.
    private static func members(_ pool: MongoClientPool) throws -> Int? {
        let hello = try pool.withClient { client in try client.command(["hello": 1], on: "admin", operation: "look at the members") }
        guard hello["setName"] != nil else { return nil }
        return ["hosts", "passives", "arbiters"].reduce(0) { $0 + (hello[$1]?.arrayValue?.count ?? 0) }
    }
}
