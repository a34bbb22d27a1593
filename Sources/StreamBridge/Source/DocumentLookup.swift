import Mongo
import Synchronization

/// `fullDocument: batchedLookup`: fetches the current documents of a batch's update events with one query per collection.
///
/// The server's `updateLookup` queries once per event while it builds the batch. This asks once for all of them, while the next getMore is
/// already on its way, and gives the same documents: each is at least as new as its event, because the query reads majority-committed data
/// not older than the batch.
struct DocumentLookup {
    /// Documents that are in memory together. One that is larger passes alone.
    private static let targetBytes = 4 << 20
    /// A query that takes longer waits for a server that is not about to answer.
    private static let patience: Duration = .seconds(30)

    private let pool: MongoClientPool
    private let status: StreamStatus
    private let stop: StopSignal
    private let heartbeat: Heartbeat?
    /// How many events the next slice has: few at first, then as many as their documents allow.
    private var size = BatchSize(targetBytes: DocumentLookup.targetBytes)

    /// - Parameter heartbeat: of the loop that waits for the documents; nil where nobody watches it.
    init(pool: MongoClientPool, status: StreamStatus, stop: StopSignal, heartbeat: Heartbeat?) {
        self.pool = pool
        self.status = status
        self.stop = stop
        self.heartbeat = heartbeat
    }

    /// The documents of the next slice of events, and how many events that is.
    ///
    /// Waits out what passes: the events are in hand already, so the change stream need not be opened again.
    ///
    /// - Throws: ``MongoError`` that does not pass, ``BSONError``, ``StreamStopped``.
    mutating func documents(of events: BSONCursor, in bytes: RawSpan) throws -> (documents: LookedUpDocuments, events: Int) {
        let count = size.events
        let wanted = try Wanted(events: events, atMost: count, in: bytes)
        guard !wanted.ids.isEmpty else { return (LookedUpDocuments(), count) }
        let documents = try fetch(wanted)
        size.adapt(events: count, bytes: documents.byteCount)
        return (documents, count)
    }

    /// The document of one event, as ``documents(of:in:)``.
    func document(of event: ChangeEvent, in bytes: RawSpan) throws -> LookedUpDocuments {
        var wanted = Wanted()
        try wanted.add(event, in: bytes)
        return wanted.ids.isEmpty ? LookedUpDocuments() : try fetch(wanted)
    }

    /// Waits out what passes.
    private func fetch(_ wanted: Wanted) throws -> LookedUpDocuments {
        var backoff = Backoff()
        while true {
            heartbeat?.beat()
            do {
                let documents = try fetchApart(wanted)
                status.lookedUp()
                return documents
            } catch let error as MongoError {
                guard case .reopen = StreamFailure(mongoDB: error) else { throw error }
                status.mongoTrouble(error, of: .lookup)
                if stop.wait(for: backoff.next()) { throw StreamStopped() }
            }
        }
    }

    /// On a thread of its own, so that a server that froze cannot hold up a stop.
    private func fetchApart(_ wanted: Wanted) throws -> LookedUpDocuments {
        let answer = Answer()
        let query = LoopThread.start(name: "look up") { [pool] in
            let result = Result { try Self.fetch(wanted, from: pool) }
            answer.result.withLock { $0 = result }
        }
        let deadline = ContinuousClock.now + Self.patience
        while true {
            query.join(within: .milliseconds(200))
            if let result = answer.result.withLock({ $0 }) { return try result.get() }
            if stop.isOverdue { throw StreamStopped() }
            guard .now < deadline else {
                throw MongoError(kind: .network, operation: Self.operation, message: "no answer within \(Self.patience.readable)")
            }
        }
    }

    private final class Answer: Sendable {
        let result = Mutex<Result<LookedUpDocuments, any Error>?>(nil)
    }

    private static let operation = "look up the documents of update events"

    /// The update events' document ids by namespace, each once, and the time that the documents must have reached.
    private struct Wanted {
        private(set) var ids: [Namespace: [BSONValue]] = [:]
        private(set) var time: BSONTimestamp?
        private var seen: Set<LookedUpDocuments.Key> = []

        init() {}

        init(events: BSONCursor, atMost count: Int, in bytes: RawSpan) throws {
            var events = events
            var left = count
            while left > 0, let element = try events.next(in: bytes) {
                left -= 1
                try add(ChangeEvent(of: bytes, at: element.value.lowerBound), in: bytes)
            }
        }

        mutating func add(_ event: ChangeEvent, in bytes: RawSpan) throws {
            if let now = event.clusterTime { time = BSONTimestamp(seconds: now.seconds, increment: now.increment) }
            guard let (key, id) = try LookedUpDocuments.key(of: event, in: bytes), seen.insert(key).inserted else { return }
            ids[key.namespace, default: []].append(try BSONValue(id, of: bytes))
        }
    }

