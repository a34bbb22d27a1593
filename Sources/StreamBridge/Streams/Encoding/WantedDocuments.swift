import Mongo

/// The documents that update events want: their ids by namespace, each once, and the time that the documents must have
/// reached.
struct WantedDocuments: Sendable {
    struct Found: Sendable {
        var documents = LookedUpDocuments()
        /// What is not among them is gone. Otherwise it may not have been read.
        var isComplete = true
    }

    private struct Collection: Sendable {
        let namespace: Namespace
        /// Of each `_id` its type and its bytes, as the event has them: an `_id` may be a text that is not UTF-8.
        var ids: [[UInt8]] = []
    }

    static let operation = "look up the documents of update events"

    /// In the order in which the events want them first.
    private var collections: [Collection] = []
    private var time: BSONTimestamp?
    /// What the events want, in their order: the document, and how many events come before its first one.
    private var needs: [(key: LookedUpDocuments.Key, eventsBefore: Int)] = []
    /// How many events want no other documents than these.
    private(set) var events = 0
    private var seen: Set<LookedUpDocuments.Key> = []

    /// The next events, as long as they want no more than `count` documents.
    ///
    /// - Throws: ``BSONError``.
    init(of events: BSONCursor, atMost count: Int, in bytes: RawSpan) throws {
        var events = events
        while let element = try events.next(in: bytes) {
            guard try add(ChangeEvent(of: bytes, at: element.value.lowerBound), atMost: count, in: bytes) else { return }
        }
    }

    /// - Throws: ``BSONError``.
    init(of event: ChangeEvent, in bytes: RawSpan) throws { _ = try add(event, atMost: 1, in: bytes) }

    private init() {}

    /// - Returns: false when there is no room for what the event wants.
    private mutating func add(_ event: ChangeEvent, atMost count: Int, in bytes: RawSpan) throws(BSONError) -> Bool {
        if let (key, id) = try LookedUpDocuments.key(of: event, in: bytes), !seen.contains(key) {
            guard needs.count < count else { return false }
            seen.insert(key)
            needs.append((key, events))
            add(LookedUpDocuments.bytes(of: id, in: bytes), of: key.namespace)
        }
        if let now = event.clusterTime { time = BSONTimestamp(seconds: now.seconds, increment: now.increment) }
        events += 1
        return true
    }

    private mutating func add(_ id: [UInt8], of namespace: Namespace) {
        let index = collections.firstIndex { $0.namespace == namespace }
        if index == nil { collections.append(Collection(namespace: namespace)) }
        collections[index ?? collections.count - 1].ids.append(id)
    }

    var isEmpty: Bool { needs.isEmpty }

    /// How many documents.
    var count: Int { needs.count }

    /// How many of the events have what they want, up to the first that may not.
    func events(coveredBy found: Found) -> Int {
        guard !found.isComplete, let missing = needs.first(where: { !found.documents.contains($0.key) }) else { return events }
        return missing.eventsBefore
    }

    /// The first document alone, and the events that want no other.
    var first: WantedDocuments {
        var first = WantedDocuments()
        first.time = time
        first.needs = Array(needs.prefix(1))
        first.events = needs.count > 1 ? needs[1].eventsBefore : events
        if let collection = collections.first {
            first.collections = [Collection(namespace: collection.namespace, ids: Array(collection.ids.prefix(1)))]
        }
        return first
    }

    /// Asks the server for all of them, and stops where they have so many bytes: at the end of an answer, which has 16
    /// MB at most.
    ///
    /// - Parameter limit: for the server; it gives a query up that takes longer.
    /// - Throws: ``MongoError``, ``BSONError``.
    func fetch(from pool: MongoClientPool, atMost bytes: Int, within limit: Duration) throws -> Found {
        var found = Found()
        try pool.withClient { client throws(MongoError) in
            for collection in collections {
                guard found.documents.byteCount < bytes else {
                    found.isComplete = false
                    return
                }
                var concern: BSONDocument = ["level": "majority"]
                if let time { concern.append("afterClusterTime", .timestamp(time)) }
                let ids = BSONDocument { $0.appendArray("$in", of: collection.ids) }
                let isComplete = try client.readAll(
                    [
                        "find": .string(collection.namespace.collection), "filter": ["_id": .document(ids)],
                        // One more than there are, so that an answer that has them all ends the cursor.
                        "batchSize": .int32(Int32(collection.ids.count + 1)),
                        "maxTimeMS": .int64(Int64(limit / .milliseconds(1))),
                        "readConcern": .document(concern),
                    ], on: collection.namespace.database, collection: collection.namespace.collection, operation: Self.operation,
                    while: { found.documents.byteCount < bytes }
                ) { found.documents.add($0, $1, namespace: collection.namespace) }
                if !isComplete { found.isComplete = false }
            }
        }
        return found
    }
}
