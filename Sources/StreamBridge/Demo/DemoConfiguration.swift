import Kafka
import Mongo

/// The configuration that the demo runs, as `bridge.yaml` would say it.
enum DemoConfiguration {
    static let inventory = Namespace(database: "lessons", collection: "inventory")

    static let shipments = DispatcherSettings(
        name: "shipments", commands: "dispatch.commands", outcomes: "dispatch.outcomes", deadLetters: "dispatch.dead-letters",
        collection: Namespace(database: "lessons", collection: "shipments"),
        fields: ["source", "destination", "product"].map { CommandField(name: $0, type: .string, isRequired: true) }
            + [CommandField(name: "quantity", type: .int(minimum: 1, maximum: nil), isRequired: true)],
        resource: ResourceSettings(
            field: "truck_id", pool: Namespace(database: "lessons", collection: "trucks"), choose: .random, label: "Truck"),
        delivery: .atLeastOnce)

    static func make(mongodb: String, kafka: String) -> BridgeConfiguration {
        var inventory = StreamSettings(
            name: "inventory", watch: .collection(Self.inventory), pipeline: "[]",
            fullDocument: .required, fullDocumentBeforeChange: .off, showExpandedEvents: false, startAt: .oldest,
            topic: .ofCollections,
            key: .documentKey, format: .relaxed, content: .event, tombstones: false, delivery: .atLeastOnce, onLostPosition: .halt)
        var alerts = inventory
        inventory.startAt = .now
        inventory.snapshot = SnapshotSettings(when: .initial)
        alerts.name = "low-stock"
        alerts.pipeline = #"[{"$match":{"fullDocument.quantity":{"$lt":20}}}]"#
        alerts.topic = TextTemplate(segments: [.literal(FruitStory.alertsTopic)])
        alerts.format = .template(
            TextTemplate(segments: [
                .literal("There are only "), .placeholder(["fullDocument", "quantity"]), .literal(" units left of "),
                .placeholder(["fullDocument", "type"]), .literal("!"),
            ]))
        return BridgeConfiguration(
            name: "demo",
            mongodb: MongoDBSettings(
                uri: mongodb, maxPoolSize: 10, serverSelectionTimeout: .seconds(5),
                writeConcern: .init(w: .majority, wtimeout: .seconds(5), journal: true)),
            // The mock cluster answers a fetch that finds nothing only after so long.
            kafka: KafkaSettings(common: ["bootstrap.servers": kafka], producer: [:], consumer: ["fetch.wait.max.ms": "5"]),
            topics: TopicSettings(create: true, partitions: 3, replicationFactor: 1, config: [:]),
            streams: [inventory, alerts], dispatchers: [shipments],
            http: HTTPSettings(listen: "127.0.0.1:0", token: nil),
            limits: .init(memory: 64 << 20), startupTimeout: .seconds(30), shutdownTimeout: .seconds(10))
    }
}
