import Kafka
import Mongo
import Runtime

/// Writes events as CloudEvents 1.0, by its Kafka protocol binding.
struct CloudEventsEncoder {
    private let mode: CloudEventsMode
    /// `mongodb://` and the replica set.
    private let deployment: [UInt8]
    private let isSnapshot: Bool

    /// - Parameter replicaSet: nil for a sharded cluster.
    init(_ mode: CloudEventsMode, replicaSet: String?, isSnapshot: Bool) {
        self.mode = mode
        self.isSnapshot = isSnapshot
        var deployment = OutputBuffer(capacity: 64)
        deployment.append("mongodb://")
        let name = Array((replicaSet ?? "").utf8)
        Self.write(percentEncoded: 0..<name.count, of: name.span.bytes, into: &deployment)
        self.deployment = deployment.bytes()
    }

    /// The value: the change event, or, in structured mode, the CloudEvent with the change event in it.
    ///
    /// - Throws: ``BSONError``.
    func writeValue(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        if mode == .structured { try writeAttributes(event, of: bytes, into: &buffer) }
        try ExtendedJSON.writeDocument(bytes, at: event.start, mode: .relaxed, into: &buffer)
        if mode == .structured { buffer.append("}") }
    }

    /// The headers: the attributes, or, in structured mode, what the value is.
    ///
    /// - Throws: ``BSONError``.
    func writeHeaders(_ event: ChangeEvent, of bytes: RawSpan, into batch: inout RecordBatch) throws(BSONError) {
        func add(_ name: StaticString, _ text: StaticString) {
            let start = batch.bytes.count
            batch.bytes.append(text)
            batch.addHeader(name, from: start)
        }
        guard mode == .binary else { return add("content-type", "application/cloudevents+json; charset=UTF-8") }
        add("ce_specversion", "1.0")
        var start = batch.bytes.count
        try writeID(event, of: bytes, into: &batch.bytes)
        batch.addHeader("ce_id", from: start)
        start = batch.bytes.count
        writeSource(event, of: bytes, into: &batch.bytes)
        batch.addHeader("ce_source", from: start)
        start = batch.bytes.count
        writeType(event, of: bytes, into: &batch.bytes)
        batch.addHeader("ce_type", from: start)
        start = batch.bytes.count
        if try writeSubject(event, of: bytes, into: &batch.bytes) { batch.addHeader("ce_subject", from: start) }
        start = batch.bytes.count
        if writeTime(event, into: &batch.bytes) { batch.addHeader("ce_time", from: start) }
        add("content-type", "application/json")
    }

    private func writeAttributes(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        buffer.append("{\"specversion\":\"1.0\",\"id\":\"")
        var start = buffer.count
        try writeID(event, of: bytes, into: &buffer)
        buffer.escapeQuotes(from: start)
        buffer.append("\",\"source\":\"")
        writeSource(event, of: bytes, into: &buffer)
        buffer.append("\",\"type\":\"")
        writeType(event, of: bytes, into: &buffer)
        start = buffer.count
        buffer.append("\",\"subject\":\"")
        let subject = buffer.count
        if try writeSubject(event, of: bytes, into: &buffer) {
            buffer.escapeQuotes(from: subject)
        } else {
            buffer.truncate(to: start)
        }
        start = buffer.count
        buffer.append("\",\"time\":\"")
        if !writeTime(event, into: &buffer) { buffer.truncate(to: start) }
        buffer.append("\",\"datacontenttype\":\"application/json\",\"data\":")
    }

    // MARK: Attributes

    /// The token. All documents that a snapshot reads at one time have the same one, so there the document's key
    /// follows.
    private func writeID(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        if let token = event.tokenData { Self.write(percentEncoded: token, of: bytes, into: &buffer) }
        if let bits = event.tokenTypeBits {
            buffer.append(UInt8(ascii: ":"))
            buffer.append(hexadecimalOf: bytes, in: bits)
        }
        guard isSnapshot, let key = event.documentKey else { return }
        buffer.append(UInt8(ascii: "/"))
        try ExtendedJSON.writeValue(key, of: bytes, mode: .key, into: &buffer)
    }

    /// A URI, in which each name is percent-encoded.
    private func writeSource(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) {
        buffer.append(contentsOf: deployment)
        buffer.append(UInt8(ascii: "/"))
        guard let database = event.database else { return }
        Self.write(percentEncoded: database, of: bytes, into: &buffer)
        guard let collection = event.collection else { return }
        buffer.append(UInt8(ascii: "."))
        Self.write(percentEncoded: collection, of: bytes, into: &buffer)
    }

    private func writeType(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) {
        buffer.append("com.mongodb.change.")
        if let operation = event.operation, !operation.isEmpty {
            Self.write(percentEncoded: operation, of: bytes, into: &buffer)
        } else {
            buffer.append("other")
        }
    }

    /// The document's key, as records have it.
    ///
    /// - Returns: false, and nothing is written, for an event without one.
    private func writeSubject(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) -> Bool {
        guard let key = event.documentKey else { return false }
        try ExtendedJSON.writeValue(key, of: bytes, mode: .key, into: &buffer)
        return true
    }

    /// - Returns: false, and nothing is written, for a time that RFC 3339 cannot express, or none.
    private func writeTime(_ event: ChangeEvent, into buffer: inout OutputBuffer) -> Bool {
        let time = event.wallTime ?? event.clusterTime.map { Int64($0.seconds) * 1000 }
        guard let time, JSONDate.simpleRange.contains(time) else { return false }
        JSONDate.write(time, alwaysWithFraction: true, into: &buffer)
        return true
    }

    /// The unreserved characters of RFC 3986 as they are, each other byte as `%` and its hexadecimal digits.
    private static func write(percentEncoded range: Range<Int>, of bytes: RawSpan, into buffer: inout OutputBuffer) {
        for index in range {
            let byte = bytes.byte(at: index)
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                buffer.append(byte)
            default:
                buffer.append(UInt8(ascii: "%"))
                buffer.append(hexadecimalOf: bytes, in: index..<index + 1)
            }
        }
    }
}
