import CKafka

/// Owner of a `rd_kafka_conf_t`: destroyed unless it was handed to a client.
package struct KafkaProperties: ~Copyable {
    private let conf: OpaquePointer

    /// - Throws: ``KafkaError`` with librdkafka's own sentence for a property that it does not know or a value that it
    ///   refuses.
    package init(_ properties: [String: String]) throws(KafkaError) {
        conf = rd_kafka_conf_new()
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
            if let sentence = Self.set(name, to: value, in: conf) {
                throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, operation: "configure the Kafka client", detail: sentence)
            }
        }
    }

    deinit { rd_kafka_conf_destroy(conf) }

    /// Which events the client's queue is to carry (`RD_KAFKA_EVENT_…`, or-ed).
    func enableEvents(_ events: Int32) { rd_kafka_conf_set_events(conf, events) }

    /// Gives the object away: `rd_kafka_new` owns it from its success on.
    consuming func release() -> OpaquePointer {
        let conf = conf
        discard self
        return conf
    }

    /// The effective value of a property, librdkafka's default included.
    package borrowing func value(of name: String) -> String? {
        var size = 0
        guard rd_kafka_conf_get(conf, name, nil, &size) == RD_KAFKA_CONF_OK, size > 0 else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer in
            guard let base = buffer.baseAddress, rd_kafka_conf_get(conf, name, base, &size) == RD_KAFKA_CONF_OK else { return nil }
            return String(cString: base)
        }
    }

    /// What librdkafka says against a property, or nil when it takes it. For checking a configuration before any client
    /// is made.
    package static func fault(name: String, value: String) -> String? {
        let conf: OpaquePointer = rd_kafka_conf_new()
        defer { rd_kafka_conf_destroy(conf) }
        return set(name, to: value, in: conf)
    }

    /// Names that are aliases, or belong to topics: `rd_kafka_conf_dump` leaves them out (CONFIGURATION.md of
    /// librdkafka).
    private static let aliases = [
        "bootstrap.servers", "linger.ms", "compression.type", "retries", "max.in.flight.requests.per.connection", "sasl.mechanism", "acks",
        "delivery.timeout.ms", "message.timeout.ms", "request.timeout.ms", "partitioner", "auto.offset.reset",
    ]

    /// The property names of this librdkafka.
    package static func names() -> [String] {
        let conf: OpaquePointer = rd_kafka_conf_new()
        defer { rd_kafka_conf_destroy(conf) }
        var count = 0
        // Names and values in turn.
        guard let pairs = rd_kafka_conf_dump(conf, &count) else { return [] }
        defer { rd_kafka_conf_dump_free(pairs, count) }
        return aliases + stride(from: 0, to: count, by: 2).compactMap { pairs[$0].map { String(cString: $0) } }
    }

    private static func set(_ name: String, to value: String, in conf: OpaquePointer) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { sentence in
            guard rd_kafka_conf_set(conf, name, value, sentence.baseAddress, sentence.count) != RD_KAFKA_CONF_OK else { return nil }
            return sentence.baseAddress.map { String(cString: $0) } ?? "\(name) was refused"
        }
    }
}
