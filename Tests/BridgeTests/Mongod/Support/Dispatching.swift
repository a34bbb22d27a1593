import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// The text of commands of the sample dispatcher.
enum CommandText {
    /// - Parameters:
    ///   - truck: as JSON.
    ///   - more: further fields, each with its comma before it.
    static func dispatch(_ id: String, _ truck: some CustomStringConvertible, _ more: String = "") -> String {
        #"{"id":"\#(id)","truck_id":\#(truck),"source":"New York","destination":"Atlanta","product":"socks","quantity":40\#(more)}"#
    }

    static func complete(_ id: String, _ target: String, _ more: String = "") -> String {
        #"{"id":"\#(id)","complete":"\#(target)"\#(more)}"#
    }

    static let past = #","expiresAt":"2020-01-31T00:00:00Z""#
    static let future = #","expiresAt":"2999-01-31T00:00:00Z""#
}

/// An outcome as its record says it.
struct TestOutcome: Sendable, Equatable, CustomStringConvertible {
    let text: String
    let id: String
    let status: String
    let requested: BSONValue?
    let assigned: BSONValue?
    let attempts: Int64
    let message: String
    let at: String

    /// Fails the test where the record is not what the contract says.
    init(_ record: TestRecord) throws {
        text = record.text ?? ""
        let document = try record.document()
        try #require(document.keys == ["id", "status", "requested", "assigned", "attempts", "message", "at"], "\(text)")
        id = try #require(document["id"]?.stringValue)
        status = try #require(document["status"]?.stringValue)
        requested = document["requested"].flatMap { $0.isNull ? .none : .some($0) }
        assigned = document["assigned"].flatMap { $0.isNull ? .none : .some($0) }
        attempts = try #require(document["attempts"]?.int64Value)
        message = try #require(document["message"]?.stringValue)
        at = try #require(document["at"]?.stringValue)
        try #require(record.keyText == id)
        try #require(record.headerNames.isEmpty)
    }

    var description: String { text }
}

/// A dispatcher of a scene: its settings, its topics, and what goes in and comes out.
final class Dispatching: @unchecked Sendable {
    // Safe: used on the scene's thread.
    let scene: Scene
    private(set) var settings: DispatcherSettings
    let partitions: Int32
    let sender: CommandSender
    private let outcomeFollower: TopicFollower
    private let letterFollower: TopicFollower
    /// The records of the follower that were read.
    private var parsed: [TestOutcome] = []
    /// Outcomes that ``answers(to:partition:)`` has returned.
    private var taken = 0

    /// Makes the topics and the pool.
    ///
    /// - Parameter trucks: members of the pool; nil for a dispatcher without one.
    init(
        _ scene: Scene, _ name: String = "shipments", trucks: [BSONValue]? = [], partitions: Int32 = 1,
        _ change: (inout DispatcherSettings) -> Void = { _ in }
    ) throws {
        self.scene = scene
        self.partitions = partitions
        var settings = DispatcherSettings.sample()
        settings.name = name
        settings.commands = "\(scene.name).\(name).commands"
        settings.outcomes = "\(scene.name).\(name).outcomes"
        settings.deadLetters = "\(scene.name).\(name).dead-letters"
        settings.collection = Namespace(database: scene.database, collection: name)
        settings.resource.pool = trucks == nil ? nil : Namespace(database: scene.database, collection: "\(name)-trucks")
        settings.resource.choose = .random
        settings.delivery = .atLeastOnce
        change(&settings)
        self.settings = settings
        try scene.kafka.create(topic: settings.commands, partitions: partitions)
        for topic in [settings.outcomes, settings.deadLetters] { try scene.kafka.create(topic: topic) }
        sender = try CommandSender(settings.commands, on: scene.kafka.settings)
        outcomeFollower = try scene.follow(settings.outcomes)
        letterFollower = try scene.follow(settings.deadLetters)
        if let trucks, let pool = settings.resource.pool, !trucks.isEmpty {
            try scene.insert(trucks.map { ["_id": $0] }, into: pool.collection, of: pool.database)
        }
    }

    static func trucks(_ numbers: ClosedRange<Int32>) -> [BSONValue] { numbers.map { .int32($0) } }

    // MARK: In and out

    func send(_ commands: [String], to partition: Int32 = 0) throws {
        try sender.send(commands.map { (OutgoingRecord(value: Array($0.utf8)), partition) })
    }

    /// Sends one command to each partition in turn.
    func spread(_ commands: [String]) throws {
        try sender.send(
            commands.enumerated().map { (OutgoingRecord(value: Array($1.utf8)), Int32($0) % partitions) })
    }

