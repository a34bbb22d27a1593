@testable import Kafka
@testable import Runtime
@testable import StreamBridge

extension TestKafka {
    /// The one of all tests that do nothing to its brokers. Their topics have names of their own.
    static let shared = Result { try TestKafka() }

    /// A topic whose partitions can be used when this returns.
    func make(topic: String, partitions: Int32 = 1, config: [String: String] = [:]) throws {
        guard isReal else { return try create(topic: topic, partitions: partitions) }
        let catalog = TopicCatalog(
            admin: try KafkaAdmin(settings: settings, logger: .silent),
            settings: TopicSettings(create: true, partitions: Int(partitions), replicationFactor: 1, config: config), stop: StopSignal(),
            logger: .silent)
        try catalog.ensure(topic, timeout: Patience.limit)
    }

    private var isReal: Bool { embedded == nil }
}
