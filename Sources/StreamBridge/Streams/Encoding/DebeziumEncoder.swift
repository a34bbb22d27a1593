import Mongo
import Runtime

/// Writes the records of Debezium's MongoDB connector 3.6, as its JSON converter does without schemas.
///
/// What it takes from its own clock, `ts_ms` and a snapshot's times, comes from the event here: the same event gives
/// the same bytes again.
struct DebeziumEncoder {
    /// What the envelope has of an event besides what ``ChangeEvent`` knows.
    private struct Parts {
        var before: BSONElement?
        var update: BSONElement?
        var session: BSONElement?
        var transactionNumber: Int64?

        init(of event: ChangeEvent, in bytes: RawSpan) throws(BSONError) {
            var fields = try BSONCursor(document: bytes, at: event.start)
            while let field = try fields.next(in: bytes) {
                switch field.type {
                case .document:
                    if field.keyEquals("fullDocumentBeforeChange", in: bytes) {
                        before = field
                    } else if field.keyEquals("updateDescription", in: bytes) {
                        update = field
                    } else if field.keyEquals("lsid", in: bytes) {
                        session = field
                    }
                case .int64: if field.keyEquals("txnNumber", in: bytes) { transactionNumber = field.int64(in: bytes) }
                default: continue
                }
            }
        }
    }

    /// The source block up to its first time.
    private let source: [UInt8]
    private let isSnapshot: Bool
    private let nestsDocuments: Bool

    init(_ settings: DebeziumSettings, isSnapshot: Bool) {
        var source = OutputBuffer(capacity: 128)
        source.append("{\"version\":")
        source.append(jsonString: BridgeVersion.current)
        source.append(",\"connector\":\"mongodb\",\"name\":")
        source.append(jsonString: settings.topicPrefix)
        source.append(",\"ts_ms\":")
        self.source = source.bytes()
        self.isSnapshot = isSnapshot
        nestsDocuments = settings.document == .object
    }

    /// Whether the connector has a record for such an event: it has none for drops, renames and whatever else happens
    /// to no document. What a pipeline has taken the operation from may be a document's event, so it is kept.
    func publishes(_ event: ChangeEvent) -> Bool {
        switch event.kind {
        case .insert, .update, .replace, .delete: true
        default: event.operation == nil
        }
    }

    /// `{"id":"…"}` with the `_id` in it.
    ///
    /// - Returns: false, and nothing is written, for an event without one.
    /// - Throws: ``BSONError``.
    func writeKey(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) -> Bool {
        guard let key = event.documentKey else { return false }
        return try Self.writeKey(ofDocument: bytes, at: key.value.lowerBound, into: &buffer)
    }

    /// The key of the document that starts at `offset`.
    static func writeKey(ofDocument bytes: RawSpan, at offset: Int, into buffer: inout OutputBuffer) throws(BSONError) -> Bool {
        var fields = try BSONCursor(document: bytes, at: offset)
        while let field = try fields.next(in: bytes) {
            guard field.keyEquals("_id", in: bytes) else { continue }
            buffer.append("{\"id\":\"")
            let start = buffer.count
            try JavaJSON.key.writeValue(field, of: bytes, into: &buffer)
            buffer.escapeQuotes(from: start)
            buffer.append("\"}")
            return true
        }
        return false
    }

    /// The envelope.
    ///
    /// - Throws: ``BSONError``.
    func write(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        let parts = try Parts(of: event, in: bytes)
        let time = event.wallTime ?? event.clusterTime.map { Int64($0.seconds) * 1000 }
        buffer.append("{\"before\":")
        try writeDocument(parts.before, of: bytes, by: .document, into: &buffer)
        buffer.append(",\"after\":")
        try writeDocument(event.isDelete ? nil : event.fullDocument, of: bytes, by: .document, into: &buffer)
        buffer.append(",\"updateDescription\":")
        if event.isUpdate, let update = parts.update {
            try writeUpdate(update, of: bytes, into: &buffer)
        } else {
            buffer.append("null")
        }
        buffer.append(",\"source\":")
        try writeSource(event, parts, time, of: bytes, into: &buffer)
        buffer.append(",\"op\":")
        buffer.append(operation(of: event))
        buffer.append(",\"ts_ms\":")
        Self.write(time, into: &buffer)
        buffer.append(",\"transaction\":null}")
    }

    private func operation(of event: ChangeEvent) -> StaticString {
        switch event.kind {
        case .insert: isSnapshot ? "\"r\"" : "\"c\""
        case .update, .replace: "\"u\""
        case .delete: "\"d\""
        default: "null"
        }
    }

    private func writeDocument(
        _ document: BSONElement?, of bytes: RawSpan, by writer: JavaJSON, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        guard let document else { return buffer.append("null") }
        if nestsDocuments {
            try ExtendedJSON.writeDocument(bytes, at: document.value.lowerBound, mode: .relaxed, into: &buffer)
        } else {
            try Self.writeText(document, of: bytes, by: writer, into: &buffer)
        }
    }

