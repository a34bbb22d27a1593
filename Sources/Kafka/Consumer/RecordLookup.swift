import CKafka
import Runtime

/// Reads single records again, by their offsets, committed or not. Used on one thread at a time.
package final class RecordLookup {
    /// What a partition has at an offset.
    package enum Found: Equatable {
        /// The first record there or behind.
        case record(RecordMark)
        /// No record there or behind, up to the offset at which the partition ends for readers now.
        case end(at: Int64)
        /// The partition ends before it.
        case beyond
        /// The partition begins behind it.
        case trimmed
    }

    private let topic: String
    private let client: KafkaClient
    private let handle: KafkaTopic

    /// - Throws: ``KafkaError`` when a property is refused.
    package init(topic: String, settings: KafkaSettings) throws(KafkaError) {
        self.topic = topic
        var properties = settings.common.merging(settings.consumer) { $1 }.filter { $0.key != "group.id" && $0.key != "group.instance.id" }
        properties["enable.partition.eof"] = "true"
        properties["isolation.level"] = Isolation.readUncommitted.rawValue
        properties["auto.offset.reset"] = "error"
        // A fetch that waits at the broker holds the next one up.
        properties["fetch.wait.max.ms"] = "0"
        properties["fetch.error.backoff.ms"] = "20"
        // A broker sends one batch of records whatever its size.
        properties["fetch.message.max.bytes"] = "1024"
        client = try KafkaClient(role: .consumer, properties: properties)
        handle = try KafkaTopic(topic, of: client)
    }

    /// - Parameters:
    ///   - offsets: by partition.
    ///   - isHurried: then no more than ``hurriedTime`` is waited.
    /// - Throws: ``KafkaError``, also when not every answer came within `timeout`.
    package func find(
        at offsets: [Int32: Int64], timeout: Duration, isHurried: () -> Bool = { false }
    ) throws(KafkaError) -> [Int32: Found] {
        drainEvents()
        let operation = "read topic \(topic)"
        // A queue of its own, so that nothing of an earlier look is in it.
        guard let queue = rd_kafka_queue_new(client.handle) else { throw KafkaError(rd_kafka_last_error(), operation: operation) }
        var started: [Int32] = []
        defer {
            for partition in started { rd_kafka_consume_stop(handle.handle, partition) }
            rd_kafka_queue_destroy(queue)
        }
        for (partition, offset) in offsets {
            guard rd_kafka_consume_start_queue(handle.handle, partition, offset, queue) == 0 else {
                throw KafkaError(rd_kafka_last_error(), operation: operation)
            }
            started.append(partition)
        }
        var found: [Int32: Found] = [:]
        let began = ContinuousClock.now
        let deadline = began + timeout
        while found.count < offsets.count {
            let now = ContinuousClock.now
            guard let message = rd_kafka_consume_queue(queue, max(.zero, min(deadline - now, Self.turnTime)).milliseconds) else {
                guard now < deadline, now - began < Self.hurriedTime || !isHurried() else { throw .timedOut(operation: operation) }
                continue
            }
            defer { rd_kafka_message_destroy(message) }
            let partition = message.pointee.partition
            guard found[partition] == nil, let offset = offsets[partition] else { continue }
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR: found[partition] = .record(RecordMark(KafkaRecord(message: UnsafePointer(message))))
            case RD_KAFKA_RESP_ERR__PARTITION_EOF: found[partition] = .end(at: message.pointee.offset)
            case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
                found[partition] = try first(of: partition, until: deadline) > offset ? .trimmed : .beyond
            case let code: throw KafkaError(code, operation: operation)
            }
        }
        return found
    }

    private static let (turnTime, hurriedTime): (Duration, Duration) = (.milliseconds(200), .seconds(1))

    private func first(of partition: Int32, until deadline: ContinuousClock.Instant) throws(KafkaError) -> Int64 {
        var (low, high): (Int64, Int64) = (0, 0)
        let code = rd_kafka_query_watermark_offsets(
            client.handle, topic, partition, &low, &high, max(.milliseconds(100), deadline - .now).milliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, operation: "read the offsets of \(topic)/\(partition)") }
        return low
    }

    /// Nobody else polls this client: what it has to say would pile up.
    private func drainEvents() { while client.poll(timeout: .zero) != nil {} }
}
