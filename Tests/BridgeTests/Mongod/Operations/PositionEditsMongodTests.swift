import Foundation
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// `bridge positions` between two runs of a bridge, and while one runs.
@Suite struct PositionEditsMongodTests {
    /// A scene in which `count` events were published and the bridge has stopped.
    private static func play(
        _ count: Int32, _ body: @escaping @Sendable (_ scene: Scene, _ stream: StreamSettings, _ published: [TestRecord]) throws -> Void
    ) async throws {
        try await Scene.playPublished(count, { try $0.makeEditsTopics() }, body)
    }

    @Test func aStreamGoesBackToBehindATokenAndPublishesWhatFollows() async throws {
        try await Self.play(4) { scene, stream, published in
            let change = try scene.setPosition(of: stream, to: published[1].token)
            #expect(change.trial.token == published[1].token)
            let records = try scene.publish([stream], count: 6)
            #expect(Scene.tokens(records) == Scene.tokens(published) + Scene.tokens(published[2...]))
            #expect(try scene.position()?.position.events == 6)
        }
    }

    @Test func aRecordsCoordinatesStandForItsEvent() async throws {
        try await Self.play(3) { scene, stream, published in
            _ = try scene.setPosition(of: stream, to: "\(scene.topic())/0/\(published[0].offset)")
            let records = try scene.publish([stream], count: 5)
            #expect(Scene.tokens(records) == Scene.tokens(published) + Scene.tokens(published[1...]))
        }
    }

    @Test func aClusterTimeIsTheFirstThatIsPublished() async throws {
        try await Self.play(3) { scene, stream, published in
            _ = try scene.setPosition(of: stream, to: try #require(published[1].headers["mongodb.clusterTime"]))
            // Inserts of one command have times of their own.
            let records = try scene.publish([stream], count: 5)
            #expect(Scene.tokens(records) == Scene.tokens(published) + Scene.tokens(published[1...]))
        }
    }

    @Test func oldestIsAsFarBackAsTheOplogGoes() async throws {
        try await Self.play(2) { scene, stream, published in
            _ = try scene.setPosition(of: stream, to: "oldest")
            let records = try scene.publish([stream], count: 4)
            #expect(Scene.tokens(records) == Scene.tokens(published) + Scene.tokens(published))
        }
    }

    @Test func nowLeavesOutWhatCameBefore() async throws {
        try await Self.play(1) { scene, stream, published in
            try scene.insert([["_id": "left out"]])
            let change = try scene.setPosition(of: stream, to: "now", .init(by: "ann@desk", why: "not wanted"))
            try scene.insert([["_id": "published"]])
            let gap = try #require(try scene.records(InternalTopics.gaps(of: scene.name)).first).document()
            #expect(
                gap["from"]?.documentValue?["clusterTime"]?.stringValue
                    == change.edit?.old.flatMap { try? StoredPosition(json: $0) }?.position.token.clusterTime.map { "\($0)" })
            #expect(gap["to"]?.documentValue?["token"]?.documentValue?["_data"]?.stringValue == change.trial.token)
            #expect(gap["reason"]?.stringValue == "position edited by ann@desk: not wanted")
            let records = try scene.publish([stream], count: 2)
            #expect(try records.map { try $0.document()["documentKey"]?.documentValue?["_id"] } == [0, "published"])
        }
    }

    @Test func aStreamThatIsResetBeginsAtItsStart() async throws {
        try await Self.play(2) { scene, stream, published in
            let dry = try scene.positions([stream]) { try await $0.reset(stream, .init(by: "ann@desk", isDryRun: true)) }
            #expect(dry.edit == nil)
            #expect(try scene.position() != nil)
            let change = try scene.positions([stream]) { try await $0.reset(stream, .init(by: "ann@desk", why: "anew")) }
            #expect(change.edit?.newPlace == nil)
            #expect(try scene.positions([stream]) { try await $0.list() }.map(\.token) == [nil])
            let records = try scene.publish([stream], count: 4)
            #expect(Scene.tokens(records) == Scene.tokens(published) + Scene.tokens(published))
        }
    }

