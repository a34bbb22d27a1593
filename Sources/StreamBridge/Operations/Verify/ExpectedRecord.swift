import Kafka

/// A record that the change stream says there must be, while it is being looked at.
struct ExpectedRecord {
    let fingerprint: RecordFingerprint
    /// Index among the topics of the range.
    let topic: Int
    let keyText: String?
    /// What there is to say of it besides.
    var detail: String?

    /// An event that has no record, because it cannot be written.
    init(_ event: UnwritableEvent, topic: Int) {
        fingerprint = RecordFingerprint(
            token: event.token ?? "", operation: event.operation, key: nil, value: UnsafeRawBufferPointer(start: nil, count: 0))
        self.topic = topic
        keyText = event.document
        detail = "\(event.operation), which cannot be written: \(event.error)"
    }

    init(_ record: RecordBatch.Record, of batch: borrowing RecordBatch, topic: Int) {
        let (token, operation) = (batch.header("mongodb.token", of: record), batch.header("mongodb.op", of: record))
        fingerprint = batch.withKeyAndValue(of: record) { RecordFingerprint(token: token, operation: operation, key: $0, value: $1) }
        self.topic = topic
        keyText = batch.keyText(of: record)
    }
}
