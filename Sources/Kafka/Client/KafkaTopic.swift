import CKafka

/// Owner of a topic handle of one client.
///
/// Made once per route, because a lookup by name costs a lock and a hash per record. It retains its client: librdkafka
/// wants every topic handle destroyed before the client.
package final class KafkaTopic {
    let handle: OpaquePointer
    package let name: String
    private let client: KafkaClient

    /// - Throws: ``KafkaError`` for an illegal name.
    package init(_ name: String, of client: KafkaClient) throws(KafkaError) {
        guard let handle = rd_kafka_topic_new(client.handle, name, nil) else {
            throw KafkaError(rd_kafka_last_error(), operation: "use topic \(name)")
        }
        self.handle = handle
        self.name = name
        self.client = client
    }

    deinit { rd_kafka_topic_destroy(handle) }
}