    private static func writeText(
        _ document: BSONElement, of bytes: RawSpan, by writer: JavaJSON, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        buffer.append(UInt8(ascii: "\""))
        let start = buffer.count
        try writer.writeDocument(bytes, at: document.value.lowerBound, into: &buffer)
        buffer.escapeQuotes(from: start)
        buffer.append(UInt8(ascii: "\""))
    }

    private func writeUpdate(_ update: BSONElement, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        var (removed, updated, truncated): (BSONElement?, BSONElement?, BSONElement?)
        var fields = try BSONCursor(document: bytes, at: update.value.lowerBound)
        while let field = try fields.next(in: bytes) {
            if field.type == .array, field.keyEquals("removedFields", in: bytes) {
                removed = field
            } else if field.type == .document, field.keyEquals("updatedFields", in: bytes) {
                updated = field
            } else if field.type == .array, field.keyEquals("truncatedArrays", in: bytes) {
                truncated = field
            }
        }
        buffer.append("{\"removedFields\":")
        if let removed, removed.value.count > Self.emptySize {
            try ExtendedJSON.writeArray(bytes, at: removed.value.lowerBound, mode: .relaxed, into: &buffer)
        } else {
            buffer.append("null")
        }
        buffer.append(",\"updatedFields\":")
        if let updated {
            try writeDocument(updated, of: bytes, by: .update, into: &buffer)
        } else {
            buffer.append(nestsDocuments ? "{}" : "\"{}\"")
        }
        buffer.append(",\"truncatedArrays\":")
        if let truncated, truncated.value.count > Self.emptySize {
            try Self.writeTruncated(truncated, of: bytes, into: &buffer)
        } else {
            buffer.append("null")
        }
        buffer.append("}")
    }

    /// Of an empty array.
    private static let emptySize = 5

    /// The server's `newSize` is `size` here.
    private static func writeTruncated(_ arrays: BSONElement, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        var separator = UInt8(ascii: "[")
        var items = try BSONCursor(document: bytes, at: arrays.value.lowerBound)
        while let item = try items.next(in: bytes) {
            guard item.type == .document else { continue }
            var (name, size): (Range<Int>?, Int64?)
            var fields = try BSONCursor(document: bytes, at: item.value.lowerBound)
            while let field = try fields.next(in: bytes) {
                if field.keyEquals("field", in: bytes) {
                    name = field.text
                } else if field.keyEquals("newSize", in: bytes) {
                    size = field.integer(in: bytes)
                }
            }
            buffer.append(separator)
            separator = UInt8(ascii: ",")
            buffer.append("{\"field\":")
            try write(name, of: bytes, into: &buffer)
            buffer.append(",\"size\":")
            write(size, into: &buffer)
            buffer.append("}")
        }
        if separator == UInt8(ascii: "[") { buffer.append(separator) }
        buffer.append("]")
    }

    private func writeSource(
        _ event: ChangeEvent, _ parts: Parts, _ time: Int64?, of bytes: RawSpan, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        buffer.append(contentsOf: source)
        Self.write(time, into: &buffer)
        buffer.append(isSnapshot ? ",\"snapshot\":\"true\",\"db\":" : ",\"snapshot\":\"false\",\"db\":")
        try Self.write(event.database, of: bytes, into: &buffer)
        buffer.append(",\"sequence\":null,\"ts_us\":")
        Self.write(time, thousands: "000", into: &buffer)
        buffer.append(",\"ts_ns\":")
        Self.write(time, thousands: "000000", into: &buffer)
        buffer.append(",\"collection\":")
        try Self.write(event.collection, of: bytes, into: &buffer)
        buffer.append(",\"ord\":")
        Self.write(isSnapshot ? -1 : event.clusterTime.map { Int64($0.increment) }, into: &buffer)
        buffer.append(",\"lsid\":")
        if let session = parts.session {
            try Self.writeText(session, of: bytes, by: .document, into: &buffer)
        } else {
            buffer.append("null")
        }
        buffer.append(",\"txnNumber\":")
        Self.write(parts.transactionNumber, into: &buffer)
        buffer.append(",\"wallTime\":")
        Self.write(event.wallTime, into: &buffer)
        buffer.append("}")
    }

    /// - Parameter thousands: the zeros of what it is multiplied by; so written, no time is too large.
    private static func write(_ number: Int64?, thousands: StaticString = "", into buffer: inout OutputBuffer) {
        guard let number else { return buffer.append("null") }
        buffer.append(decimal: number)
        if number != 0 { buffer.append(thousands) }
    }

    private static func write(_ text: Range<Int>?, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        guard let text else { return buffer.append("null") }
        try ExtendedJSON.writeString(text, of: bytes, into: &buffer)
    }
}
