import Foundation
import Logging
import Mongo
import Synchronization
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// The replica set that ordinary tests share, each with databases of its own. Its guardian ends it with the process.
enum SharedMongod {
    static let server = Result {
        // A program that is killed in a transaction holds its documents for so long. The oplog keeps what the whole
        // suite writes.
        let server = try MongodProcess(
            replicaSet: "shared", arguments: ["--setParameter", "transactionLifetimeLimitSeconds=3", "--oplogSize", "2048"])
        try server.initiate()
        return server
    }
}

/// A private corner of a replica set and of a Kafka cluster: one test's stage.
final class Scene: Sendable {
    private static let count = Atomic<Int>(0)

    /// Names everything of this scene: its bridge, its database, its topics.
    let name: String
    let uri: String
    let pool: MongoClientPool
    let kafka: TestKafka
    let log = LogRecorder()
    /// Before the first write of the scene.
    let beginning: BSONTimestamp

    var database: String { name }

    init(uri: String) throws {
        let number = Self.count.add(1, ordering: .relaxed).newValue
        name = "s\(number)-\(ProcessInfo.processInfo.processIdentifier)-\(UInt32.random(in: 0 ... .max))"
        self.uri = uri
        kafka = try TestKafka()
        pool = try MongoClientPool(.init(uri: uri, maxPoolSize: 20, serverSelectionTimeout: Patience.limit, appName: "scene"))
        let reply = try pool.withClient { client in try client.command(["ping": 1], on: "admin", operation: "ping") }
        beginning = reply["operationTime"]?.timestampValue ?? BSONTimestamp(seconds: 1, increment: 0)
        try kafka.create(topic: "bridge.\(name).positions")
        try kafka.create(topic: InternalTopics.control(of: name))
        try kafka.create(topic: InternalTopics.snapshots(of: name))
    }

    /// Runs `body` on a scene at the shared server.
    static func play(_ body: @escaping @Sendable (Scene) throws -> Void) async throws {
        try await blocking { try Scene(uri: SharedMongod.server.get().uri).play { try body($0) } }
    }

    /// Runs `body` with a server of its own, for tests that stop it or fill its oplog.
    static func playAlone(
        arguments: [String] = [], isSerial: Bool = false, _ body: @escaping @Sendable (Scene, MongodProcess) throws -> Void
    ) async throws {
        try await blocking(isSerial: isSerial) {
            let server = try MongodProcess(replicaSet: "alone", arguments: arguments)
            defer { server.stop() }
            try server.initiate()
            try Scene(uri: server.uri).play { try body($0, server) }
        }
    }

    /// Runs `body`; if it fails, prints the end of what the bridges of this scene have logged.
    private func play(_ body: (Scene) throws -> Void) throws {
        do {
            try body(self)
        } catch {
            print(
                ([" -- \(Test.current?.name ?? name): \(error); the log ends with"] + log.all.suffix(40).map { "\($0)" }).joined(
                    separator: "\n   "))
            throw error
        }
    }

    // MARK: MongoDB

    @discardableResult
    func command(_ command: BSONDocument, on database: String? = nil) throws -> BSONDocument {
        try pool.withClient { client in
            try client.command(command, on: database ?? self.database, operation: "run \(command.keys.first ?? "a command")")
        }
    }

    func insert(_ documents: [BSONDocument], into collection: String = "fruits", of database: String? = nil) throws {
        let reply = try command(
            ["insert": .string(collection), "documents": .array(documents.map { .document($0) }), "writeConcern": ["w": "majority"]],
            on: database)
        guard reply["n"]?.int64Value == Int64(documents.count) else { throw WriteRefused(reply: reply) }
    }

    func update(_ id: BSONValue, _ change: BSONDocument, in collection: String = "fruits") throws {
        try command([
            "update": .string(collection), "updates": [["q": ["_id": id], "u": .document(change)]], "writeConcern": ["w": "majority"],
        ])
    }

    func delete(_ id: BSONValue, from collection: String = "fruits") throws {
        try command(["delete": .string(collection), "deletes": [["q": ["_id": id], "limit": 1]], "writeConcern": ["w": "majority"]])
    }

    struct WriteRefused: Error { let reply: BSONDocument }

    /// The events that the server itself gives, from the beginning of the scene: what a stream with these options has
    /// to publish.
    func events(
        of collection: String? = "fruits", database: String? = nil, pipeline: [BSONDocument] = [], options: BSONDocument = [:]
    ) throws -> [BSONDocument] {
        let isCluster = database == "*"
        var events: [BSONDocument] = []
        while true {
            var stage = options
            if isCluster { stage.append("allChangesForCluster", true) }
            if let last = events.last?["_id"] {
                stage.append("startAfter", last)
            } else {
                stage.append("startAtOperationTime", .timestamp(after(beginning)))
            }
            let reply = try command(
                [
                    "aggregate": collection.map { .string($0) } ?? 1,
                    "pipeline": .array([["$changeStream": .document(stage)]] + pipeline.map { .document($0) }),
                    "cursor": ["batchSize": 10_000],
                ], on: isCluster ? "admin" : database)
            let batch = reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.compactMap(\.documentValue) ?? []
            guard !batch.isEmpty else { return events }
            events += batch
            // An invalidate ends what one stream can see.
            if batch.last?["operationType"] == "invalidate" { return events }
        }
    }

