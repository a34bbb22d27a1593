import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// A stream that cannot continue halts with a reason and a fix, and leaves the others alone.
@Suite struct HaltsMongodTests {
    /// Runs a stream that has to halt beside one that continues, and checks that it does.
    private static func expectHalt(
        _ failing: StreamSettings, on scene: Scene, reason: String, remedy: String, status: ExitStatus = .configuration,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let bridge = try scene.bridge([
            scene.stream("healthy"), failing, scene.stream("quiet", .collection(Namespace(database: scene.database, collection: "quiet"))),
        ])
        try scene.log.wait(for: "halted: ")
        let halted = try bridge.status(of: failing.name)
        #expect(halted.state == .halted, sourceLocation: sourceLocation)
        #expect(halted.reason?.contains(reason) == true, "\(halted.reason ?? "")", sourceLocation: sourceLocation)

        // The others continue with what comes after the halt.
        try scene.insert([["_id": "after the halt"]])
        try scene.follow(scene.topic("healthy")).wait(for: "the event after the halt") { $0.last?.keyText == #"{"_id":"after the halt"}"# }
        #expect(bridge.isRunning, sourceLocation: sourceLocation)
        let halts = try bridge.stop()
        #expect(halts.map(\.status) == [status], sourceLocation: sourceLocation)
        #expect(halts[0].remedy.contains(remedy), "\(halts[0].remedy)", sourceLocation: sourceLocation)
        #expect(scene.log.lines(containing: "halted: ").map(\.stream) == [failing.name], sourceLocation: sourceLocation)
    }

    @Test func aStageThatAChangeStreamDoesNotAllow() async throws {
        try await Scene.play { scene in
            let stream = scene.stream("bad") { $0.pipeline = #"[{"$group":{"_id":"$operationType"}}]"# }
            try Self.expectHalt(stream, on: scene, reason: "$group", remedy: "pipeline")
        }
    }

    @Test func aStageThatDoesNotExist() async throws {
        try await Scene.play { scene in
            let stream = scene.stream("bad") { $0.pipeline = #"[{"$matsch":{}}]"# }
            try Self.expectHalt(stream, on: scene, reason: "$matsch", remedy: "pipeline")
        }
    }

    @Test func aMalformedExpression() async throws {
        try await Scene.play { scene in
            let stream = scene.stream("bad") { $0.pipeline = #"[{"$match":{"n":{"$gtt":1}}}]"# }
            try Self.expectHalt(stream, on: scene, reason: "$gtt", remedy: "pipeline")
        }
    }

    @Test func aStageThatFailsAtAnEvent() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1, "n": 0]])
            let stream = scene.stream("bad") { $0.pipeline = #"[{"$addFields":{"x":{"$divide":[1,"$fullDocument.n"]}}}]"# }
            try Self.expectHalt(stream, on: scene, reason: "divide by zero", remedy: "pipeline")
        }
    }

    @Test func aPipelineThatRemovesTheToken() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let stream = scene.stream("bad") { $0.pipeline = #"[{"$project":{"_id":0}}]"# }
            try Self.expectHalt(stream, on: scene, reason: "_id", remedy: "_id")
        }
    }

    @Test func aRequiredPostImageThatIsMissing() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            try scene.update(1, ["$set": ["n": 1]])
            try Self.expectHalt(
                scene.stream("bad") { $0.fullDocument = .required }, on: scene, reason: "post-image", remedy: "changeStreamPreAndPostImages"
            )
        }
    }

    @Test func aRequiredPreImageThatIsMissing() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            try scene.update(1, ["$set": ["n": 1]])
            try Self.expectHalt(
                scene.stream("bad") { $0.fullDocumentBeforeChange = .required }, on: scene, reason: "pre-image",
                remedy: "changeStreamPreAndPostImages")
        }
    }

    @Test func aTopicThatDoesNotExistAndMayNotBeCreated() async throws {
        try await Scene.play { scene in
            let topic = try TextTemplate.parsing("missing.{coll}")
            let other = Namespace(database: scene.database, collection: "other-\(scene.name)")
            let healthy = scene.stream("healthy")
            let stream = scene.stream("bad", .collection(other)) { $0.topic = topic }
            scene.kafka.hide(topic: "missing.\(other.collection)")
            let bridge = try scene.bridge([healthy, stream]) { $0.topics.create = false }
            try scene.insert([["_id": 1]], into: other.collection)
            try scene.log.wait(for: "halted: ")
            try scene.insert([["_id": 1]])
            try scene.follow(scene.topic("healthy")).wait(count: 1)
            let halts = try bridge.stop()
            #expect(halts.map(\.reason) == ["topic missing.\(other.collection) does not exist, and topics.create is false"])
            #expect(
                halts.map(\.remedy) == ["Create it (kafka-topics --create --topic missing.\(other.collection)), or set topics.create: true"]
            )
            // Nothing was published, so nothing may be covered.
            #expect(try scene.position(of: "bad")?.position.events ?? 0 == 0)
        }
    }

    /// No configuration shows that somebody will call a collection so.
    @Test func anEventWhoseTopicWouldBeOneOfTheBridgesOwn() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]], into: scene.positionsTopic)
            let template = try TextTemplate.parsing("{coll}")
            try Self.expectHalt(
                scene.stream("bad", .database(scene.database)) { $0.topic = template }, on: scene,
                reason: "\(scene.positionsTopic) belongs to the bridge itself", remedy: "another topic template")
            #expect(try scene.records(scene.positionsTopic).allSatisfy { $0.headers["mongodb.token"] == nil })
        }
    }

    @Test func whenAllStreamsHaveHaltedTheBridgeEnds() async throws {
        try await Scene.play { scene in
            let streams = ["one", "two"].map { scene.stream($0) { $0.pipeline = #"[{"$out":"x"}]"# } }
            let halts = try scene.bridge(streams).halts()
            #expect(halts.count == 2)
        }
    }

    @Test func aMendedStreamGoesOnWithTheEventThatHaltedIt() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1, "n": 1], ["_id": 2, "n": 0], ["_id": 3, "n": 1]])
            let stream = scene.stream { $0.pipeline = #"[{"$addFields":{"x":{"$divide":[1,"$fullDocument.n"]}}}]"# }
            let halts = try scene.bridge([stream]).halts()
            #expect(halts.map(\.status) == [.configuration])
            let records = try scene.publish([scene.stream()], count: 3)
            #expect(Set(records.map(\.token)).count == 3)
            #expect(records.last?.keyText == #"{"_id":{"$numberInt":"3"}}"#)
        }
    }

    @Test func whatIsMendedGoesOnAfterAHangUp() async throws {
        try await GuardedMongod.play { guarded in
            let scene = guarded.scene
            try guarded.createAccount("bridge", roles: [guarded.reading])
            try scene.kafka.create(topic: scene.topic())
            let folder = try TemporaryFolder()
            let yaml =
                scene.yaml(uri: guarded.uri(as: "bridge:pw")) + "  - {name: other, watch: other.things, topic: \(scene.topic("other"))}\n"
            let program = try BridgeProgram(["run", "--config", folder.write(yaml, to: "bridge.yaml")])
            try program.wait(forError: "other: halted: ")
            try scene.command(["grantRolesToUser": "bridge", "roles": [["role": "read", "db": "other"]]], on: "admin")
            program.signal(SIGHUP)
            try program.wait(forError: "other: continues after the halt: asked to try again")
            try program.wait(forError: "other: no stored position; starting at now")
            program.signal(SIGTERM)
            #expect(try program.exitStatus() == 0)
            #expect(!program.errors.contains("fruits: halted"))
        }
    }
}
