@testable import Kafka
@testable import Mongo
@testable import Runtime
@testable import StreamBridge

/// A record of a batch, copied out of it.
struct EncodedRecord: Equatable {
    var route: Int
    /// Nil for a record without a key.
    var key: [UInt8]?
    /// Nil for a tombstone.
    var value: [UInt8]?
    /// `name=value`, in order.
    var headers: [String]
    var timestamp: Int64

    var keyText: String? { key.map { String(decoding: $0, as: UTF8.self) } }
    var valueText: String? { value.map { String(decoding: $0, as: UTF8.self) } }
}

extension RecordBatch {
    borrowing func copied() -> [EncodedRecord] {
        let all = bytes.bytes()
        let headers = headers
        return records.map { record in
            EncodedRecord(
                route: record.route, key: record.key.map { Array(all[$0]) }, value: record.value.map { Array(all[$0]) },
                headers: headers[record.headers].map { "\($0.name)=\(String(decoding: all[$0.text], as: UTF8.self))" },
                timestamp: record.timestamp)
        }
    }
}

extension EventEncoder {
    /// The records of one event.
    func records(of document: BSONDocument) throws -> [EncodedRecord] {
        var batch = RecordBatch()
        try encode(document, into: &batch)
        return batch.copied()
    }

    func encode(_ document: BSONDocument, into batch: inout RecordBatch) throws {
        let bytes = document.bytes
        let span = bytes.span.bytes
        try encode(ChangeEvent(of: span, at: 0), of: span, route: 0, origin: 0, place: nil, into: &batch)
    }
}
