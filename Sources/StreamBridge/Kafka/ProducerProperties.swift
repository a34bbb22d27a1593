/// The producer's librdkafka properties: what a stream needs, under what the configuration says.
enum ProducerProperties {
    /// - Parameter transactionalID: of a producer whose records are published in transactions.
    static func make(
        _ settings: KafkaSettings, memory: StreamMemory, transactionalID: String? = nil
    ) throws(KafkaError) -> [String: String] {
        var properties = [
            // For a flood: it travels in large requests. Whoever produces ends the wait when nothing more is at hand (LingerFlusher).
            "linger.ms": "5",
            // Nagle's algorithm would hold a small request back until the one before it is acknowledged.
            "socket.nagle.disable": "true",
            // An outage of Kafka is waited out: the stream stops reading, and no record expires.
            "message.timeout.ms": "0",
            "queue.buffering.max.messages": "1000000",
        ]
        let given = settings.common.merging(settings.producer) { $1 }
        // librdkafka has two names for the linger, and the last one set wins.
        if given["queue.buffering.max.ms"] != nil { properties["linger.ms"] = nil }
        // A record cannot outlive its transaction: librdkafka takes `transaction.timeout.ms` for both.
        if given["delivery.timeout.ms"] != nil || transactionalID != nil { properties["message.timeout.ms"] = nil }
        properties.merge(given) { $1 }
        if properties["partitioner"] == nil {
            // The placement of the Java clients; librdkafka's default is CRC32.
            properties["partitioner"] = "murmur2_random"
        }
        properties["enable.idempotence"] = "true"
        if let transactionalID {
            properties["transactional.id"] = transactionalID
        } else {
            // A record that the broker refuses stops the producer, so that later records of its key do not overtake it. A transaction is
            // aborted as a whole.
            properties["enable.gapless.guarantee"] = "true"
        }
        // A record larger than the whole queue would wait for room forever.
        let largest = Int(try KafkaProperties(properties).value(of: "message.max.bytes") ?? "") ?? 1_000_000
        let least = (largest + largest / 4) >> 10
        if let kilobytes = given["queue.buffering.max.kbytes"].flatMap({ Int($0) }) {
            guard kilobytes >= least else {
                throw KafkaError.invalid(
                    "queue.buffering.max.kbytes is \(kilobytes), and must be at least \(least) for message.max.bytes \(largest)")
            }
        } else {
            properties["queue.buffering.max.kbytes"] = String(max(memory.producerBytes >> 10, least))
        }
        return properties
    }
}
