/// The producer's librdkafka properties: what a stream needs, under what the configuration says.
package enum ProducerProperties {
    /// Of a producer whose records are published in transactions.
    package struct Transactional {
        package let id: String
        /// `transaction.timeout.ms`, unless the configuration has one.
        let timeout: Int

        package init(id: String, timeout: Int) {
            self.id = id
            self.timeout = timeout
        }
    }

    package static func make(
        _ settings: KafkaSettings, memory: StreamMemory, transactional: Transactional? = nil
    ) throws(KafkaError) -> [String: String] {
        var properties = [
            // For a flood: it travels in large requests. The publisher ends the wait when nothing more is at hand
            // (LingerFlusher).
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
        if given["delivery.timeout.ms"] != nil || transactional != nil { properties["message.timeout.ms"] = nil }
        properties.merge(given) { $1 }
        if properties["partitioner"] == nil {
            // The placement of the Java clients; librdkafka's default is CRC32.
            properties["partitioner"] = "murmur2_random"
        }
        properties["enable.idempotence"] = "true"
        if let transactional {
            properties["transactional.id"] = transactional.id
            // How soon a transaction's first request is made again that came too soon after the one before
            // (``SettlingTime``).
            properties["retry.backoff.ms"] = given["retry.backoff.ms"] ?? "10"
            properties["transaction.timeout.ms"] = given["transaction.timeout.ms"] ?? "\(transactional.timeout)"
            try refuseTimes(beyondTransaction: properties)
        } else {
            // A record that the broker refuses stops the producer, so that later records of its key do not overtake it.
            // A transaction is aborted as a whole.
            properties["enable.gapless.guarantee"] = "true"
        }
        // A record larger than the whole queue would wait for room forever.
        let largest = Int(try KafkaProperties(properties).value(of: "message.max.bytes") ?? "") ?? 1_000_000
        let minimum = (largest + largest / 4) >> 10
        if let kilobytes = given["queue.buffering.max.kbytes"].flatMap({ Int($0) }) {
            guard kilobytes >= minimum else {
                throw KafkaError.invalid(
                    "queue.buffering.max.kbytes is \(kilobytes), and must be at least \(minimum) for message.max.bytes \(largest)")
            }
        } else {
            properties["queue.buffering.max.kbytes"] = String(max(memory.producerBytes >> 10, minimum))
        }
        return properties
    }

    /// How many bytes a stream's producer may have on their way: its share, unless the configuration says what
    /// librdkafka's own queue may hold.
    package static func queueBytes(_ settings: KafkaSettings, memory: StreamMemory) -> Int {
        let name = "queue.buffering.max.kbytes"
        return (settings.producer[name] ?? settings.common[name]) == nil ? memory.producerBytes : .max
    }

    /// How long the broker leaves a transaction open.
    package static func transactionTimeout(_ properties: [String: String]) -> Duration {
        .milliseconds(properties["transaction.timeout.ms"].flatMap { Int($0) } ?? 60_000)
    }

    /// librdkafka would refuse them too, without saying what the transaction's time is.
    private static func refuseTimes(beyondTransaction properties: [String: String]) throws(KafkaError) {
        guard let limit = properties["transaction.timeout.ms"].flatMap({ Int($0) }) else { return }
        for (name, room) in [("message.timeout.ms", 0), ("delivery.timeout.ms", 0), ("socket.timeout.ms", 100)] {
            // 0 is no limit at all.
            guard let time = properties[name].flatMap({ Int($0) }), time == 0 || time > limit - room else { continue }
            throw KafkaError.invalid(
                "\(name) is \(time), and with delivery: exactly-once may be from 1 to \(limit - room), because transaction.timeout.ms is "
                    + "\(limit); raise that, or remove \(name)")
        }
    }
}
