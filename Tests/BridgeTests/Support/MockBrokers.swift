import CKafka
import CKafka.Mock

@testable import Kafka
@testable import StreamBridge

/// An embedded cluster whose brokers do as a test tells them.
struct MockBrokers {
    /// Requests by their key in Kafka's protocol.
    enum Request: Int16 {
        case produce = 0
        case fetch = 1
        case listOffsets = 2
        case metadata = 3
        case heartbeat = 12
        case initProducerId = 22
        case addPartitionsToTxn = 24
        case addOffsetsToTxn = 25
        case endTxn = 26
        case txnOffsetCommit = 28
    }

    let cluster: EmbeddedCluster

    init(_ count: Int32 = 1) throws { self.init(cluster: try EmbeddedCluster(brokers: count)) }

    /// The brokers of a cluster that somebody else has started.
    init(cluster: EmbeddedCluster) { self.cluster = cluster }

    var settings: KafkaSettings {
        KafkaSettings(
            common: [
                "bootstrap.servers": cluster.bootstrapServers, "reconnect.backoff.ms": "20", "reconnect.backoff.max.ms": "100",
                "retry.backoff.ms": "10",
            ], producer: [:], consumer: [:])
    }

    /// - Parameter leader: the broker of all its partitions, counted from 1.
    func create(topic: String, partitions: Int32 = 1, leader: Int32 = 1) throws {
        try cluster.create(topic: topic, partitions: partitions)
        for partition in 0..<partitions { rd_kafka_mock_partition_set_leader(cluster.cluster, topic, partition, leader) }
    }

    /// Makes another broker the leader of a topic's only partition; nil for none, so that nothing is stored there.
    func setLeader(of topic: String, to broker: Int32?) { rd_kafka_mock_partition_set_leader(cluster.cluster, topic, 0, broker ?? -1) }

    /// The next requests of this kind fail with these errors, one after another.
    func fail(_ request: Request, with codes: [rd_kafka_resp_err_t]) {
        rd_kafka_mock_push_request_errors_array(cluster.cluster, request.rawValue, codes.count, codes)
    }

    /// Requests of this kind succeed again.
    func stopFailing(_ request: Request) { rd_kafka_mock_clear_request_errors(cluster.cluster, request.rawValue) }

    /// What brokers say about a topic when they are asked for it; `RD_KAFKA_RESP_ERR_NO_ERROR` to find it again.
    func describe(topic: String, as code: rd_kafka_resp_err_t) { rd_kafka_mock_topic_set_error(cluster.cluster, topic, code) }

    /// Makes another broker the coordinator of a transactional id or a consumer group; the one before answers that it
    /// is none.
    func moveCoordinator(of key: Coordinated, to broker: Int32) {
        switch key {
        case .transactionalID(let id): rd_kafka_mock_coordinator_set(cluster.cluster, "transaction", id, broker)
        case .group(let name): rd_kafka_mock_coordinator_set(cluster.cluster, "group", name, broker)
        }
    }

    enum Coordinated {
        case transactionalID(String)
        case group(String)
    }

    func takeDown(_ broker: Int32) { rd_kafka_mock_broker_set_down(cluster.cluster, broker) }
    func bringUp(_ broker: Int32) { rd_kafka_mock_broker_set_up(cluster.cluster, broker) }
}
