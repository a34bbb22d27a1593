import Kafka
import Mongo
import Runtime

/// Publishes the documents of a snapshot as the events that their inserts would have been: through the stream's
/// encoder, router and batches.
struct SnapshotPump: ~Copyable {
    private let publisher: any RecordPublisher
    private let encoder: EventEncoder
    private var router: TopicRouter
    private let stream: String
    private let format: RecordFormat
    private var records = RecordBatch()

    /// - Parameters:
    ///   - settings: with the topic that the records are for.
    ///   - id: of the snapshot.
    ///   - replicaSet: of the deployment; nil for a sharded cluster.
    ///   - isCompacted: whether a topic is.
    ///   - open: ensures that a topic exists and makes its handle.
    init(
        settings: StreamSettings, id: String, replicaSet: String?, publisher: any RecordPublisher,
        isCompacted: @escaping (String) -> Bool, open: @escaping (String) throws -> KafkaTopic
    ) {
        self.publisher = publisher
        encoder = EventEncoder(settings, origin: .snapshot(id: id), replicaSet: replicaSet)
        router = TopicRouter(settings, isCompacted: isCompacted, open: open)
        stream = settings.name
        format = settings.format
    }

    /// - Returns: how many records were published.
    /// - Throws: as the events' pump; what was published of the chunk is then not covered by a position.
    mutating func publish(_ chunk: SnapshotChunk, from query: SnapshotQuery) throws -> Int {
        guard let reply = chunk.reply else { return 0 }
        var count = 0
        var event = OutputBuffer(capacity: 4 << 10)
        let frame = EventFrame(of: query.namespace, at: chunk.point, shardKey: query.shardKey)
        try reply.withUnsafeBytes { buffer throws in
            for (index, document) in chunk.documents.enumerated() {
                if chunk.areEvents {
                    count += try encode(ChangeEvent(of: buffer.bytes, at: document.lowerBound), of: buffer.bytes, index: index)
                } else {
                    try frame.write(document, of: buffer.bytes, into: &event)
                    var written = 0
                    try event.withUnsafeBytes { event throws in
                        written = try encode(ChangeEvent(of: event.bytes, at: 0), of: event.bytes, index: index)
                    }
                    count += written
                }
                if records.isFull { try flush() }
            }
            try flush()
        }
        return count
    }

    private mutating func encode(_ event: ChangeEvent, of bytes: RawSpan, index: Int) throws -> Int {
        guard encoder.publishes(event), let route = try router.route(of: event, in: bytes) else { return 0 }
        do {
            try encoder.encode(event, of: bytes, route: route, origin: index, place: nil, into: &records)
        } catch {
            throw UnwritableEvent(event, of: bytes, because: error, isOfKey: !encoder.canWriteKey(of: event, in: bytes), route: route)
                .halt(format: format, stream: stream, isOfSnapshot: true)
        }
        return 1
    }

    private mutating func flush() throws {
        guard !records.records.isEmpty else { return }
        defer { records.removeAll() }
        do {
            try publisher.publish(records, to: router.topics)
        } catch var refused as RecordRefused {
            refused.isOfSnapshot = true
            throw refused
        }
    }
}

/// The event that an insert of a document would have given, around the document.
private struct EventFrame {
    private let head: [UInt8]
    private let tail: [UInt8]
    /// Paths of the documentKey's fields.
    private let key: [(name: [UInt8], path: BSONPath)]

    init(of namespace: Namespace, at point: SnapshotPoint, shardKey: [String]) {
        var head = OutputBuffer(capacity: 256)
        head.append(int32: 0)
        head.appendElement("_id", .document(point.token.document))
        head.appendElement("operationType", "insert")
        head.appendElement("clusterTime", .timestamp(point.time))
        head.append(BSONType.document.rawValue)
        head.append("fullDocument\0")
        self.head = head.bytes()
        var tail = OutputBuffer(capacity: 256)
        tail.appendElement("ns", ["db": .string(namespace.database), "coll": .string(namespace.collection)])
        tail.append(BSONType.document.rawValue)
        tail.append("documentKey\0")
        self.tail = tail.bytes()
        let fields = shardKey.contains("_id") ? shardKey : shardKey + ["_id"]
        key = fields.map { (Array($0.utf8), BSONPath(segments: $0.split(separator: ".").map(String.init))) }
    }

    func write(_ document: Range<Int>, of bytes: RawSpan, into event: inout OutputBuffer) throws(BSONError) {
        event.reset(keepingCapacity: 1 << 20)
        event.append(contentsOf: head)
        event.append(contentsOf: bytes, in: document)
        event.append(contentsOf: tail)
        let key = event.count
        event.append(int32: 0)
        for (name, path) in self.key {
            guard let field = try path.find(in: bytes, at: document.lowerBound) else { continue }
            event.append(field.type.rawValue)
            event.append(contentsOf: name)
            event.append(0 as UInt8)
            event.append(contentsOf: bytes, in: field.value)
        }
        event.append(0 as UInt8)
        event.setLength(at: key)
        event.append(0 as UInt8)
        event.setLength(at: 0)
    }
}
