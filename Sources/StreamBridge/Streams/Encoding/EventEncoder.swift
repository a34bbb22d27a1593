import Kafka
import Mongo
import Runtime

/// Why a record is published: the header `bridge.origin`.
enum RecordOrigin: Sendable {
    case live
    /// Published again, by the replay with this id (the header `bridge.replay`).
    case replay(id: String)
    /// A document that was there already, by the snapshot with this id (the header `bridge.snapshot`).
    case snapshot(id: String)

    var isSnapshot: Bool { if case .snapshot = self { true } else { false } }
}

/// Writes a change event into a record: key, value, headers and timestamp (contract, sections 3 and 8).
///
/// Works on bytes from the server to librdkafka: nothing is decoded and nothing is allocated per event. Used on one
/// thread.
struct EventEncoder {
    private enum Form {
        case json(JSONMode)
        case bson
        case template(TemplateEncoder)
        case debezium(DebeziumEncoder)
        case cloudevents(CloudEventsEncoder)
    }

    private enum Key {
        case documentKey
        /// As Debezium has it.
        case debezium(DebeziumEncoder)
        case none
        case field(BSONPath)
    }

    private let form: Form
    private let key: Key
    private let content: RecordContent
    private let sendsTombstones: Bool
    private let streamName: [UInt8]
    private let origin: (word: [UInt8], header: StaticString, id: [UInt8]?)
    /// Nil for a stream without field rules.
    private let fields: EventFields?

    /// - Parameter replicaSet: of the deployment; nil for a sharded cluster.
    init(_ stream: StreamSettings, origin: RecordOrigin = .live, replicaSet: String? = nil) {
        let form: Form =
            switch stream.format {
            case .relaxed: .json(.relaxed)
            case .canonical: .json(.canonical)
            case .simple: .json(.simple)
            case .bson: .bson
            case .template(let template): .template(TemplateEncoder(template))
            case .debezium(let settings): .debezium(DebeziumEncoder(settings, isSnapshot: origin.isSnapshot))
            case .cloudevents(let mode):
                .cloudevents(CloudEventsEncoder(mode, replicaSet: replicaSet, isSnapshot: origin.isSnapshot))
            }
        self.form = form
        key =
            switch (stream.key, form) {
            case (.documentKey, .debezium(let encoder)): .debezium(encoder)
            case (.documentKey, _): .documentKey
            case (.none, _): .none
            case (.field(let path), _): .field(BSONPath(segments: path))
            }
        content = stream.content
        sendsTombstones = stream.tombstones
        streamName = Array(stream.name.utf8)
        self.origin =
            switch origin {
            case .live: (Array("live".utf8), "", nil)
            case .replay(let id): (Array("replay".utf8), "bridge.replay", Array(id.utf8))
            case .snapshot(let id): (Array("snapshot".utf8), "bridge.snapshot", Array(id.utf8))
            }
        fields = stream.fields.map { EventFields($0) }
    }

    /// Whether the format has a record for such an event. The others are left out.
    func publishes(_ event: ChangeEvent) -> Bool {
        if case .debezium(let encoder) = form { encoder.publishes(event) } else { true }
    }

    /// Appends the event's record to the batch, and, for a delete of a stream with tombstones, the tombstone.
    ///
    /// - Parameters:
    ///   - origin: where the event is in the batch that it was read from.
    ///   - place: its place in its MongoDB transaction, if it has one.
    /// - Throws: ``BSONError`` for bytes that are not BSON, invalid UTF-8 included where the format is text. The batch
    ///   is as it was before.
    func encode(
        _ event: ChangeEvent, of bytes: RawSpan, route: Int, origin: Int, place: TransactionPlace?, into batch: inout RecordBatch
    ) throws(BSONError) {
        guard let fields else { return try write(event, of: bytes, route: route, origin: origin, place: place, into: &batch) }
        // Whatever follows sees only what the rules leave.
        try fields.withRewritten(event, of: bytes) { event, bytes throws(BSONError) in
            try write(event, of: bytes, route: route, origin: origin, place: place, into: &batch)
        }
    }

    private func write(
        _ event: ChangeEvent, of bytes: RawSpan, route: Int, origin: Int, place: TransactionPlace?, into batch: inout RecordBatch
    ) throws(BSONError) {
        batch.reserve(event.range.count)
        let before = (bytes: batch.bytes.count, headers: batch.headers.count)
        do {
            let key = try encodeKey(event, of: bytes, into: &batch.bytes)
            let isTombstone = sendsTombstones && event.isDelete
            let value = isTombstone && content == .fullDocument ? nil : try encodeValue(event, of: bytes, into: &batch.bytes)
            let headers = try encodeHeaders(event, place, of: bytes, into: &batch)
            if case .cloudevents(let encoder) = form { try encoder.writeHeaders(event, of: bytes, into: &batch) }
            var record = RecordBatch.Record(
                route: route, key: key, value: value, headers: headers.lowerBound..<batch.headers.count,
                timestamp: event.clusterTime.map { Int64($0.seconds) * 1000 } ?? 0, event: origin)
            batch.append(record)
            if isTombstone, value != nil {
                record.value = nil
                // A tombstone is no CloudEvent.
                record.headers = headers
                batch.append(record)
            }
        } catch {
            batch.truncate(bytes: before.bytes, headers: before.headers)
            throw error
        }
    }