    // MARK: The bridge

    /// A stream from the beginning of the scene to a topic of its own with one partition, so that the whole order can
    /// be seen.
    func stream(_ name: String = "fruits", _ watch: WatchScope? = nil, _ change: (inout StreamSettings) -> Void = { _ in })
        -> StreamSettings
    {
        let start = after(beginning)
        var settings = StreamSettings(
            name: name, watch: watch ?? .collection(Namespace(database: database, collection: "fruits")), pipeline: "[]",
            fullDocument: .default, fullDocumentBeforeChange: .off, showExpandedEvents: false,
            startAt: .clusterTime(seconds: start.seconds, increment: start.increment),
            topic: TextTemplate(segments: [.literal(topic(name))]),
            key: .documentKey, format: .canonical, content: .event, tombstones: false, delivery: .atLeastOnce, onLostPosition: .halt)
        change(&settings)
        return settings
    }

    /// The topic that ``stream(_:_:_:)`` gives a stream.
    func topic(_ stream: String = "fruits") -> String { "\(name).\(stream)" }

    func configuration(_ streams: [StreamSettings]) -> BridgeConfiguration {
        BridgeConfiguration(
            name: name,
            mongodb: MongoDBSettings(
                uri: uri, maxPoolSize: 20, serverSelectionTimeout: .seconds(2),
                writeConcern: .init(w: .majority, wtimeout: .seconds(5), journal: true)),
            kafka: kafka.settings, topics: TopicSettings(create: true, partitions: 1, replicationFactor: 1, config: [:]), streams: streams,
            limits: .init(memory: 64 << 20), startupTimeout: Patience.limit, shutdownTimeout: .seconds(60))
    }

    /// Starts a bridge, after making the topics that its streams name without a placeholder.
    func bridge(_ streams: [StreamSettings], partitions: Int32 = 1, _ change: (inout BridgeConfiguration) -> Void = { _ in }) throws
        -> RunningBridge
    {
        for stream in streams {
            if case .literal(let topic)? = stream.topic.segments.first, stream.topic.segments.count == 1 {
                try kafka.create(topic: topic, partitions: partitions)
            }
        }
        var configuration = configuration(streams)
        change(&configuration)
        return RunningBridge(configuration, logger: log.logger)
    }

    /// Follows a topic from its beginning.
    func follow(_ topic: String? = nil, partitions: Int32 = 1) throws -> TopicFollower {
        try TopicFollower(topic ?? self.topic(), partitions: partitions, on: kafka.settings)
    }

    /// Every record that a topic has now.
    func records(_ topic: String? = nil, partitions: Int32 = 1) throws -> [TestRecord] {
        try follow(topic, partitions: partitions).readToEnd(of: kafka, partitions: partitions)
    }

    var positionsTopic: String { "bridge.\(name).positions" }

    /// The newest stored position of a stream.
    func position(of stream: String = "fruits") throws -> StoredPosition? {
        let record = try records(positionsTopic).last { $0.keyText == stream }
        return try record?.value.map { try StoredPosition(json: $0) }
    }

    /// Stores a position of ``stream(_:_:_:)`` at the shared server, as an earlier bridge would have.
    func store(_ position: StreamPosition) throws {
        let producer = try KafkaProducer(
            properties: ProducerProperties.make(kafka.settings, memory: StreamMemory(limit: 64 << 20, streams: 1)), logger: log.logger)
        var batch = RecordBatch()
        batch.setPlain(
            key: "fruits",
            value: StoredPosition(
                stream: "fruits", position: position, options: StoredPosition.definitionHash(of: stream()), replicaSet: "shared",
                writer: Instance.name, writtenAt: 0
            ).json)
        _ = try producer.produce(batch.records[0], of: batch, to: try producer.topic(positionsTopic), tag: 1)
        try follow(positionsTopic).wait(for: "the stored position") {
            $0.contains { $0.value.flatMap { try? StoredPosition(json: $0) }?.position == position }
        }
    }

    /// Runs streams until `count` records came to the first one's topic, stops gracefully, and returns everything on
    /// that topic.
    func publish(_ streams: [StreamSettings], count: Int) throws -> [TestRecord] {
        let bridge = try bridge(streams)
        _ = try bridge.streams()
        try follow(topic(streams[0].name)).wait(count: count)
        let halts = try bridge.stop()
        guard halts.isEmpty else { throw halts[0] }
        return try records(topic(streams[0].name))
    }
}

extension TestRecord {
    /// The value of a text format as the document that it stands for.
    func document() throws -> BSONDocument { try BSONDocument(extendedJSON: text ?? "") }
}

/// The moment after a cluster time.
func after(_ time: BSONTimestamp) -> BSONTimestamp { BSONTimestamp(seconds: time.seconds, increment: time.increment + 1) }

extension TextTemplate {
    static func parsing(_ text: String) throws -> TextTemplate { try TextTemplate(parsing: text) }
}
