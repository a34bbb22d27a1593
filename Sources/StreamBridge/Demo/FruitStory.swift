import Mongo

/// The inventory of strawberries, bananas and apples, sold down while the topics are watched.
struct FruitStory {
    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let mongod: MongodProcess
    let kafka: KafkaSettings
    let stop: StopSignal
    let print: @Sendable (String) -> Void

    /// Sales as (fruit, units): bananas arrive at 19.
    private static let sales: [(fruit: String, units: Int32)] = [
        ("bananas", 12), ("apples", 9), ("strawberries", 25), ("bananas", 20), ("strawberries", 14), ("apples", 21), ("bananas", 17),
        ("strawberries", 8), ("apples", 30), ("bananas", 15), ("apples", 15), ("strawberries", 11), ("bananas", 17), ("apples", 9),
        ("strawberries", 20), ("strawberries", 7), ("bananas", 6), ("apples", 10),
    ]

    /// Blocks until every event has arrived, and counts.
    func tell() throws -> Demo.Summary {
        var summary = Demo.Summary()
        let watcher = try TopicWatcher(kafka: kafka, print: print)
        try mongod.directPool().withClient { client in
            _ = try client.command(
                ["create": "inventory", "changeStreamPreAndPostImages": ["enabled": true]], on: "lessons", operation: "create the inventory"
            )
            let fruits: [BSONValue] = ["strawberries", "bananas", "apples"].map {
                ["_id": .string($0), "type": .string($0), "quantity": 100]
            }
            print("Loading the inventory: 100 strawberries, 100 bananas, 100 apples.")
            _ = try client.command(
                ["insert": "inventory", "documents": .array(fruits), "writeConcern": Self.writeConcern], on: "lessons",
                operation: "load the inventory")
            summary.writes += fruits.count
            try watcher.watch(until: summary, stop: stop)

            for sale in Self.sales where !stop.isRequested {
                let left = try sell(sale.units, of: sale.fruit, by: client)
                summary.writes += 1
                if left < 20 { summary.lowStock += 1 }
                print("Sold \(sale.units) \(sale.fruit), \(left) left.")
                try watcher.watch(until: summary, stop: stop)
            }
        }
        summary.records = watcher.records
        summary.events = watcher.events.count
        summary.alerts = watcher.alerts
        return summary
    }

    private static let writeConcern: BSONValue = ["w": "majority", "wtimeout": 5000]

    private func sell(_ units: Int32, of fruit: String, by client: borrowing MongoClient) throws -> Int32 {
        let reply = try client.command(
            [
                "findAndModify": "inventory", "query": ["_id": .string(fruit)], "update": ["$inc": ["quantity": .int32(-units)]],
                "new": true,
                "writeConcern": Self.writeConcern,
            ], on: "lessons", operation: "sell \(fruit)")
        guard let left = reply["value"]?.documentValue?["quantity"]?.int64Value else { throw Failure(description: "there are no \(fruit)") }
        return Int32(clamping: left)
    }
}

/// Reads both topics of the demo and prints what arrives.
private final class TopicWatcher {
    private let reader: TopicReader
    private let print: @Sendable (String) -> Void
    private(set) var records = 0
    private(set) var alerts = 0
    /// Tokens of the events that arrived: a repeated event is counted once.
    private(set) var events: Set<String> = []

    fileprivate struct Arrival {
        let topic: String
        let place: String
        let token: String
        let operation: String
        let value: String
    }

    init(kafka: KafkaSettings, print: @escaping @Sendable (String) -> Void) throws {
        self.print = print
        reader = try TopicReader(settings: kafka)
        for topic in [Demo.inventoryTopic, Demo.alertsTopic] {
            for partition in 0..<Int32(3) { try reader.start(topic: topic, partition: partition, at: 0) }
        }
    }

    /// Waits for every event and alert that `expected` speaks of.
    func watch(until expected: Demo.Summary, stop: StopSignal) throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while events.count < expected.writes || alerts < expected.lowStock, !stop.isRequested, .now < deadline {
            guard case .record(let arrival) = try reader.next(timeout: .milliseconds(200), Arrival.init) else { continue }
            if arrival.topic == Demo.alertsTopic {
                alerts += 1
                print("  \(arrival.place)  \(arrival.value)")
            } else {
                records += 1
                events.insert(arrival.token)
                print("  \(arrival.place)  \(arrival.operation) \(arrival.value)")
            }
        }
    }
}

extension TopicWatcher.Arrival {
    init(_ record: borrowing TopicReader.Record) {
        topic = record.topic
        place = "\(record.topic)/\(record.partition)@\(record.offset)"
        let headers = record.headers
        func header(_ name: String) -> String {
            headers.first { $0.name == name }?.value.map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        token = header("mongodb.token")
        operation = header("mongodb.op")
        let text = String(decoding: record.value ?? [], as: UTF8.self)
        // For an event, the part that a person looks for; for an alert, the sentence.
        let document = (try? BSONDocument(extendedJSON: text))?["fullDocument"]?.documentValue
        value = (try? document?.extendedJSON(.simple)) ?? text
    }
}
