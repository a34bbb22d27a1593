import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// Events that are larger than MongoDB's documents may be, at a server that cannot give them: an update of 9 MB with
/// its pre- and post-image.
@Suite struct LargeEventsMongodTests {
    @Test func aServerThatCannotSplitALargeEventHaltsTheStreamWhichNamesTheVersionsThatCan() async throws {
        try await Scene.play { scene in
            guard try !Deployment(of: scene.pool).splitsLargeEvents else { return }
            try LargeEvent.write(on: scene)
            let halts = try LargeEvent.bridge(scene).halts()
            #expect(halts.map(\.status) == [.configuration])
            #expect(halts.first?.reason.contains("10334") == true, "\(halts)")
            #expect(halts.first?.remedy.contains("6.0.9, 7.0") == true, "\(halts)")
            #expect(try (scene.position()?.position.events ?? 0) <= 1)
        }
    }

    @Test(arguments: [
        ("4.4.29", false), ("5.0.31", false), ("6.0.5", false), ("6.0.8", false), ("6.0.9", true), ("6.0.27", true), ("6.3.1", false),
        ("7.0.0", true), ("8.0.4", true), ("unknown", false),
    ])
    func theStageIsThereFrom6_0_9And7_0On(_ version: String, _ splits: Bool) {
        #expect(Deployment(replicaSet: "rs0", isSharded: false, version: version).splitsLargeEvents == splits)
    }
}

