import Kafka
import Logging
import Mongo

/// Fifty trucks, and commands for them until all are out.
final class ShipmentStory {
    /// A command that a person may send; its place in the topic is its id.
    static let sample = #"{"truck_id":7,"source":"New York","destination":"Atlanta","product":"socks","quantity":40}"#

    private static let trucks = 50
    /// Of many answers, one in so many is shown.
    private static let shown = 12

    private let stage: Stage
    private let dispatcher: DispatcherSettings
    private let watcher: TopicWatcher
    private let sender: RecordSender
    private var count = ShipmentCount()

    init(of dispatcher: DispatcherSettings, on stage: Stage, logger: Logger) throws {
        self.stage = stage
        self.dispatcher = dispatcher
        watcher = try TopicWatcher([dispatcher.outcomes, dispatcher.deadLetters], on: stage)
        sender = try RecordSender(topic: dispatcher.commands, settings: stage.kafka, patience: .seconds(30), logger: logger)
    }

    /// Blocks until every command has its outcome, and counts.
    ///
    /// - Throws: ``StoppedEarly``, ``MongoError``, ``KafkaError``.
    func tell() throws -> ShipmentCount {
        stage.print(
            "\nLoading \(Self.trucks) trucks, while the dispatcher joins its consumer group. A truck carries one shipment at a time.")
        try loadTrucks()
        let first = Order(1, truck: 4)
        try send(first)
        let second = Order(2, truck: 4)
        try send(second)
        try send([second], saying: "\(second.id) again, as if delivered twice: the same answer, and no other truck goes out.")
        try send(Order(3, truck: 9, quantity: 0))
        try sendAllOut(from: 4, to: Self.trucks + 1)

        let late = Order(Self.trucks + 2, truck: 9)
        try send(late)
        try send(Order(ending: first))
        try send([late], saying: "\(late.id) again: its answer stands, although a truck is free now.")
        try send(Order(Self.trucks + 3, truck: 9))
        try lookUpShipments()
        return count
    }

    /// Commands for whichever trucks, until all of them are out.
    private func sendAllOut(from first: Int, to last: Int) throws {
        let orders = (first...last).map { Order($0, truck: .random(in: 1...Self.trucks)) }
        try send(orders, saying: "c-\(first) to c-\(last) ask for any trucks; one answer in \(Self.shown) is shown.", showing: Self.shown)
        try lookUpShipments()
        stage.print(
            """
              So far \(count.number(of: "dispatched")) got the truck that they asked for and \(count.number(of: "reassigned")) another one: \
            \(count.trucks) of \(Self.trucks) trucks are out.
            """)
    }

    // MARK: Kafka

    private func send(_ order: Order) throws { try send([order], saying: order.description) }

    /// Sends commands and waits for what comes of them.
    ///
    /// - Parameters:
    ///   - text: what a person is told before.
    ///   - share: one answer in so many is printed.
    private func send(_ orders: [Order], saying text: String, showing share: Int = 1) throws {
        stage.print(text)
        for order in orders {
            try sender.send(order.record)
            count.sent(order.id, isMalformed: order.isMalformed)
        }
        try sender.finish()
        var arrived = 0
        try watcher.watch(until: count.isAnswered) { arrival in
            let line = read(arrival)
            arrived += 1
            return arrived.isMultiple(of: share) ? line : nil
        }
    }

    private func read(_ arrival: TopicWatcher.Arrival) -> String {
        guard arrival.topic == dispatcher.outcomes else {
            count.foundDeadLetter()
            return arrival.text
        }
        let outcome = try? BSONDocument(extendedJSON: arrival.text)
        func text(_ key: String) -> String { outcome?[key]?.stringValue ?? "?" }
        count.answered(text("id"), status: text("status"), text: arrival.text)
        return "\(text("status")): \(text("message"))"
    }

    // MARK: MongoDB

    private func loadTrucks() throws {
        guard let pool = dispatcher.resource.pool else { return }
        let trucks = (1...Self.trucks).map { number -> BSONValue in
            ["_id": .int32(Int32(number)), "plate": .string("TRK-\(1000 + 37 * number)")]
        }
        _ = try stage.mongoDB.withClient { client in
            try client.command(
                ["insert": .string(pool.collection), "documents": .array(trucks), "writeConcern": Stage.writeConcern],
                on: pool.database, operation: "load the trucks")
        }
    }

    private func lookUpShipments() throws {
        let shipments = dispatcher.collection
        let stages: [BSONValue] = [
            ["$match": ["status": "active"]],
            ["$group": ["_id": .string("$\(dispatcher.resource.field)"), "shipments": ["$sum": 1]]],
            ["$group": ["_id": .null, "shipments": ["$sum": "$shipments"], "trucks": ["$sum": 1]]],
        ]
        let reply = try stage.mongoDB.withClient { client in
            try client.command(
                [
                    "aggregate": .string(shipments.collection), "pipeline": .array(stages), "cursor": [:],
                    "readConcern": ["level": "majority"],
                ],
                on: shipments.database, operation: "count the active shipments")
        }
        let found = reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.first?.documentValue
        count.active = Int(found?["shipments"]?.int64Value ?? 0)
        count.trucks = Int(found?["trucks"]?.int64Value ?? 0)
    }
}

/// A command of the story.
private struct Order: CustomStringConvertible {
    let id: String
    /// What a person is told.
    let description: String
    let isMalformed: Bool
    let record: OutgoingRecord

    private static let cities = ["New York", "Atlanta", "Boston", "Denver", "Chicago", "Seattle"]
    private static let products = ["socks", "lamps", "kettles", "chairs", "umbrellas"]

    /// - Parameter quantity: below 1 for a command that is refused.
    init(_ number: Int, truck: Int, quantity: Int = 40) {
        let id = "c-\(number)"
        let source = Self.cities[(number - 1) % Self.cities.count]
        let destination = Self.cities[number % Self.cities.count]
        let product = Self.products[(number - 1) % Self.products.count]
        self.id = id
        description = "\(id) asks for truck #\(truck): \(quantity) \(product), from \(source) to \(destination)."
        isMalformed = quantity < 1
        record = Self.record(
            key: id,
            """
            {"id":"\(id)","truck_id":\(truck),"source":"\(source)","destination":"\(destination)","product":"\(product)",\
            "quantity":\(quantity)}
            """)
    }

    /// The completion of another one, `r-1` for `c-1`. The same key keeps both in one partition.
    init(ending order: Order) {
        id = "r-\(order.id.dropFirst(2))"
        description = "\(id): \(order.id) is complete."
        isMalformed = false
        record = Self.record(key: order.id, #"{"id":"\#(id)","complete":"\#(order.id)"}"#)
    }

    private static func record(key: String, _ json: String) -> OutgoingRecord {
        OutgoingRecord(key: Array(key.utf8), value: Array(json.utf8))
    }
}
