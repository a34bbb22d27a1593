import CKafka
import Runtime

/// Reads partitions of topics from given offsets, without a consumer group.
///
/// Used on one thread. It takes part in no rebalance and commits nothing, so it needs no rights on a group.
package final class TopicReader {
    package typealias Record = KafkaRecord

    /// What ``next(timeout:_:)`` met.
    package enum Step<Result> {
        case record(Result)
        /// The partition has no more records for now: none at `offset` or after it, or only those of transactions that
        /// are open.
        case end(topic: String, partition: Int32, offset: Int64)
        case nothing
    }

    private let client: KafkaClient
    private let queue: OpaquePointer
    private var topics: [String: KafkaTopic] = [:]
    private var started: [(topic: KafkaTopic, partition: Int32)] = []

    /// - Parameter queueBytes: how much may lie fetched and untouched; nil for the client's default.
    /// - Throws: ``KafkaError`` when a property is refused.
    package init(settings: KafkaSettings, isolation: Isolation = .readCommitted, queueBytes: Int? = nil) throws(KafkaError) {
        var properties = settings.common.merging(settings.consumer) { $1 }
        properties["enable.partition.eof"] = "true"
        if let queueBytes { properties["queued.max.messages.kbytes"] = String(queueBytes >> 10) }
        properties["isolation.level"] = isolation.rawValue
        // Records that vanish between the look at the offsets and the reading are an error, not a reason to go to the
        // end.
        properties["auto.offset.reset"] = "error"
        properties["fetch.wait.max.ms"] = properties["fetch.wait.max.ms"] ?? "20"
        properties["fetch.error.backoff.ms"] = properties["fetch.error.backoff.ms"] ?? "50"
        client = try KafkaClient(role: .consumer, properties: properties)
        queue = rd_kafka_queue_new(client.handle)
    }

    deinit {
        for (topic, partition) in started { rd_kafka_consume_stop(topic.handle, partition) }
        rd_kafka_queue_destroy(queue)
    }

    /// Begins to read a partition at `offset`.
    package func start(topic name: String, partition: Int32, at offset: Int64) throws(KafkaError) {
        let topic: KafkaTopic
        if let known = topics[name] {
            topic = known
        } else {
            topic = try KafkaTopic(name, of: client)
            topics[name] = topic
        }
        guard rd_kafka_consume_start_queue(topic.handle, partition, offset, queue) == 0 else {
            throw KafkaError(rd_kafka_last_error(), operation: "read \(name)/\(partition)")
        }
        started.append((topic, partition))
    }

    /// Waits up to `timeout` for the next record and hands it to `body`.
    ///
    /// - Throws: ``KafkaError`` when the broker refuses the fetch.
    package func next<Result>(timeout: Duration, _ body: (borrowing Record) -> Result) throws(KafkaError) -> Step<Result> {
        guard let message = rd_kafka_consume_queue(queue, timeout.milliseconds) else { return .nothing }
        defer { rd_kafka_message_destroy(message) }
        switch message.pointee.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR: return .record(body(Record(message: UnsafePointer(message))))
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            return .end(
                topic: Record(message: UnsafePointer(message)).topic, partition: message.pointee.partition, offset: message.pointee.offset)
        case let code:
            throw KafkaError(code, operation: "read topic \(Record(message: UnsafePointer(message)).topic)")
        }
    }
}