    /// Waits until there are that many outcomes.
    ///
    /// - Returns: all of them.
    @discardableResult
    func outcomes(count: Int) throws -> [TestOutcome] { try parse(outcomeFollower.wait(count: count)) }

    private func parse(_ records: [TestRecord]) throws -> [TestOutcome] {
        for record in records[parsed.count...] { parsed.append(try TestOutcome(record)) }
        return parsed
    }

    /// Waits until the outcomes have so many different ids.
    ///
    /// - Returns: everything that the topic has by then.
    func outcomes(ids count: Int) throws -> [TestOutcome] {
        var seen: Set<[UInt8]> = []
        var looked = 0
        try outcomeFollower.wait(for: "outcomes of \(count) commands") { records in
            for record in records[looked...] { seen.insert(record.key ?? []) }
            looked = records.count
            return seen.count >= count
        }
        return try allOutcomes()
    }

    /// Everything that the topic of outcomes has now.
    func allOutcomes() throws -> [TestOutcome] { try parse(outcomeFollower.readToEnd(of: scene.kafka)) }

    /// Sends commands, and waits for as many more outcomes.
    func answers(to commands: [String], partition: Int32 = 0) throws -> [TestOutcome] {
        try send(commands, to: partition)
        taken += commands.count
        return Array(try outcomes(count: taken)[(taken - commands.count)..<taken])
    }

    func answer(to command: String, partition: Int32 = 0) throws -> TestOutcome {
        try #require(try answers(to: [command], partition: partition).first)
    }

    /// Sends one command, and waits for its outcome; repeats of earlier ones, from a member that lost its partitions,
    /// are passed over.
    func answer(to command: String, id: String) throws -> TestOutcome {
        try send([command])
        while true {
            taken += 1
            let outcome = try outcomes(count: taken)[taken - 1]
            if outcome.id == id { return outcome }
            try #require(parsed[..<(taken - 1)].contains(outcome), "\(outcome)")
        }
    }

    @discardableResult
    func deadLetters(count: Int) throws -> [TestRecord] { try letterFollower.wait(count: count) }

    func allDeadLetters() throws -> [TestRecord] { try letterFollower.readToEnd(of: scene.kafka) }

    // MARK: Documents

    /// Every document, by its id.
    func shipments() throws -> [String: BSONDocument] {
        var found: [String: BSONDocument] = [:]
        var reply = try scene.command(
            [
                "find": .string(settings.collection.collection), "batchSize": 10_000, "readConcern": ["level": "majority"],
            ], on: settings.collection.database)
        while let cursor = reply["cursor"]?.documentValue {
            for document in (cursor["firstBatch"] ?? cursor["nextBatch"])?.arrayValue?.compactMap(\.documentValue) ?? [] {
                found[document["_id"]?.stringValue ?? "\(document["_id"] ?? .null)"] = document
            }
            guard let id = cursor["id"]?.int64Value, id != 0 else { break }
            reply = try scene.command(
                ["getMore": .int64(id), "collection": .string(settings.collection.collection), "batchSize": 10_000],
                on: settings.collection.database)
        }
        return found
    }

    func insertTrucks(_ trucks: [BSONValue]) throws {
        guard let pool = settings.resource.pool else { return }
        try scene.insert(trucks.map { ["_id": $0] }, into: pool.collection, of: pool.database)
    }

    func deleteTruck(_ truck: BSONValue) throws {
        guard let pool = settings.resource.pool else { return }
        try scene.command(
            ["delete": .string(pool.collection), "deletes": [["q": ["_id": truck], "limit": 1]], "writeConcern": ["w": "majority"]],
            on: pool.database)
    }

    // MARK: Judging