/// The same at a server that splits them.
@Suite(.serialized, .enabled(if: SplittingMongod.isThere, SplittingMongod.absence))
struct SplitEventsMongodTests {
    @Test(arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func aLargeEventIsOneRecord(_ delivery: Delivery) async throws {
        try await SplittingMongod.play { scene in
            try LargeEvent.write(on: scene)
            let bridge = try LargeEvent.bridge(scene) { $0.delivery = delivery }
            let records = try scene.follow().wait(count: 3)
            #expect(records.map(\.operation) == ["insert", "update", "insert"])
            try LargeEvent.expect(records[1])
            #expect(try bridge.stop().isEmpty)
            #expect(try scene.position()?.position.events == 3)
            // No position lies between two fragments: each covers whole events.
            let tokens = records.map(\.token)
            for record in try scene.records(scene.positionsTopic) {
                let position = try StoredPosition(json: try #require(record.value)).position
                #expect(try tokens.count { $0 <= (try #require(position.token.data)) } == Int(position.events))
            }
        }
    }

    /// Its fields, of every depth, are those of an event that the server need not split.
    @Test(arguments: [false, true], [false, true])
    func aJoinedEventHasTheShapeOfASmallOne(expanded: Bool, inTransaction: Bool) async throws {
        try await SplittingMongod.play { scene in
            for (collection, size) in [("seeds", 9), ("fruits", LargeEvent.size)] {
                try LargeEvent.createCollection(collection, on: scene)
                try scene.insert([["_id": 1, "text": .string(String(repeating: "x", count: size))]], into: collection)
                let update: BSONDocument = ["update": .string(collection), "updates": [["q": ["_id": 1], "u": ["$set": ["n": 2]]]]]
                try scene.pool.withClient { client in
                    guard inTransaction else { return _ = try client.command(update, on: scene.database, operation: "update") }
                    let transaction = try MongoTransaction(
                        of: client, writeConcern: WriteConcern(w: .majority, wtimeout: nil, journal: false))
                    _ = try transaction.command(update, on: scene.database, of: client, operation: "update")
                    try transaction.commit()
                }
            }
            let bridge = try LargeEvent.bridge(scene) { $0.showExpandedEvents = expanded }
            let update = try scene.follow().wait(for: "the update") { $0.last?.operation == "update" }.last
            #expect(try bridge.stop().isEmpty)
            var options: BSONDocument = ["fullDocument": "required", "fullDocumentBeforeChange": "required"]
            if expanded { options.append("showExpandedEvents", true) }
            let small = try #require(try scene.events(of: "seeds", options: options).last)
            let joined = try #require(try update?.document())
            #expect(joined.shape == small.shape, "\(joined.shape), not \(small.shape)")
            #expect(small.keys.contains("lsid") == inTransaction)
        }
    }

    @Test func aStreamResumesAfterALargeEvent() async throws {
        try await SplittingMongod.play { scene in
            try LargeEvent.write(on: scene)
            let first = try LargeEvent.bridge(scene)
            let update = try scene.follow().wait(count: 2)[1]
            #expect(try first.stop().isEmpty)
            try scene.insert([["_id": 3]])
            let settings = scene.stream("rest") {
                LargeEvent.configure(&$0)
                $0.startAt = .token(update.token)
            }
            #expect(try scene.publish([settings], count: 2).map(\.operation) == ["insert", "insert"])
        }
    }

    /// The document of an update that was split is looked up once the event is whole.
    @Test func aLargeEventGetsItsDocumentFromABatchedLookup() async throws {
        try await SplittingMongod.play { scene in
            try LargeEvent.write(on: scene)
            try scene.update(1, ["$set": ["text": .string(String(repeating: "y", count: LargeEvent.size))]])
            let bridge = try LargeEvent.bridge(scene) { $0.fullDocument = .batchedLookup }
            let event = try scene.follow().wait(count: 4)[3].document()
            #expect(try bridge.stop().isEmpty)
            for document in [event["fullDocument"], event["updateDescription"]?.documentValue?["updatedFields"]] {
                let text = document?.documentValue?["text"]?.stringValue
                #expect(text?.utf8.count == LargeEvent.size && text?.first == "y")
            }
            #expect(event["fullDocumentBeforeChange"]?.documentValue?["n"]?.int64Value == 2)
            #expect(event.keys == LargeEvent.keys)
        }
    }

    /// Each event of the transaction takes getMores of its own.
    @Test func theLargeEventsOfATransactionStayTogether() async throws {
        try await SplittingMongod.play { scene in
            try LargeEvent.write(on: scene)
            try scene.pool.withClient { client in
                let transaction = try MongoTransaction(of: client, writeConcern: WriteConcern(w: .majority, wtimeout: nil, journal: false))
                for number in 1...3 as ClosedRange<Int32> {
                    _ = try transaction.command(
                        ["update": "fruits", "updates": [["q": ["_id": 1], "u": ["$set": ["n": .int32(number + 10)]]]]],
                        on: scene.database, of: client, operation: "update in a transaction")
                }
                try transaction.commit()
            }
            let bridge = try LargeEvent.bridge(scene)
            // Nothing comes after it: that it has ended must be found out.
            let records = try scene.follow().wait(count: 6)
            try scene.follow(scene.positionsTopic).wait(for: "the position after it") {
                $0.contains { record in (try? record.value.map { try StoredPosition(json: $0).position.events }) == 6 }
            }
            #expect(try bridge.stop().isEmpty)
            #expect(records.map { $0.headers["mongodb.txnIndex"] ?? "-" } == ["-", "-", "-", "0", "1", "2"])
            for record in try scene.records(scene.positionsTopic) {
                let position = try StoredPosition(json: try #require(record.value)).position
                #expect([0, 1, 2, 3, 6].contains(position.events) && position.transaction == nil, "\(position)")
            }
        }
    }

    /// The server fails on it before the bridge's own limit, which is as high.
    @Test func anEventThatIsTooLargeToBeSplitHaltsTheStream() async throws {
        try await SplittingMongod.play { scene in
            try LargeEvent.write(on: scene)
            let copies = (1...6).map { "\"copy\($0)\": \"$fullDocument\"" }.joined(separator: ", ")
            let bridge = try LargeEvent.bridge(scene) {
                $0.pipeline = "[{\"$match\": {\"operationType\": \"update\"}}, {\"$addFields\": {\(copies)}}]"
            }
            let halts = try bridge.halts()
            #expect(halts.first?.remedy.hasPrefix("An event is larger than 64 MB") == true, "\(halts)")
            #expect(halts.map(\.status) == [.configuration])
            #expect(try scene.records().isEmpty)
        }
    }

    // MARK: Interruptions

    /// The first two answers of the server have the insert and the first fragment; the one with the second fragment
    /// never comes.
    private static func interrupt(
        _ scene: Scene, stream: String, _ body: (_ program: BridgeProgram, _ again: () throws -> BridgeProgram) throws -> BridgeProgram
    ) throws -> [TestRecord] {
        let folder = try TemporaryFolder()
        let kafka = "kafka:\n  message.max.bytes: 40000000\n  producer: { compression.type: zstd }\n"
        let yaml = scene.yaml(stream: stream, delivery: .exactlyOnce).replacing("kafka:\n", with: kafka)
            .replacing("    fullDocument: default\n", with: "")
        let file = try folder.write(yaml, to: "bridge.yaml")
        try scene.kafka.create(topic: scene.topic())
        try LargeEvent.write(on: scene)
        try FailPoint.fail(["getMore"], times: nil, after: 2, with: ["closeConnection": true], on: scene)
        defer { _ = try? FailPoint.end(on: scene) }
        let program = try BridgeProgram(["run", "--config", file])
        try program.wait(forError: "retrying: ")
        let last = try body(program) { try BridgeProgram(["run", "--config", file]) }
        let records = try scene.follow().wait(events: 3)
        last.signal(SIGTERM)
        #expect(try last.exitStatus() == 0, "\(last.errors)")
        #expect(try scene.position()?.position.events == 3)
        return records
    }

    @Test func anEventWhoseFragmentsAreInterruptedByAKillComesWhole() async throws {
        try await SplittingMongod.play { scene in
            let records = try Self.interrupt(scene, stream: "fullDocument: required\nfullDocumentBeforeChange: required") {
                program, again in
                program.signal(SIGKILL)
                #expect(try program.exitStatus() == -SIGKILL)
                #expect(try (scene.position()?.position.events ?? 0) <= 1)
                #expect(try FailPoint.end(on: scene) > 0)
                return try again()
            }
            let updates = records.filter { $0.operation == "update" }
            #expect(Set(updates.map(\.token)).count == 1)
            for update in updates { try LargeEvent.expect(update) }
        }
    }

    /// The document that the rest of the event would have is gone, so the event has no fragments any more.
    @Test func anEventThatChangesAmidItsFragmentsBeginsAnew() async throws {
        try await SplittingMongod.play { scene in
            let stream =
                "fullDocument: updateLookup\nfullDocumentBeforeChange: required\n"
                + "pipeline: [{ $match: { operationType: { $ne: delete } } }]"
            let records = try Self.interrupt(scene, stream: stream) { program, _ in
                try scene.delete(1)
                #expect(try FailPoint.end(on: scene) > 0)
                return program
            }
            let updates = try records.filter { $0.operation == "update" }.map { try $0.document() }
            #expect(!updates.isEmpty)
            for update in updates {
                #expect(update["fullDocument"] == .null)
                #expect(update["fullDocumentBeforeChange"]?.documentValue?["text"]?.stringValue?.utf8.count == LargeEvent.size)
                #expect(update["splitEvent"] == nil)
            }
        }
    }

    @Test func aStreamThatHaltedAtALargeEventGoesOnWithItOnceTheServerIsUpgraded() async throws {
        try await Scene.playAlone { scene, server in
            guard try !Deployment(of: scene.pool).splitsLargeEvents else { return }
            try LargeEvent.createCollection(on: scene)
            let first = try LargeEvent.bridge(scene)
            try scene.insert([["_id": 0]])
            try scene.follow().wait(count: 1)
            try LargeEvent.writeDocuments(on: scene)
            #expect(try first.halts().first?.reason.contains("10334") == true)
            let stored = try #require(try scene.position()).position.events
            #expect((1...2).contains(stored))
            try server.restart(with: SplittingMongod.binary)
            let second = try LargeEvent.bridge(scene)
            let records = try scene.follow().wait(count: 4)
            #expect(try Deployment(of: scene.pool).splitsLargeEvents)
            #expect(try second.stop().isEmpty)
            #expect(records.map(\.operation) == ["insert", "insert", "update", "insert"])
            try LargeEvent.expect(records[2])
            #expect(try scene.position()?.position.events == 4)
        }
    }
}

/// An update of 9 MB with both its images, between two inserts.
private enum LargeEvent {
    /// Bytes of the text in each image.
    static let size = 9_000_000

    static let keys = [
        "_id", "operationType", "clusterTime", "wallTime", "fullDocument", "ns", "documentKey", "updateDescription",
        "fullDocumentBeforeChange",
    ]

    static func write(on scene: Scene) throws {
        try createCollection(on: scene)
        try writeDocuments(on: scene)
    }

    static func createCollection(_ name: String = "fruits", on scene: Scene) throws {
        try scene.command(["create": .string(name), "changeStreamPreAndPostImages": ["enabled": true]])
    }

    static func writeDocuments(on scene: Scene) throws {
        try scene.insert([["_id": 1, "text": .string(String(repeating: "x", count: size))]])
        try scene.update(1, ["$set": ["n": 2]])
        try scene.insert([["_id": 2]])
    }

    static func configure(_ stream: inout StreamSettings) {
        stream.delivery = .exactlyOnce
        stream.fullDocument = .required
        stream.fullDocumentBeforeChange = .required
    }

    static func bridge(_ scene: Scene, _ change: (inout StreamSettings) -> Void = { _ in }) throws -> RunningBridge {
        let stream = scene.stream {
            configure(&$0)
            change(&$0)
        }
        return try scene.bridge([stream]) {
            $0.kafka.producer["message.max.bytes"] = "40000000"
            // The embedded cluster keeps 5 MB of a partition, as they are sent.
            $0.kafka.producer["compression.type"] = "zstd"
        }
    }

    /// The update's record is what the server would send, were it allowed to.
    static func expect(_ record: TestRecord, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let event = try record.document()
        #expect(event.keys == keys, sourceLocation: sourceLocation)
        #expect(event["_id"]?.documentValue?["_data"]?.stringValue == record.token, sourceLocation: sourceLocation)
        let images = ["fullDocument", "fullDocumentBeforeChange"].map { event[$0]?.documentValue }
        for image in images { #expect(image?["text"]?.stringValue?.utf8.count == size, sourceLocation: sourceLocation) }
        #expect(images[0]?["n"]?.int64Value == 2, sourceLocation: sourceLocation)
        #expect(images[1]?["n"] == nil, sourceLocation: sourceLocation)
    }
}

extension BSONDocument {
    /// The names of all fields in their order, those within documents behind a dot; of the token not what is in it.
    fileprivate var shape: [String] {
        keys.flatMap { key -> [String] in
            guard key != "_id", let document = self[key]?.documentValue else { return [key] }
            return [key] + document.shape.map { "\(key).\($0)" }
        }
    }
}
