import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// `bridge replay` of a range of a stream.
@Suite struct ReplayMongodTests {
    /// A scene in which `count` inserts were published and the bridge has stopped.
    private static func play(
        _ count: Int32, _ body: @escaping @Sendable (_ scene: Scene, _ stream: StreamSettings, _ published: [TestRecord]) throws -> Void
    ) async throws {
        try await Scene.playPublished(count, { try $0.makeReplayTopics() }, body)
    }

    @Test func theRecordsAreThoseOfTheStreamMarkedAsAReplay() async throws {
        try await Self.play(5) { scene, stream, published in
            let before = try scene.position()
            let summary = try scene.replay(stream, from: published[0].token, to: published[3].token) {
                $0.topic = nil
                $0.id = "yesterday"
            }
            #expect(summary.isDone)
            #expect(summary.events == 3)
            #expect(summary.topics == [scene.topic()])
            let records = try scene.records()
            let again = records.dropFirst(5)
            #expect(Scene.tokens(again) == Scene.tokens(published[1...3]))
            for (record, original) in zip(again, published[1...3]) {
                #expect(record.key == original.key)
                #expect(record.value == original.value)
                #expect(record.timestamp == original.timestamp)
                #expect(record.headers == original.headers.merging(["bridge.origin": "replay", "bridge.replay": "yesterday"]) { $1 })
                #expect(record.headerNames == original.headerNames + ["bridge.replay"])
            }
            #expect(try scene.position() == before)
            let record = try #require(try scene.replayRecord("yesterday"))
            #expect(record["state"] == "done")
            #expect(record["stream"] == "fruits")
            #expect(record["events"]?.int64Value == 3)
            #expect(record["from"]?.stringValue == published[0].token)
            #expect(record["to"]?.stringValue == published[3].token)
            #expect(record["by"] == "ann@desk")
        }
    }

    @Test func aVerificationLeavesReplaysOut() async throws {
        try await Self.play(3) { scene, stream, _ in
            try scene.replay(stream) { $0.topic = nil }
            #expect(try scene.records().count == 6)
            #expect(try scene.verify(stream).isClean)
        }
    }

    @Test func anotherTopicTakesTheRecordsAndMayNameDatabaseAndCollection() async throws {
        try await Self.play(2) { scene, stream, published in
            try scene.kafka.create(topic: "again.\(scene.database).fruits")
            let summary = try scene.replay(stream) { $0.topic = "again.{db}.{coll}" }
            #expect(summary.topics == ["again.\(scene.database).fruits"])
            #expect(try Scene.tokens(scene.records("again.\(scene.database).fruits")) == Scene.tokens(published))
            #expect(try scene.records().count == 2)
        }
    }

