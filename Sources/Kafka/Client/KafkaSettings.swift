/// librdkafka properties, verbatim.
package struct KafkaSettings: Sendable, Equatable {
    /// For every client.
    package var common: [String: String]
    /// For producers only, over `common`.
    package var producer: [String: String]
    /// For consumers only, over `common`.
    package var consumer: [String: String]

    package init(common: [String: String], producer: [String: String] = [:], consumer: [String: String] = [:]) {
        self.common = common
        self.producer = producer
        self.consumer = consumer
    }

    /// The addresses of the first contact, `host:port` with commas; empty when only `producer` and `consumer` have
    /// them.
    package var servers: String { common["bootstrap.servers"] ?? common["metadata.broker.list"] ?? "" }
}
