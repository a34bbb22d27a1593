import CKafka
import Runtime

/// Where the records of some partitions of a group member come together, for the one thread that works on them.
///
/// Back-pressure needs no pausing: nothing is fetched beyond `queued.max.messages.kbytes` while nobody takes from the
/// queue, and the member stays in its group, because its other queue is polled all the time (`max.poll.interval.ms`
/// counts every queue).
package final class RecordQueue: Sendable {
    private let owned: LibrdkafkaPointer
    private var handle: OpaquePointer { owned.address }
    private let client: KafkaClient

    package init(of client: KafkaClient) {
        self.client = client
        owned = LibrdkafkaPointer(address: rd_kafka_queue_new(client.handle))
    }

    deinit { rd_kafka_queue_destroy(handle) }

    /// Waits for a record up to `timeout`, and takes it with those that are there behind it.
    ///
    /// - Returns: nil when none came, or after ``wake()``.
    /// - Throws: ``KafkaError`` when the broker refuses a fetch; records that were taken with it are dropped.
    package func take(atMost count: Int, timeout: Duration) throws(KafkaError) -> ConsumedRecords? {
        // One by one, because `rd_kafka_consume_batch_queue` of librdkafka before 2.1 loses what it has gathered when a
        // rebalance pauses its partition meanwhile: the records are purged, and the fetch continues after them (its
        // #4208).
        var messages: [UnsafeMutablePointer<rd_kafka_message_t>] = []
        var next = rd_kafka_consume_queue(handle, timeout.milliseconds)
        while let message = next {
            messages.append(message)
            next = messages.count < count ? rd_kafka_consume_queue(handle, 0) : nil
        }
        guard !messages.isEmpty else { return nil }
        let records = ConsumedRecords(stealing: messages, of: client)
        for index in 0..<records.count {
            let error = records.messages[index].pointee.err
            guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
                let topic = records.withRecord(index) { $0.topic }
                let partition = records.messages[index].pointee.partition
                throw KafkaError(error, operation: "read \(topic)/\(partition)")
            }
        }
        return records
    }

    /// Makes a blocked ``take(atMost:timeout:)``, or the next one, return at once. Any thread.
    package func wake() { rd_kafka_queue_yield(handle) }

    /// The records of a partition come here from now on. Before the partition is assigned.
    package func receive(topic: String, partition: Int32) {
        // librdkafka leaves a forwarding that the application chose alone (RD_KAFKA_Q_F_FWD_APP), so it outlasts
        // assignments.
        guard let source = rd_kafka_queue_get_partition(client.handle, topic, partition) else { return }
        rd_kafka_queue_forward(source, handle)
        rd_kafka_queue_destroy(source)
    }
}