    @Test func theHistorySaysWhoWhenWhyAndFromWhereToWhere() async throws {
        try await Self.play(3) { scene, stream, published in
            let before = try #require(try scene.position())
            _ = try scene.setPosition(of: stream, to: published[0].token, .init(by: "ann@desk", why: "yesterday again"))
            _ = try scene.setPosition(of: stream, to: published[1].token, .init(by: "bob@desk"))
            let edits = try scene.positions([stream]) { try await $0.history(of: "fruits") }
            #expect(edits.map(\.by) == ["ann@desk", "bob@desk"])
            #expect(edits.map(\.why) == ["yesterday again", nil])
            let places = try edits.map { edit in
                try [edit.old, edit.new].map { try StoredPosition(json: try #require($0)).position.token.data }
            }
            #expect(places == [[before.position.token.data, published[0].token], [published[0].token, published[1].token]])
            #expect(
                try edits.allSatisfy {
                    abs(try #require(StoredPosition.milliseconds(fromISO8601: $0.time)) - WallClock.milliseconds()) < 600_000
                })
            #expect(try scene.positions([stream]) { try await $0.history(of: "others") }.isEmpty)
        }
    }

    @Test func aDryRunChangesNothing() async throws {
        try await Self.play(3) { scene, stream, published in
            let before = try scene.records(scene.positionsTopic).count
            let ahead = try scene.setPosition(of: stream, to: "now", .init(by: "ann@desk", isDryRun: true))
            #expect(ahead.gap != nil)
            let change = try scene.setPosition(of: stream, to: published[0].token, .init(by: "ann@desk", isDryRun: true))
            #expect(change.gap == nil)
            #expect(change.edit == nil)
            #expect(change.trial.clusterTime.map { "\($0)" } == published[0].headers["mongodb.clusterTime"])
            #expect(try #require(change.trial.ahead) < .seconds(600))
            #expect(try scene.records(scene.positionsTopic).count == before)
            #expect(try scene.positions([stream]) { try await $0.history(of: nil) }.isEmpty)
        }
    }

    /// The server would wait in silence until that time comes.
    @Test(arguments: ["82FFFFFFF0000000012B0229296E04", "4102444800.1"])
    func aPlaceInTheFutureIsRefused(place: String) async throws {
        try await Self.play(1) { scene, stream, _ in
            let before = try scene.position()
            let halt = try #require(throws: Halt.self) { try scene.setPosition(of: stream, to: place) }
            #expect(halt.status == .lostPosition)
            #expect(halt.remedy.contains("Nothing was stored"))
            #expect(try scene.position() == before)
        }
    }

    @Test func aPlaceThatTheOplogHasForgottenIsRefusedWithWhatItStillHas() async throws {
        try await Scene.playAlone(arguments: TinyOplog.arguments) { scene, _ in
            try scene.makeEditsTopics()
            try scene.insert([["_id": 1]])
            let stream = scene.exactlyOnceStream()
            let published = try scene.publish([stream], count: 1)
            let before = try #require(try scene.position())
            try TinyOplog.roll(beyond: try #require(before.position.token.clusterTime), on: scene)
            for place in [published[0].token, "\(scene.topic())/0/0", try #require(published[0].headers["mongodb.clusterTime"])] {
                let halt = try #require(throws: Halt.self) { try scene.setPosition(of: stream, to: place) }
                #expect(halt.status == .lostPosition)
                #expect(halt.reason.contains("The oldest entry of the oplog is at "), "\(halt)")
            }
            #expect(try scene.position() == before)
            // What the sentence proposes.
            #expect(try scene.setPosition(of: stream, to: "oldest").edit != nil)
        }
    }

    /// The process continues for the other stream.
    @Test func aHaltedStreamGoesOnWhenItsPositionIsEdited() async throws {
        try await Scene.play { scene in
            try scene.makeEditsTopics()
            let stream = scene.exactlyOnceStream()
            try scene.insert(Scene.numbers(0..<2))
            let published = try scene.publish([stream], count: 2)
            let stored = try #require(try scene.position())
            var lost = stored
            lost.position.token = ResumeToken(data: "82")
            let producer = try ReportingProducer(scene.kafka.settings)
            #expect(try producer.produce(scene.positionsTopic, key: Array("fruits".utf8), value: lost.json))
            try producer.wait(acknowledged: 1)

            let bridge = try scene.bridge([stream, scene.stream("healthy")])
            try scene.log.wait(for: "halted: ")
            let change = try scene.setPosition(of: stream, to: published[0].token)
            try scene.log.wait(for: "continues after the halt: its position was edited by ann@desk")
            #expect(try scene.follow().wait(count: 3).map(\.token) == Scene.tokens(published) + [published[1].token])
            #expect(change.gap != nil)
            let gap = try #require(try scene.records(InternalTopics.gaps(of: scene.name)).first).document()
            #expect(gap["from"]?.documentValue?["token"]?.documentValue?["_data"]?.stringValue == "82")
            #expect(gap["reason"]?.stringValue?.hasSuffix("; position edited by ann@desk") == true)
            #expect(gap["code"]?.int64Value != nil)
            #expect(try bridge.stop().isEmpty)
        }
    }

    /// What a halt tells is enough to continue behind the event that caused it.
    @Test func anEventThatKafkaDoesNotTakeIsLeftOutByItsToken() async throws {
        try await Scene.play { scene in
            try scene.makeEditsTopics()
            let stream = scene.exactlyOnceStream()
            let bridge = try scene.bridge([
                stream,
                scene.stream("healthy") {
                    $0.fullDocument = .default; $0.pipeline = #"[{"$project":{"fullDocument":0}}]"#
                },
            ])
            let follower = try scene.follow()
            try scene.insert([["_id": "before"]])
            try follower.wait(count: 1)
            try scene.insert([["_id": "large", "text": .string(String(repeating: "x", count: 2 << 20))], ["_id": "after"]])
            try scene.log.wait(for: "halted: ")
            let line = try #require(scene.log.lines(containing: "halted: ").first).message
            let token = try #require(line.firstMatch(of: #/`bridge positions set fruits (\w+)`/#)?.1)
            let change = try scene.setPosition(of: stream, to: String(token))
            #expect(change.gap != nil)
            let keys = try follower.wait(count: 2).map { try $0.document()["documentKey"]?.documentValue?["_id"] }
            #expect(keys == ["before", "after"])
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test func aPlaceWithoutARecordIsRefused() async throws {
        try await Self.play(1) { scene, stream, _ in
            for place in ["\(scene.topic())/0/999", "\(scene.topic())/7/0", "\(scene.positionsTopic)/0/0"] {
                let halt = try #require(throws: Halt.self) { try scene.setPosition(of: stream, to: place) }
                #expect(halt.status == .configuration)
            }
        }
    }

    /// What halts a stream is what an edit has to fix.
    @Test func aPositionThatCannotBeReadIsReplacedAndKeptInTheHistory() async throws {
        try await Self.play(2) { scene, stream, published in
            let producer = try ReportingProducer(scene.kafka.settings)
            #expect(try producer.produce(scene.positionsTopic, key: Array("fruits".utf8), value: Array("not json".utf8)))
            try producer.wait(acknowledged: 1)
            #expect(try scene.positions([stream]) { try await $0.list() }.first?.problem?.contains("it is not JSON") == true)
            let edit = try #require(try scene.setPosition(of: stream, to: published[0].token).edit)
            #expect(edit.oldPlace == "a position that cannot be read")
            let history = try scene.positions([stream]) { try await $0.history(of: nil) }
            #expect(history.first?.old == Array("not json".utf8))
            let records = try scene.publish([stream], count: 3)
            #expect(Scene.tokens(records) == Scene.tokens(published) + [published[1].token])
        }
    }

    @Test func showTellsThePositionAndTheOplog() async throws {
        try await Self.play(1) { scene, stream, _ in
            let details = try scene.positions([stream]) { try await $0.show(stream) }
            let stored = try #require(try scene.position())
            #expect(details.position.token == stored.position.token.data)
            #expect(details.position.events == 1)
            #expect(try #require(details.position.age) < 600)
            #expect(try #require(details.left) >= 0)
            #expect(details.oldest != nil)
        }
    }

    @Test func theCommandLineSetsAndListsAndTells() async throws {
        try await Self.play(3) { scene, _, published in
            let folder = try TemporaryFolder()
            let file = try folder.write(scene.yaml(delivery: .exactlyOnce), to: "bridge.yaml")
            func output(_ arguments: String...) throws -> String {
                let program = try BridgeProgram(["positions"] + arguments + ["--config", file])
                #expect(try program.exitStatus() == 0, "\(program.errors)")
                return program.output
            }
            #expect(try output("set", "fruits", published[0].token, "--dry-run").contains("dry run: nothing was changed"))
            #expect(try output("set", "fruits", published[0].token, "--why", "yesterday again").contains("position of fruits: from "))
            #expect(try output("list", "--format", "json").contains(published[0].token))
            #expect(try output("show", "fruits").contains("the oplog goes from "))
            #expect(try output("history").contains("yesterday again"))
            #expect(try output("reset", "fruits").contains("begins at startAt"))
            let wrong = try BridgeProgram(["positions", "set", "fruits", "yesterday", "--config", file])
            #expect(try wrong.exitStatus() == 64)
            let unknown = try BridgeProgram(["positions", "set", "fruit", "now", "--config", file])
            #expect(try unknown.exitStatus() == 64)
            let lost = try BridgeProgram(["positions", "set", "fruits", "4102444800.1", "--config", file])
            #expect(try lost.exitStatus() == 65)
        }
    }
}
