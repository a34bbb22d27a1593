import Logging
import Mongo

/// The whole story on one machine: a private replica set and an embedded Kafka cluster, a fruit inventory that is sold down, its change
/// events on their topic, and the low-stock alert on its own.
package final class Demo: Sendable {
    /// What the demo found when it counted.
    package struct Summary: Sendable, Equatable {
        /// Writes that MongoDB acknowledged: each is one change event.
        package var writes = 0
        /// Distinct events among the records of the inventory's topic.
        package var events = 0
        package var records = 0
        /// Sales that left fewer than 20.
        package var lowStock = 0
        package var alerts = 0

        package var missing: Int { (writes - events) + (lowStock - alerts) }
        package var repeated: Int { records - events }
        package var isComplete: Bool { missing == 0 && events == writes && alerts == lowStock }
    }

    static let inventoryTopic = "mongo.lessons.inventory"
    static let alertsTopic = "lessons.low-stock"

    private let logger: Logger
    private let print: @Sendable (String) -> Void
    private let stop = StopSignal()

    /// - Parameter print: takes the lines for a person, in order.
    package init(logger: Logger, print: @escaping @Sendable (String) -> Void) {
        self.logger = logger
        self.print = print
    }

    /// Ends the story early; the servers are stopped and cleaned up.
    package func requestStop() { stop.request(grace: .seconds(5)) }

    /// - Parameter keepRunning: after the story, goes on until ``requestStop()``: the servers stay and the streams run.
    /// - Throws: ``MongodProcess/Failure``, ``MongoError``, ``KafkaError``, ``StreamHalt``.
    package func run(keepRunning: Bool) async throws -> Summary {
        let cluster = try EmbeddedCluster()
        // The mock cluster has no CreateTopics request, so its topics are made here as a real cluster's would be through the admin API.
        for topic in [Self.inventoryTopic, Self.alertsTopic] { try cluster.create(topic: topic, partitions: 3) }
        try cluster.create(topic: "bridge.demo.positions", partitions: 1)
        let mongod = try await LoopThread.run(name: "start mongod") {
            Result {
                let mongod = try MongodProcess(replicaSet: "rs0")
                try mongod.initiate()
                return mongod
            }
        }.get()
        defer { mongod.stop() }
        print(
            """
            StreamBridge: every change in MongoDB becomes a record in Kafka.

              MongoDB  private replica set, \(mongod.uri)
              Kafka    embedded cluster, \(cluster.bootstrapServers)
                       join in another terminal:
                       kcat -b \(cluster.bootstrapServers) -t \(Self.inventoryTopic) -o beginning -f '%k  %s\\n'

              inventory  lessons.inventory ──▶ \(Self.inventoryTopic)
              low-stock  the same, through {"$match":{"fullDocument.quantity":{"$lt":20}}} ──▶ \(Self.alertsTopic)

            """)

        let configuration = DemoConfiguration.make(mongodb: mongod.uri, kafka: cluster.bootstrapServers)
        let bridge = Bridge(configuration: configuration, logger: logger)
        // A bridge that ends early ends the story, too.
        async let halts = { [stop] in
            defer { stop.request(grace: .seconds(5)) }
            return try await bridge.run()
        }()
        let story = FruitStory(mongod: mongod, kafka: configuration.kafka, stop: stop, print: print)
        let summary: Summary
        do {
            summary = try await LoopThread.run(name: "demo") { Result { try story.tell() } }.get()
        } catch {
            bridge.requestStop()
            _ = try? await halts
            throw error
        }
        tell(summary)
        if keepRunning, !stop.isRequested {
            print("\nStill running: write to lessons.inventory and watch the topics. Ctrl-C ends it.")
            await LoopThread.run(name: "demo") { _ = self.stop.wait(for: .seconds(365 * 86_400)) }
        }
        bridge.requestStop()
        if let halt = try await halts.first { throw halt }
        return summary
    }

    private func tell(_ summary: Summary) {
        print(
            """

            Counted: \(summary.writes) writes in MongoDB, \(summary.events) events in Kafka; \(summary.lowStock) sales below 20, \
            \(summary.alerts) alerts.
            \(summary.isComplete ? "Nothing is missing." : "\(summary.missing) missing!") \
            \(summary.repeated == 0 ? "Nothing is repeated." : "\(summary.repeated) repeated.")
            """)
    }
}

/// The configuration that the demo runs, as `bridge.yaml` would say it.
enum DemoConfiguration {
    static func make(mongodb: String, kafka: String) -> BridgeConfiguration {
        let inventory = StreamSettings(
            name: "inventory", watch: .collection(Namespace(database: "lessons", collection: "inventory")), pipeline: "[]",
            fullDocument: .required, fullDocumentBeforeChange: .off, showExpandedEvents: false, startAt: .oldest,
            topic: TextTemplate(segments: [.literal("mongo."), .placeholder(["db"]), .literal("."), .placeholder(["coll"])]),
            key: .documentKey, format: .relaxed, content: .event, tombstones: false, delivery: .atLeastOnce, onLostPosition: .halt)
        var alerts = inventory
        alerts.name = "low-stock"
        alerts.pipeline = #"[{"$match":{"fullDocument.quantity":{"$lt":20}}}]"#
        alerts.topic = TextTemplate(segments: [.literal(Demo.alertsTopic)])
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
            kafka: KafkaSettings(common: ["bootstrap.servers": kafka], producer: [:], consumer: [:]),
            topics: TopicSettings(create: true, partitions: 3, replicationFactor: 1, config: [:]),
            streams: [inventory, alerts],
            limits: .init(memory: 64 << 20), startupTimeout: .seconds(30), shutdownTimeout: .seconds(10))
    }
}
