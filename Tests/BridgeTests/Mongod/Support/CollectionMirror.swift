import Mongo
import Testing

@testable import StreamBridge

/// A consumer that keeps a copy of a collection: it applies records by key, in order, and leaves out updates and
/// deletes of documents that it does not have.
struct CollectionMirror {
    private(set) var documents: [String: BSONDocument] = [:]
    /// How often a document came by a snapshot.
    private(set) var copies: [String: Int] = [:]
    /// How often a document was inserted by an event.
    private(set) var inserts: [String: Int] = [:]
    /// Updates that a document had already: each sets `by` to a larger number.
    private(set) var stale = 0
    /// Events of documents that were not there.
    private(set) var ignored = 0

    init() {}

    init(_ records: [TestRecord]) throws {
        for record in records { try apply(record) }
    }

    mutating func apply(_ record: TestRecord) throws {
        let key = try #require(record.keyText)
        let event = try record.document()
        let isCopy = record.headers["bridge.origin"] == "snapshot"
        switch record.headers["mongodb.op"] {
        case "insert":
            documents[key] = try #require(event["fullDocument"]?.documentValue)
            if isCopy { copies[key, default: 0] += 1 } else { inserts[key, default: 0] += 1 }
        case "replace":
            guard documents[key] != nil else { return ignored += 1 }
            documents[key] = event["fullDocument"]?.documentValue
        case "update":
            guard var document = documents[key] else { return ignored += 1 }
            let change = try #require(event["updateDescription"]?.documentValue)
            if let new = change["updatedFields"]?.documentValue?["by"]?.int64Value, let old = document["by"]?.int64Value, new <= old {
                stale += 1
            }
            for (name, value) in try change["updatedFields"]?.documentValue?.fields() ?? [] { document.set(name, value) }
            for name in change["removedFields"]?.arrayValue ?? [] { document.set(name.stringValue ?? "", nil) }
            documents[key] = document
        case "delete":
            if documents.removeValue(forKey: key) == nil { ignored += 1 }
        default: break
        }
    }
}

extension Scene {
    /// What a collection has now, by the key that its records have.
    func contents(of collection: String = "fruits", database: String? = nil) throws -> [String: BSONDocument] {
        var contents: [String: BSONDocument] = [:]
        try pool.withClient { client throws(MongoError) in
            _ = try client.readAll(
                ["find": .string(collection), "readConcern": ["level": "majority"]], on: database ?? self.database, collection: collection,
                operation: "read"
            ) { reply, documents in
                reply.withUnsafeBytes { bytes in
                    for range in documents {
                        guard let document = try? BSONDocument(copying: UnsafeRawBufferPointer(rebasing: bytes[range])),
                            let id = document["_id"], let key = try? BSONDocument(fields: [("_id", id)]).extendedJSON(.canonical)
                        else { continue }
                        contents[key] = document
                    }
                }
            }
        }
        return contents
    }

    /// The newest record of a snapshot of a stream.
    func snapshot(of stream: String = "fruits") throws -> SnapshotRecord? {
        try records(InternalTopics.snapshots(of: name)).compactMap { $0.value.flatMap { SnapshotRecord(json: $0) } }.last {
            $0.stream == stream
        }
    }
}
