import Mongo

/// The inventory of strawberries, bananas and apples, sold down while the topics are watched.
struct FruitStory {
    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let inventoryTopic = "mongo.lessons.inventory"
    static let alertsTopic = "lessons.low-stock"

    let stage: Stage

    /// Sales as (fruit, units): bananas arrive at 19.
    private static let sales: [(fruit: String, units: Int32)] = [
        ("bananas", 12), ("apples", 9), ("strawberries", 25), ("bananas", 20), ("strawberries", 14), ("apples", 21), ("bananas", 17),
        ("strawberries", 8), ("apples", 30), ("bananas", 15), ("apples", 15), ("strawberries", 11), ("bananas", 17), ("apples", 9),
        ("strawberries", 20), ("strawberries", 7), ("bananas", 6), ("apples", 10),
    ]

    private static let fruits = ["strawberries", "bananas", "apples"]

    /// Puts documents into the inventory before anybody watches it.
    ///
    /// - Throws: ``MongoError``.
    func load() throws {
        try stage.mongoDB.withClient { client in
            _ = try client.command(
                ["create": "inventory", "changeStreamPreAndPostImages": ["enabled": true]], on: "lessons", operation: "create the inventory"
            )
            let fruits: [BSONValue] = Self.fruits.map { ["_id": .string($0), "type": .string($0), "quantity": 100] }
            _ = try client.command(
                ["insert": "inventory", "documents": .array(fruits), "writeConcern": Stage.writeConcern], on: "lessons",
                operation: "load the inventory")
        }
    }

    /// Blocks until every document and every event has arrived, and counts.
    ///
    /// - Throws: ``StoppedEarly``, ``MongoError``, ``KafkaError``.
    func tell() throws -> FruitCount {
        var count = FruitCount()
        let watcher = try TopicWatcher([Self.inventoryTopic, Self.alertsTopic], on: stage)
        try stage.mongoDB.withClient { client in
            stage.print("The inventory was there before the bridge: 100 strawberries, 100 bananas, 100 apples.")
            count.documents = Self.fruits.count
            try watcher.watch(until: count.missing == 0) { Self.read($0, into: &count) }

            for sale in Self.sales {
                let left = try sell(sale.units, of: sale.fruit, by: client)
                count.writes += 1
                if left < 20 { count.lowStock += 1 }
                stage.print("Sold \(sale.units) \(sale.fruit), \(left) left.")
                try watcher.watch(until: count.missing == 0) { Self.read($0, into: &count) }
            }
        }
        return count
    }

    private func sell(_ units: Int32, of fruit: String, by client: borrowing MongoClient) throws -> Int32 {
        let reply = try client.command(
            [
                "findAndModify": "inventory", "query": ["_id": .string(fruit)], "update": ["$inc": ["quantity": .int32(-units)]],
                "new": true,
                "writeConcern": Stage.writeConcern,
            ], on: "lessons", operation: "sell \(fruit)")
        guard let left = reply["value"]?.documentValue?["quantity"]?.int64Value else { throw Failure(description: "there are no \(fruit)") }
        return Int32(clamping: left)
    }

    /// Counts a record.
    ///
    /// - Returns: of an alert the sentence, of an event the part that a person looks for.
    private static func read(_ arrival: TopicWatcher.Arrival, into count: inout FruitCount) -> String {
        guard arrival.topic == inventoryTopic else {
            count.alerts += 1
            return arrival.text
        }
        let isCopy = arrival.headers["bridge.origin"] == "snapshot"
        if isCopy {
            count.copies += 1
        } else {
            count.records += 1
            count.events.insert(arrival.headers["mongodb.token"] ?? "")
        }
        let document = (try? BSONDocument(extendedJSON: arrival.text))?["fullDocument"]?.documentValue
        return "\(isCopy ? "snapshot" : arrival.headers["mongodb.op"] ?? "?") \((try? document?.extendedJSON(.simple)) ?? arrival.text)"
    }
}