    @Test func bothClusterTimesBelongToTheRange() async throws {
        try await Self.play(5) { scene, stream, published in
            let times = try published.map { try #require($0.headers["mongodb.clusterTime"]) }
            try scene.replay(stream, from: times[1], to: times[3])
            #expect(try Scene.tokens(scene.records(scene.replayTopic)) == Scene.tokens(published[1...3]))
        }
    }

    @Test func aTimeStandsForItsWholeSecond() async throws {
        try await Self.play(3) { scene, stream, published in
            let second = try #require(published[0].headers["mongodb.clusterTime"]).split(separator: ".")[0]
            let last = try #require(published[2].headers["mongodb.clusterTime"]).split(separator: ".")[0]
            try scene.replay(stream, from: String(second), to: String(last))
            #expect(try Scene.tokens(scene.records(scene.replayTopic)) == Scene.tokens(published))
        }
    }

    @Test func aRecordsCoordinatesAreAnEnd() async throws {
        try await Self.play(4) { scene, stream, published in
            try scene.replay(
                stream, from: "\(scene.topic())/0/\(published[0].offset)", to: "\(scene.topic())/0/\(published[2].offset)")
            #expect(try Scene.tokens(scene.records(scene.replayTopic)) == Scene.tokens(published[1...2]))
        }
    }

    @Test(arguments: [
        #"{"$match": {"documentKey._id": {"$gte": 2}}}"#, #"[{"$match": {"documentKey._id": {"$gte": 2}}}]"#,
        "$match: {documentKey._id: {$gte: 2}}", "- {$match: {documentKey._id: {$gte: 2}}}",
    ])
    func aFilterComesBehindTheStreamsOwnPipeline(filter: String) async throws {
        try await Scene.play { scene in
            try scene.makeReplayTopics()
            try scene.insert(Scene.numbers(0..<5))
            let stream = scene.exactlyOnceStream { $0.pipeline = #"[{"$match": {"documentKey._id": {"$ne": 3}}}]"# }
            let published = try scene.publish([stream], count: 4)
            try scene.replay(stream) { $0.filter = filter }
            #expect(try Scene.tokens(scene.records(scene.replayTopic)) == Scene.tokens(published[2...]))
        }
    }

    /// The server would not find the event behind which the stream is to continue.
    @Test func aReplayBeginsBehindAnEventThatTheFilterLeavesOut() async throws {
        try await Self.play(5) { scene, stream, published in
            try scene.replay(stream, from: published[1].token) { $0.filter = #"{"$match": {"documentKey._id": {"$in": [0, 2, 4]}}}"# }
            #expect(try Scene.tokens(scene.records(scene.replayTopic)) == [published[2].token, published[4].token])
        }
    }

    @Test(arguments: [nil, #"{"$match": {"operationType": "insert"}}"#])
    func thePlacesInAMongoDBTransactionStayWhatTheyWere(filter: String?) async throws {
        try await Scene.play { scene in
            try scene.makeReplayTopics()
            try scene.command(["create": "fruits"])
            try scene.pool.withClient { client in
                let transaction = try MongoTransaction(of: client, writeConcern: WriteConcern(w: .majority, wtimeout: nil, journal: false))
                let documents = BSONValue.array(Scene.numbers(0..<4).map { .document($0) })
                _ = try transaction.command(
                    ["insert": "fruits", "documents": documents], on: scene.database, of: client, operation: "insert")
                try transaction.commit()
            }
            let stream = scene.exactlyOnceStream()
            let published = try scene.publish([stream], count: 4)
            try scene.replay(stream, from: "\(scene.topic())/0/\(published[1].offset)", to: published[2].token) { $0.filter = filter }
            let again = try scene.records(scene.replayTopic)
            #expect(Scene.tokens(again) == [published[2].token])
            #expect(again[0].headers["mongodb.txnIndex"] == "2")
            #expect(again[0].headers["mongodb.txn"] == published[2].headers["mongodb.txn"])
        }
    }

    @Test func aBatchedLookupGivesTheDocumentsOfNow() async throws {
        try await Scene.play { scene in
            try scene.makeReplayTopics()
            try scene.insert([["_id": 1, "n": 0]])
            try scene.update(1, ["$set": ["n": 1]])
            let stream = scene.exactlyOnceStream { $0.fullDocument = .batchedLookup }
            _ = try scene.publish([stream], count: 2)
            try scene.update(1, ["$set": ["n": 2]])
            try scene.replay(stream)
            let documents = try scene.records(scene.replayTopic).map { try $0.document()["fullDocument"]?.documentValue?["n"] }
            #expect(documents == [0, 2, 2])
        }
    }

    @Test func aRunningStreamIsNotDisturbed() async throws {
        try await Scene.play { scene in
            try scene.makeReplayTopics()
            let stream = scene.exactlyOnceStream()
            let bridge = try scene.bridge([stream])
            try scene.insert(Scene.numbers(0..<3))
            try scene.follow().wait(count: 3)
            try scene.replay(stream) { $0.topic = nil }
            try scene.insert(Scene.numbers(3..<5))
            let records = try scene.follow().wait(count: 8)
            #expect(
                records.map { $0.headers["bridge.origin"] }
                    == (Array(repeating: "live", count: 3) + Array(repeating: "replay", count: 3)
                        + Array(repeating: "live", count: 2)))
            #expect(try bridge.status(of: "fruits").state != .retrying)
            #expect(try bridge.stop().isEmpty)
            #expect(try scene.position()?.position.events == 5)
        }
    }

    @Test func aRateIsKept() async throws {
        try await Self.play(100) { scene, stream, _ in
            let request = try scene.replayRequest(stream) { $0.rate = 1 }
            let stopped = try scene.replays([stream]) { replay in
                try await replay.run(request) { if $0.events >= 2 { replay.requestStop() } }
            }
            // Without a rate the first commit has all that was read by then, which is more.
            #expect(stopped.events >= 2 && stopped.events < 16)
        }
    }

    @Test func aReplayThatWasStoppedGoesOnBehindWhatIsPublished() async throws {
        try await Self.play(60) { scene, stream, published in
            let request = try scene.replayRequest(stream) {
                $0.rate = 2
                $0.id = "slow"
            }
            let stopped = try scene.replays([stream]) { replay in
                try await replay.run(request) { if $0.events >= 3 { replay.requestStop() } }
            }
            #expect(!stopped.isDone)
            #expect(stopped.events >= 3 && stopped.events < 60)
            let record = try #require(try scene.replayRecord("slow"))
            #expect(record["state"] == "running")
            #expect(record["events"]?.int64Value == stopped.events)
            #expect(try scene.records(scene.replayTopic).count == Int(stopped.events))
            // Not part of it: the end was the moment when it began.
            try scene.insert([["_id": "later"]])
            let done = try scene.replays([stream]) { try await $0.resume("slow", rate: nil) }
            #expect(done.isDone)
            #expect(done.events == 60)
            #expect(try Scene.tokens(scene.records(scene.replayTopic)) == Scene.tokens(published))
            let again = try #require(throws: WrongUsage.self) {
                try scene.replays([stream]) { try await $0.resume("slow", rate: nil) }
            }
            #expect(again.description.contains("replay slow is done"))
            let unknown = try #require(throws: WrongUsage.self) {
                try scene.replays([stream]) { try await $0.resume("slwo", rate: nil) }
            }
            #expect(unknown.description.contains("did you mean"), "\(unknown)")
            let taken = try #require(throws: WrongUsage.self) { try scene.replay(stream) { $0.id = "slow" } }
            #expect(taken.description.contains("there is a replay slow already"))
        }
    }

    // MARK: The plan

    @Test func aPlanCountsAndChangesNothing() async throws {
        try await Self.play(4) { scene, stream, published in
            try scene.update(1, ["$set": ["n": 1]])
            try scene.delete(2)
            let request = try scene.replayRequest(stream, from: published[0].token) { $0.rate = 2 }
            let plan = try scene.replays([stream]) { try await $0.plan(request) }
            #expect(plan.events == 5)
            #expect(plan.counts.map { "\($0.operation) \($0.events)" } == ["delete 1", "insert 3", "update 1"])
            #expect(plan.counts.allSatisfy { $0.namespace == "\(scene.database).fruits" })
            #expect(plan.topics == [scene.replayTopic])
            #expect(!plan.isOwnTopic)
            #expect(plan.seconds == 2.5)
            #expect(plan.bytes > 500)
            #expect(plan.isWhole)
            #expect(try #require(plan.first).hasPrefix(try #require(published[1].headers["mongodb.clusterTime"])))
            #expect(try #require(plan.oplogSecondsBefore) >= 0)
            #expect(try scene.records(scene.replayTopic).isEmpty)
            #expect(try scene.records(scene.replaysTopic).isEmpty)
        }
    }

    // MARK: Refusals

    @Test func aRangeThatIsBackwardsIsWrongUsage() async throws {
        try await Self.play(3) { scene, stream, published in
            let ends = [
                (published[2].token, published[0].token), ("\(scene.topic())/0/2", "\(scene.topic())/0/0"), ("now", "now"),
                (published[2].token, "1000000000.1"), ("oldest", "oldest"),
            ]
            for (from, to) in ends {
                #expect(throws: WrongUsage.self, "\(from) \(to)") { try scene.replay(stream, from: from, to: to) }
            }
            let records = try scene.records(scene.replaysTopic)
            #expect(records.isEmpty)
        }
    }

    @Test func aPlaceThatTheOplogHasForgottenIsRefusedWithWhatItStillHas() async throws {
        try await Scene.playAlone(arguments: TinyOplog.arguments) { scene, _ in
            try scene.makeReplayTopics()
            try scene.insert([["_id": 1]])
            let stream = scene.exactlyOnceStream()
            let published = try scene.publish([stream], count: 1)
            try TinyOplog.roll(beyond: try #require(ResumeToken(data: published[0].token).clusterTime), on: scene)
            let halt = try #require(throws: Halt.self) { try scene.replay(stream, from: published[0].token) }
            #expect(halt.status == .lostPosition)
            #expect(halt.reason.contains("The oldest entry of the oplog is at "), "\(halt)")
        }
    }

    @Test func anEventWhoseTopicWouldBeOneOfTheBridgesOwnIsNotReplayed() async throws {
        try await Scene.play { scene in
            try scene.makeReplayTopics()
            try scene.insert([["_id": 1]], into: scene.positionsTopic)
            let stream = scene.exactlyOnceStream { $0.watch = .database(scene.database) }
            let plan = try scene.replayRequest(stream) { $0.topic = "{coll}" }
            #expect(throws: Halt.self) { try scene.replays([stream]) { try await $0.plan(plan) } }
            let interrupted = try #require(throws: ReplayInterrupted.self) { try scene.replay(stream) { $0.topic = "{coll}" } }
            #expect(interrupted.description.contains("\(scene.positionsTopic) belongs to the bridge itself"), "\(interrupted)")
            #expect(try scene.records(scene.positionsTopic).isEmpty)
        }
    }

    @Test func aFilterThatTheServerRefusesIsToldBeforeAnythingIsPublished() async throws {
        try await Self.play(1) { scene, stream, _ in
            let halt = try #require(throws: Halt.self) {
                try scene.replay(stream) { $0.filter = #"{"$match": {"$nonsense": 1}}"# }
            }
            #expect(halt.status == .configuration)
            #expect(try scene.records(scene.replaysTopic).isEmpty)
        }
    }

    @Test func aTopicThatMayNotBeCreatedIsToldWithTheCommandThatMakesIt() async throws {
        try await Self.play(2) { scene, stream, _ in
            let missing = scene.topic("missing")
            scene.kafka.hide(topic: missing)
            let request = try scene.replayRequest(stream) { $0.topic = missing }
            let interrupted = try #require(throws: ReplayInterrupted.self) {
                try scene.replays([stream], configure: { $0.topics.create = false }) { try await $0.run(request) }
            }
            #expect((interrupted.cause as? Halt)?.status == .configuration)
            #expect(interrupted.description.contains("kafka-topics --create --topic \(missing)"), "\(interrupted)")
            #expect(interrupted.description.contains("bridge replay --resume \(interrupted.id)"))
            scene.kafka.show(topic: missing)
            try scene.kafka.create(topic: missing)
            let id = interrupted.id
            #expect(try scene.replays([stream]) { try await $0.resume(id, rate: nil) }.events == 2)
        }
    }

}