    private static func fetch(_ wanted: Wanted, from pool: MongoClientPool) throws -> LookedUpDocuments {
        var documents = LookedUpDocuments()
        try pool.withClient { client in
            for (namespace, ids) in wanted.ids {
                var concern: BSONDocument = ["level": "majority"]
                if let time = wanted.time { concern.append("afterClusterTime", .timestamp(time)) }
                try client.readAll(
                    [
                        "find": .string(namespace.collection), "filter": ["_id": ["$in": .array(ids)]],
                        "batchSize": .int32(Int32(ids.count)),
                        "readConcern": .document(concern),
                    ], on: namespace.database, collection: namespace.collection, operation: operation
                ) { documents.add($0, $1, namespace: namespace) }
            }
        }
        return documents
    }
}

/// Documents by namespace and `_id`.
struct LookedUpDocuments {
    struct Key: Hashable {
        let namespace: Namespace
        /// The `_id` in its one form: an event may name it by 1.0 when the document has 1, which is the same `_id` for the server.
        let id: [UInt8]
    }

    private var replies: [BSONReply] = []
    /// Size of the documents in bytes.
    private(set) var byteCount = 0
    private var places: [Key: (reply: Int, document: Range<Int>)] = [:]

    /// What an update event without its document is looked up by; nil for every other event, and for a fragment of one, which is looked
    /// up when it is whole.
    static func key(of event: ChangeEvent, in bytes: RawSpan) throws(BSONError) -> (Key, BSONElement)? {
        guard event.isUpdate, event.fullDocument == nil, event.split == nil, let documentKey = event.documentKey,
            let database = event.database, let collection = event.collection,
            let id = try element("_id", of: documentKey.value, in: bytes)
        else { return nil }
        let namespace = Namespace(database: text(database, of: bytes), collection: text(collection, of: bytes))
        return (Key(namespace: namespace, id: try idBytes(id, of: bytes)), id)
    }

    mutating func add(_ reply: BSONReply, _ documents: [Range<Int>], namespace: Namespace) {
        replies.append(reply)
        byteCount += documents.reduce(0) { $0 + $1.count }
        reply.withUnsafeBytes { buffer in
            for document in documents {
                // A document that the server has just sent; one without an `_id` could not be stored.
                guard let id = try? Self.element("_id", of: document, in: buffer.bytes),
                    let bytes = try? Self.idBytes(id, of: buffer.bytes)
                else { continue }
                places[Key(namespace: namespace, id: bytes)] = (replies.count - 1, document)
            }
        }
    }

    /// Writes the event as the server would have sent it with `updateLookup`: `fullDocument` before `ns`, null when the document is gone.
    ///
    /// - Returns: false, with nothing written, for an event that needs no document.
    func splice(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) -> Bool {
        guard let (key, _) = try Self.key(of: event, in: bytes) else { return false }
        let place = places[key]
        let gap = event.namespace.map { $0.key.lowerBound - 1 } ?? event.range.upperBound - 1
        let length = event.range.count + 1 + "fullDocument\0".utf8.count + (place?.document.count ?? 0)
        buffer.removeAll()
        withUnsafeBytes(of: Int32(length).littleEndian) { buffer.append(contentsOf: $0) }
        buffer.append(contentsOf: bytes, in: event.range.lowerBound + 4..<gap)
        buffer.append(place == nil ? BSONType.null.rawValue : BSONType.document.rawValue)
        buffer.append("fullDocument\0")
        if let place { replies[place.reply].withUnsafeBytes { buffer.append(contentsOf: $0.bytes, in: place.document) } }
        buffer.append(contentsOf: bytes, in: gap..<event.range.upperBound)
        return true
    }

    private static func element(_ key: StaticString, of document: Range<Int>, in bytes: RawSpan) throws(BSONError) -> BSONElement? {
        var fields = try BSONCursor(document: bytes, at: document.lowerBound)
        while let field = try fields.next(in: bytes) { if field.keyEquals(key, in: bytes) { return field } }
        return nil
    }

    private static func idBytes(_ id: BSONElement, of bytes: RawSpan) throws(BSONError) -> [UInt8] {
        var buffer = OutputBuffer(capacity: 64)
        try CanonicalBSON.write(id, of: bytes, into: &buffer)
        return buffer.bytes()
    }

    private static func text(_ range: Range<Int>, of bytes: RawSpan) -> String {
        bytes.withUnsafeBytes { String(decoding: $0[range], as: UTF8.self) }
    }
}
