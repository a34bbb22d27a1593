import Mongo
import Runtime

/// Looks whether the members of a pool can be told apart by how commands and outcomes write them, before the first
/// command.
struct PoolNames {
    let pool: ResourcePool

    /// Why a dispatcher cannot work with the pool.
    struct Unclear: Error, Equatable {
        let reason: String
        let remedy: String

        var halt: Halt { Halt(reason: reason, remedy: remedy, status: .configuration) }
    }

    /// - Returns: whether the pool has members.
    /// - Throws: ``Unclear``, ``MongoError``.
    @discardableResult
    func check(of client: borrowing MongoClient) throws -> Bool {
        let groups = try groups(of: client)
        if groups.contains(.null) {
            throw Unclear(
                reason:
                    "the pool \(pool.pool) has a document with the _id null, which the index on \(pool.guardIndex.field) takes for no resource",
                remedy: "Delete that document, or give it another _id")
        }
        guard groups.count > 1 || !groups.isDisjoint(with: Group.ambiguous), let (one, other) = try firstAlike(of: client) else {
            return !groups.isEmpty
        }
        throw Unclear(
            reason: "the pool \(pool.pool) has two members that commands and outcomes write alike: \(one.withType) and \(other.withType)",
            remedy: "Give one of them another _id")
    }

    /// Types of `_id`s. Within most of them no two different values are written alike.
    private enum Group: String, CaseIterable {
        case number, decimal, text, objectID, uuid, smallerBinary, largerBinary, boolean, date, null, other

        static let ambiguous: Set<Group> = [.smallerBinary, .largerBinary, .other]

        /// Which `_id`s belong to it, as the index on `_id` finds them.
        var condition: BSONDocument {
            switch self {
            case .number: ["$type": ["int", "long", "double"]]
            case .decimal: ["$type": "decimal"]
            case .text: ["$type": ["string", "symbol"]]
            case .objectID: ["$type": "objectId"]
            case .uuid: ["$gte": Self.uuid(0), "$lte": Self.uuid(0xFF)]
            case .smallerBinary: ["$lt": Self.uuid(0)]
            case .largerBinary: ["$gt": Self.uuid(0xFF)]
            case .boolean: ["$type": "bool"]
            case .date: ["$type": "date"]
            case .null: ["$type": "null"]
            case .other: ["$type": ["object", "timestamp", "javascript", "javascriptWithScope", "dbPointer", "minKey", "maxKey"]]
            }
        }

        /// Binaries are in the order of their sizes, then of their subtypes.
        private static func uuid(_ byte: UInt8) -> BSONValue {
            .binary(subtype: Resource.uuidSubtype, bytes: [UInt8](repeating: byte, count: 16))
        }
    }

    /// The groups that the pool has members of.
    private func groups(of client: borrowing MongoClient) throws(MongoError) -> Set<Group> {
        func stages(_ group: Group) -> [BSONValue] {
            [
                ["$match": ["_id": .document(group.condition)]], ["$limit": 1],
                ["$project": ["_id": ["$literal": .string(group.rawValue)]]],
            ]
        }
        let collection = BSONValue.string(pool.pool.collection)
        let others = Group.allCases.dropFirst().map { group -> BSONValue in
            ["$unionWith": ["coll": collection, "pipeline": .array(stages(group))]]
        }
        let reply = try client.commandOnPrimary(
            [
                "aggregate": collection, "pipeline": .array(stages(.number) + others), "cursor": [:], "hint": ["_id": 1],
                "readConcern": ["level": "majority"],
            ], on: pool.pool.database, operation: Self.operation)
        let found = reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue ?? []
        return Set(found.compactMap { $0.documentValue?["_id"]?.stringValue.flatMap(Group.init(rawValue:)) })
    }

    private static let operation = "look at the resources"

    /// Two members that are written alike.
    ///
    /// The first pass keeps hashes, because a pool may be large; the second one looks at what they have found.
    private func firstAlike(of client: borrowing MongoClient) throws(MongoError) -> (Resource, Resource)? {
        var seen: Set<Int> = []
        var repeated: Set<Int> = []
        try readAll(of: client) { member in
            let hash = Self.hash(of: member)
            if !seen.insert(hash).inserted { repeated.insert(hash) }
        }
        guard !repeated.isEmpty else { return nil }
        var firsts: [ByteEqualString: Resource] = [:]
        var alike: (Resource, Resource)?
        try readAll(of: client) { member in
            guard alike == nil, repeated.contains(Self.hash(of: member)) else { return }
            let text = ByteEqualString(member.description)
            if let first = firsts[text], first != member { alike = (first, member) }
            firsts[text] = member
        }
        return alike
    }

    private static func hash(of member: Resource) -> Int { ByteEqualString(member.description).hashValue }

    private func readAll(of client: borrowing MongoClient, _ take: (Resource) -> Void) throws(MongoError) {
        try client.readAll(
            ["find": .string(pool.pool.collection), "projection": ["_id": 1], "readConcern": ["level": "majority"]],
            on: pool.pool.database, collection: pool.pool.collection, operation: Self.operation
        ) { reply, documents in
            reply.withUnsafeBytes { buffer in
                for range in documents {
                    if let id = (try? BSONDocument(copying: buffer.bytes, in: range))?["_id"] { take(Resource(id)) }
                }
            }
        }
    }
}