    /// Every command has one outcome, and repeats are the same bytes; documents and outcomes say the same; no resource
    /// is held twice.
    ///
    /// - Parameter ids: of the commands that were sent.
    /// - Returns: how many outcomes were repeats.
    @discardableResult
    func expectConsistent(_ ids: some Sequence<String>, sourceLocation: SourceLocation = #_sourceLocation) throws -> Int {
        let outcomes = try allOutcomes()
        var first: [String: TestOutcome] = [:]
        for outcome in outcomes {
            if let earlier = first[outcome.id] {
                #expect(earlier.text == outcome.text, "a repeat differs", sourceLocation: sourceLocation)
            } else {
                first[outcome.id] = outcome
            }
        }
        #expect(Set(first.keys).symmetricDifference(ids).isEmpty, "commands and outcomes", sourceLocation: sourceLocation)
        let shipments = try shipments()
        #expect(Set(shipments.keys).symmetricDifference(ids).isEmpty, "commands and documents", sourceLocation: sourceLocation)
        var holders: [BSONValue: String] = [:]
        for (id, document) in shipments {
            let status = document["status"]?.stringValue
            let stored = Outcome(storedIn: document)
            #expect(stored?.json == first[id]?.text, "document and outcome of \(id)", sourceLocation: sourceLocation)
            switch stored?.status {
            case .dispatched, .reassigned:
                #expect(status == "active" || status == "completed", sourceLocation: sourceLocation)
                if status == "active" {
                    #expect(document[settings.resource.field] == stored?.assigned?.value, sourceLocation: sourceLocation)
                    if let truck = document[settings.resource.field] {
                        #expect(holders.updateValue(id, forKey: truck) == nil, "\(truck) is held twice", sourceLocation: sourceLocation)
                    }
                } else {
                    // The command that ended it was answered so.
                    let ender = document["completed_by"]?.stringValue.flatMap { first[$0] }
                    #expect(ender?.status == "completed" && ender?.assigned == stored?.assigned?.value, sourceLocation: sourceLocation)
                }
            case .rejected: #expect(status == "rejected", sourceLocation: sourceLocation)
            case .completed:
                #expect(status == "completion", sourceLocation: sourceLocation)
                let target = document["complete"]?.stringValue.flatMap { shipments[$0] }
                #expect(target?["completed_by"]?.stringValue == id, sourceLocation: sourceLocation)
            case .invalid, nil: Issue.record("\(id) has no outcome in its document", sourceLocation: sourceLocation)
            }
        }
        #expect(try allDeadLetters().isEmpty, sourceLocation: sourceLocation)
        return outcomes.count - first.count
    }

    // MARK: The group

    /// Waits until the group has committed that many offsets, over all partitions.
    func waitUntilCommitted(_ count: Int) throws {
        let group = GroupName.of(settings.name, of: scene.name)
        // A look at the group does not join it.
        let consumer = try GroupConsumer(
            topic: settings.commands, properties: ConsumerProperties.make(scene.kafka.settings, group: group, queueBytes: 1 << 20),
            logger: .silent)
        let deadline = ContinuousClock.now + Patience.limit
        while true {
            let offsets = try? consumer.committed(Array(0..<partitions), timeout: .seconds(5))
            let committed = (offsets ?? [:]).values.reduce(0) { $0 + Int($1?.offset ?? 0) }
            if committed >= count { return }
            guard .now < deadline else { throw WaitedInVain(what: "\(count) committed offsets; \(committed) are") }
        }
    }

    /// What a member has here on the mock cluster. That answers an empty fetch only after all of its time; takes the
    /// newest member's session timeout for all; lets a group that is not empty wait for so long before it forms it
    /// anew; and now and then forgets a member that waits, which asks again after `max.poll.interval.ms`.
    static let membership = [
        "fetch.wait.max.ms": "5", "session.timeout.ms": "6000", "heartbeat.interval.ms": "300", "max.poll.interval.ms": "10000",
    ]

    /// The configuration's file has the same.

    /// The scene's configuration as a file: this dispatcher alone.
    func yaml(top: String = "") -> String {
        let membership = Self.membership.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
        return """
            name: \(scene.name)
            mongodb:
              uri: "\(scene.uri)"
              serverSelectionTimeout: 2s
            kafka:
              bootstrap.servers: \(scene.kafka.bootstrapServers)
              reconnect.backoff.ms: 50
              reconnect.backoff.max.ms: 250
              consumer: { \(membership) }
            dispatchers:
              - name: \(settings.name)
                commands: \(settings.commands)
                outcomes: \(settings.outcomes)
                deadLetters: \(settings.deadLetters)
                collection: \(settings.collection)
                fields: { source: string, destination: string, product: string, quantity: { type: int, minimum: 1 } }
                resource: { field: truck_id, pool: \(settings.resource.pool.map { "\($0)" } ?? "none"), choose: \(settings.resource.choose), label: Truck }
                delivery: \(settings.delivery.rawValue)
            \(top)
            """
    }
}

extension Outcome {
    /// The value of its record.
    var json: String {
        var buffer = OutputBuffer(capacity: 256)
        write(into: &buffer)
        return buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}

extension Scene {
    /// Starts a bridge with dispatchers.
    func bridge(_ dispatching: Dispatching..., changing change: (inout BridgeConfiguration) -> Void = { _ in }) throws -> RunningBridge {
        try bridge([]) { configuration in
            configuration.dispatchers = dispatching.map(\.settings)
            configuration.kafka.consumer = Dispatching.membership
            change(&configuration)
        }
    }
}

extension RunningBridge {
    func status(ofDispatcher name: String) throws -> DispatchStatus.Snapshot {
        guard let status = try dispatchers().first(where: { $0.dispatcher == name }) else { throw WaitedInVain(what: "dispatcher \(name)") }
        return status.snapshot
    }
}
