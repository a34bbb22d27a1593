import CKafka
import CKafka.Mock

/// A Kafka cluster inside this process, on loopback: librdkafka's mock cluster, for the demo and for tests.
///
/// It keeps about 5 MB per partition, in memory, and ignores transaction isolation.
package final class EmbeddedCluster: Sendable {
    private let owned: LibrdkafkaPointer
    var cluster: OpaquePointer { owned.address }
    /// Retains the client that lends the cluster its thread: it must outlive the cluster.
    private let owner: KafkaClient

    /// `host:port` of the brokers, for `bootstrap.servers`.
    package let bootstrapServers: String

    /// - Throws: ``KafkaError`` when no port can be bound.
    package init(brokers: Int32 = 1) throws(KafkaError) {
        owner = try KafkaClient(role: .producer, properties: ["bootstrap.servers": "127.0.0.1:0"])
        guard let cluster = rd_kafka_mock_cluster_new(owner.handle, brokers) else {
            throw KafkaError(rd_kafka_last_error(), operation: "start an embedded Kafka cluster")
        }
        owned = LibrdkafkaPointer(address: cluster)
        bootstrapServers = String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
    }

    deinit { rd_kafka_mock_cluster_destroy(cluster) }

    package func create(topic: String, partitions: Int32) throws(KafkaError) {
        let code = rd_kafka_mock_topic_create(cluster, topic, partitions, 1)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, operation: "create topic \(topic)") }
    }
}
