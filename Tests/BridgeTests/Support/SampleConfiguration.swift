import Mongo

@testable import Kafka
@testable import StreamBridge

enum SampleConfiguration {
    /// A stream over `lessons.inventory` and the dispatcher of the shipments.
    static func make(
        streams: [StreamSettings] = [.sample()], dispatchers: [DispatcherSettings] = [.sample()],
        _ change: (inout BridgeConfiguration) -> Void = { _ in }
    ) -> BridgeConfiguration {
        var configuration = BridgeConfiguration(
            name: "lessons",
            mongodb: MongoDBSettings(
                uri: "mongodb://127.0.0.1:27017/?replicaSet=rs0", maxPoolSize: 20, serverSelectionTimeout: .seconds(5),
                writeConcern: .init(w: .majority, wtimeout: .seconds(5), journal: true)),
            kafka: KafkaSettings(common: ["bootstrap.servers": "127.0.0.1:9092"], producer: [:], consumer: [:]),
            topics: TopicSettings(create: true, partitions: 3, replicationFactor: 1, config: [:]), streams: streams,
            dispatchers: dispatchers,
            limits: .init(memory: 64 << 20), startupTimeout: .seconds(30), shutdownTimeout: .seconds(20))
        change(&configuration)
        return configuration
    }
}
