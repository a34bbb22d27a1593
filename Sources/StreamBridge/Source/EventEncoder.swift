import Mongo

/// Writes a change event into a record: key, value, headers and timestamp (contract, section 3).
///
/// Works on bytes from the server to librdkafka: nothing is decoded and nothing is allocated per event.
struct EventEncoder {
    private enum Form {
        case json(JSONMode)
        case bson
        case template(TemplateEncoder)
    }

    private enum Key {
        case documentKey
        case none
        case field(BSONPath)
    }

    private let form: Form
    private let key: Key
    private let content: RecordContent
    private let streamName: [UInt8]

    init(_ stream: StreamSettings) {
        form =
            switch stream.format {
            case .relaxed: .json(.relaxed)
            case .canonical: .json(.canonical)
            case .simple: .json(.simple)
            case .bson: .bson
            case .template(let template): .template(TemplateEncoder(template))
            }
        key =
            switch stream.key {
            case .documentKey: .documentKey
            case .none: .none
            case .field(let path): .field(BSONPath(segments: path))
            }
        content = stream.content
        streamName = Array(stream.name.utf8)
    }

    /// - Throws: ``BSONError`` for bytes that are not BSON, invalid UTF-8 included where the format is text.
    func encode(_ event: ChangeEvent, of bytes: RawSpan, into record: inout RecordBuffer) throws(BSONError) {
        record.reset()
        try encodeKey(event, of: bytes, into: &record)
        let start = record.bytes.count
        try encodeValue(event, of: bytes, into: &record.bytes)
        record.value = start..<record.bytes.count
        try encodeHeaders(event, of: bytes, into: &record)
        record.timestamp = event.clusterTime.map { Int64($0.seconds) * 1000 } ?? 0
    }

    private func encodeKey(_ event: ChangeEvent, of bytes: RawSpan, into record: inout RecordBuffer) throws(BSONError) {
        let element: BSONElement? =
            switch key {
            case .documentKey: event.documentKey
            case .none: nil
            case .field(let path): try path.find(in: bytes, at: event.start)
            }
        guard let element else { return }
        let start = record.bytes.count
        try ExtendedJSON.writeValue(element, of: bytes, mode: .canonical, into: &record.bytes)
        record.key = start..<record.bytes.count
    }

    private func encodeValue(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        if case .template(let template) = form { return try template.write(event, of: bytes, into: &buffer) }
        let document: Range<Int>
        switch content {
        case .event: document = event.range
        case .fullDocument:
            guard let fullDocument = event.fullDocument else {
                // The event says that there is no document: JSON's null, or an empty BSON value. Not a tombstone.
                if case .json = form { buffer.append("null") }
                return
            }
            document = fullDocument.value
        }
        switch form {
        case .json(let mode): try ExtendedJSON.writeDocument(bytes, at: document.lowerBound, mode: mode, into: &buffer)
        case .bson: buffer.append(contentsOf: bytes, in: document)
        case .template: return
        }
    }

    private func encodeHeaders(_ event: ChangeEvent, of bytes: RawSpan, into record: inout RecordBuffer) throws(BSONError) {
        var start = record.bytes.count
        if let token = event.tokenData {
            record.bytes.append(contentsOf: bytes, in: token)
            record.addHeader("mongodb.token", from: start)
        }
        start = record.bytes.count
        if let operation = event.operation {
            record.bytes.append(contentsOf: bytes, in: operation)
            record.addHeader("mongodb.op", from: start)
        }
        start = record.bytes.count
        if let database = event.database {
            record.bytes.append(contentsOf: bytes, in: database)
            if let collection = event.collection {
                record.bytes.append(UInt8(ascii: "."))
                record.bytes.append(contentsOf: bytes, in: collection)
            }
            record.addHeader("mongodb.ns", from: start)
        }
        start = record.bytes.count
        if let time = event.clusterTime {
            record.bytes.append(decimal: Int64(time.seconds))
            record.bytes.append(UInt8(ascii: "."))
            record.bytes.append(decimal: Int64(time.increment))
            record.addHeader("mongodb.clusterTime", from: start)
        }
        start = record.bytes.count
        if let time = event.wallTime {
            record.bytes.append(decimal: time)
            record.addHeader("mongodb.wallTime", from: start)
        }
        start = record.bytes.count
        record.bytes.append(contentsOf: streamName)
        record.addHeader("bridge.stream", from: start)
        start = record.bytes.count
        record.bytes.append("live")
        record.addHeader("bridge.origin", from: start)
    }
}
