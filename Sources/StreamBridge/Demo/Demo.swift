import Kafka
import Logging
import Mongo
import Runtime

/// The whole story on one machine, with a private replica set and an embedded Kafka cluster: a fruit inventory that is
/// copied and sold down, its change events and the low-stock alert; then trucks that commands send out, until none is
/// left.
package final class Demo: Sendable {
    /// What the demo found when it counted.
    package struct Summary: Sendable, Equatable {
        let fruit: FruitCount
        let shipments: ShipmentCount

        package var missing: Int { fruit.missing + shipments.missing }
        package var repeated: Int { fruit.repeated + shipments.repeated }
        /// Answers to a command sent again that were not the same.
        package var changed: Int { shipments.changed }
        package var isComplete: Bool { missing == 0 && repeated == 0 && changed == 0 }
    }

    /// Partitions of each topic that the stories read.
    static let partitions: Int32 = 3

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

    /// - Parameter keepRunning: after the story, continues until ``requestStop()``: the servers stay and the bridge
    ///   runs.
    /// - Returns: nil when the story was ended early.
    /// - Throws: ``MongodProcess/Failure``, ``MongoError``, ``KafkaError``, ``Halt``.
    package func run(keepRunning: Bool) async throws -> Summary? {
        let cluster = try EmbeddedCluster()
        let mongod = try await LoopThread.run(name: "start mongod") {
            Result {
                let mongod = try MongodProcess(replicaSet: "rs0")
                try mongod.initiate()
                return mongod
            }
        }.get()
        defer { mongod.stop() }
        if stop.isRequested {
            tellStopped()
            return nil
        }
        let dispatcher = DemoConfiguration.shipments
        // The mock cluster has no CreateTopics request, so its topics are made here as a real cluster's would be
        // through the admin API.
        for topic in [
            FruitStory.inventoryTopic, FruitStory.alertsTopic, dispatcher.commands, dispatcher.outcomes, dispatcher.deadLetters,
        ] {
            try cluster.create(topic: topic, partitions: Self.partitions)
        }
        try cluster.create(topic: InternalTopics.positions(of: "demo"), partitions: 1)
        try cluster.create(topic: InternalTopics.snapshots(of: "demo"), partitions: 1)
        print(
            """
            StreamBridge: every change in MongoDB becomes a record in Kafka, every command in Kafka a document in MongoDB.

              MongoDB  private replica set, \(mongod.uri)
              Kafka    embedded cluster, \(cluster.bootstrapServers)
                       join in another terminal:
                       kcat -C -b \(cluster.bootstrapServers) -t \(FruitStory.inventoryTopic) -o beginning -f '%k  %s\\n'

              inventory  \(DemoConfiguration.inventory) ──▶ \(FruitStory.inventoryTopic)
              low-stock  the same, through {"$match":{"fullDocument.quantity":{"$lt":20}}} ──▶ \(FruitStory.alertsTopic)
              shipments  \(dispatcher.commands) ──▶ \(dispatcher.collection) ──▶ \(dispatcher.outcomes)

            """)

        let configuration = DemoConfiguration.make(mongodb: mongod.uri, kafka: cluster.bootstrapServers)
        let stage = Stage(mongoDB: try mongod.directPool(), kafka: configuration.kafka, stop: stop, print: print)
        try await LoopThread.run(name: "demo") { Result { try FruitStory(stage: stage).load() } }.get()
        let bridge = Bridge(configuration: configuration, logger: logger)
        // A bridge that ends early ends the story, too.
        let page = Monitor<String?>(nil)
        async let halts = { [stop, print] in
            defer { stop.request(grace: .seconds(5)) }
            return try await bridge.run(listening: { address in
                page.update { $0 = address }
                print("  Page     \(address)\n")
            })
        }()
        var summary: Summary?
        do {
            summary = try await LoopThread.run(name: "demo") { [logger] in
                Result {
                    let fruit = try FruitStory(stage: stage).tell()
                    return Summary(fruit: fruit, shipments: try ShipmentStory(of: dispatcher, on: stage, logger: logger).tell())
                }
            }.get()
        } catch is StoppedEarly {
            tellStopped()
        } catch {
            bridge.requestStop()
            _ = try? await halts
            throw error
        }
        if let summary { tell(summary) }
        if keepRunning, !stop.isRequested {
            print(
                """

                Still running, with its page at \(page.read { $0 } ?? "no address"): write to \(DemoConfiguration.inventory), or send a command. {"complete":"c-2"} frees a truck. Ctrl-C ends it.
                  echo '\(ShipmentStory.sample)' | kcat -P -b \(cluster.bootstrapServers) -t \(dispatcher.commands)
                """)
            await LoopThread.run(name: "demo") { _ = self.stop.wait(for: .seconds(365 * 86_400)) }
        }
        bridge.requestStop()
        if let halt = try await halts.first { throw halt }
        return summary
    }

    private func tellStopped() { print("\nStopped before the end of the story; nothing was counted.") }

    private func tell(_ summary: Summary) {
        print(
            """

            Counted: \(summary.fruit).
                     \(summary.shipments).
            \(summary.missing == 0 ? "Nothing is missing." : "\(summary.missing) missing!") \
            \(summary.repeated == 0 ? "Nothing is repeated." : "\(summary.repeated) repeated!")\
            \(summary.changed == 0 ? "" : " \(summary.changed) answers are not the same again!")
            """)
    }
}