    /// For an event that could not be written: whether that was not because of its key.
    func canWriteKey(of event: ChangeEvent, in bytes: RawSpan) -> Bool {
        var buffer = OutputBuffer(capacity: 64)
        return (try? encodeKey(event, of: bytes, into: &buffer)) != nil
    }

    private func encodeKey(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) -> Range<Int>? {
        let start = buffer.count
        let element: BSONElement?
        switch key {
        case .documentKey: element = event.documentKey
        case .debezium(let encoder): return try encoder.writeKey(event, of: bytes, into: &buffer) ? start..<buffer.count : nil
        case .none: element = nil
        case .field(let path): element = try path.find(in: bytes, at: event.start)
        }
        guard let element else { return nil }
        try ExtendedJSON.writeValue(element, of: bytes, mode: .key, into: &buffer)
        return start..<buffer.count
    }

    private func encodeValue(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) -> Range<Int> {
        let start = buffer.count
        let document = content == .event ? event.range : event.fullDocument?.value
        switch (form, document) {
        case (.template(let template), _): try template.write(event, of: bytes, into: &buffer)
        case (.debezium(let encoder), _): try encoder.write(event, of: bytes, into: &buffer)
        case (.cloudevents(let encoder), _): try encoder.writeValue(event, of: bytes, into: &buffer)
        case (.json(let mode), let document?): try ExtendedJSON.writeDocument(bytes, at: document.lowerBound, mode: mode, into: &buffer)
        case (.bson, let document?): buffer.append(contentsOf: bytes, in: document)
        // The event says that there is no document: JSON's null, or an empty BSON value. Not a tombstone.
        case (.json, nil): buffer.append("null")
        case (.bson, nil): break
        }
        return start..<buffer.count
    }

    private func encodeHeaders(
        _ event: ChangeEvent, _ place: TransactionPlace?, of bytes: RawSpan, into batch: inout RecordBatch
    ) throws(BSONError) -> Range<Int> {
        let first = batch.headers.count
        var start = batch.bytes.count
        if let token = event.tokenData {
            batch.bytes.append(contentsOf: bytes, in: token)
            if let bits = event.tokenTypeBits {
                batch.bytes.append(UInt8(ascii: ":"))
                batch.bytes.append(hexadecimalOf: bytes, in: bits)
            }
            batch.addHeader("mongodb.token", from: start)
        }
        start = batch.bytes.count
        if let operation = event.operation {
            batch.bytes.append(contentsOf: bytes, in: operation)
            batch.addHeader("mongodb.op", from: start)
        }
        start = batch.bytes.count
        if let database = event.database {
            batch.bytes.append(contentsOf: bytes, in: database)
            if let collection = event.collection {
                batch.bytes.append(UInt8(ascii: "."))
                batch.bytes.append(contentsOf: bytes, in: collection)
            }
            batch.addHeader("mongodb.ns", from: start)
        }
        start = batch.bytes.count
        if let time = event.clusterTime {
            batch.bytes.append(decimal: Int64(time.seconds))
            batch.bytes.append(UInt8(ascii: "."))
            batch.bytes.append(decimal: Int64(time.increment))
            batch.addHeader("mongodb.clusterTime", from: start)
        }
        start = batch.bytes.count
        if let time = event.wallTime {
            batch.bytes.append(decimal: time)
            batch.addHeader("mongodb.wallTime", from: start)
        }
        if let place {
            start = batch.bytes.count
            place.id.write(into: &batch.bytes)
            batch.addHeader("mongodb.txn", from: start)
            start = batch.bytes.count
            batch.bytes.append(decimal: place.index)
            batch.addHeader("mongodb.txnIndex", from: start)
        }
        start = batch.bytes.count
        batch.bytes.append(contentsOf: streamName)
        batch.addHeader("bridge.stream", from: start)
        start = batch.bytes.count
        batch.bytes.append(contentsOf: origin.word)
        batch.addHeader("bridge.origin", from: start)
        if let id = origin.id {
            start = batch.bytes.count
            batch.bytes.append(contentsOf: id)
            batch.addHeader(origin.header, from: start)
        }
        return first..<batch.headers.count
    }
}
