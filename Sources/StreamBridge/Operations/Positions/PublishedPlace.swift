import Kafka
import Mongo
import Runtime

/// What a published record says of its event's place in the change stream.
struct PublishedPlace {
    let token: ResumeToken
    /// Nil for an event of no MongoDB transaction.
    let transaction: TransactionPlace?

    /// Reads the record at `place`. Blocks.
    ///
    /// - Throws: ``KafkaError``, or ``Halt`` when there is no such record, or none of a change stream.
    init(of place: RecordPlace, admin: KafkaAdmin, settings: KafkaSettings, timeout: Duration, stop: StopSignal) throws {
        func missing(_ reason: String) -> Halt {
            Halt(reason: reason, remedy: "`bridge tail \(place.topic)` shows the records and their coordinates", status: .configuration)
        }
        let (partition, offset) = (place.coordinates.partition, place.coordinates.offset)
        guard let topic = try admin.topic(place.topic, within: timeout, stop: stop), partition < topic.partitions else {
            throw missing("there is no partition \(place.topic)/\(partition)")
        }
        let offsets = try admin.watermarks(topic: place.topic, partition: partition, timeout: timeout)
        guard offsets.contains(offset) else {
            throw missing(
                "there is no record at \(place): the partition has the offsets from \(offsets.lowerBound) to before \(offsets.upperBound)")
        }
        let reader = try TopicReader(settings: settings)
        try reader.start(topic: place.topic, partition: partition, at: offset)
        let deadline = ContinuousClock.now + timeout
        while true {
            switch try reader.next(timeout: .milliseconds(200), { ($0.offset, Self.headers(of: $0)) }) {
            case .record((offset, let headers)):
                guard let data = headers.token, case .token? = try? StartPoint(token: data) else {
                    throw missing("the record at \(place) has no resume token in its header mongodb.token")
                }
                token = ResumeToken(text: data)
                transaction = token.clusterTime.flatMap { time in
                    guard let id = headers.transaction.flatMap({ TransactionID($0, at: time) }), let index = headers.index else {
                        return nil
                    }
                    return TransactionPlace(id: id, index: index)
                }
                return
            case .record, .end: throw missing("there is no committed record at \(place)")
            case .nothing: if .now >= deadline { throw KafkaError.timedOut(operation: "read the record at \(place)") }
            }
        }
    }

    private static func headers(of record: borrowing KafkaRecord) -> (token: String?, transaction: String?, index: Int64?) {
        (record.header("mongodb.token"), record.header("mongodb.txn"), record.header("mongodb.txnIndex").flatMap { Int64(count: $0) })
    }
}
