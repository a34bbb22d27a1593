import Mongo
import Testing

@testable import StreamBridge

/// What a stream watches, compared with what is there: by `bridge check` and at the start, in the same words.
@Suite struct WatchedMongodTests {
    private static func namespace(_ collection: String, _ scene: Scene) -> Namespace {
        Namespace(database: scene.database, collection: collection)
    }

    /// The check has the error, and the stream halts with it.
    private static func expectRefusal(
        _ stream: StreamSettings, on scene: Scene, reason: String, remedy: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let findings = try scene.configuration([stream]).check().filter { $0.subject == "stream \(stream.name)" }
        let error = try #require(findings.first { $0.level == .error }, "\(findings)", sourceLocation: sourceLocation)
        #expect(error.text.contains(reason), "\(error.text)", sourceLocation: sourceLocation)
        #expect(error.status == .configuration, sourceLocation: sourceLocation)
        let halts = try scene.bridge([stream]).halts()
        #expect(halts.map(\.reason) == [error.text] && halts.map(\.remedy) == [error.remedy], "\(halts)", sourceLocation: sourceLocation)
        #expect(halts.first?.remedy.contains(remedy) == true, "\(halts)", sourceLocation: sourceLocation)
        #expect(halts.map(\.status) == [.configuration], sourceLocation: sourceLocation)
        #expect(try scene.position(of: stream.name) == nil, sourceLocation: sourceLocation)
    }

    @Test(arguments: [false, true])
    func aViewIsRefused(isInAList: Bool) async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            try scene.command(["create": "ripe", "viewOn": "fruits", "pipeline": []])
            let view = Self.namespace("ripe", scene)
            let watch: WatchScope = isInAList ? .collections([view, Self.namespace("fruits", scene)]) : .collection(view)
            try Self.expectRefusal(
                scene.stream("view", watch), on: scene, reason: "\(view) is a view", remedy: "Watch the collections that it reads from")
        }
    }

    @Test(arguments: [false, true])
    func aTimeSeriesCollectionIsRefused(isInAList: Bool) async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            try scene.command(["create": "prices", "timeseries": ["timeField": "at"]])
            let series = Self.namespace("prices", scene)
            let watch: WatchScope = isInAList ? .collections([series, Self.namespace("fruits", scene)]) : .collection(series)
            try Self.expectRefusal(
                scene.stream("series", watch), on: scene, reason: "\(series) is a time-series collection", remedy: "an ordinary collection")
        }
    }

    /// A stream over all of a database leaves them out, as the server does.
    @Test func aDatabaseMayHaveThem() async throws {
        try await Scene.play { scene in
            try scene.command(["create": "ripe", "viewOn": "fruits", "pipeline": []])
            try scene.command(["create": "prices", "timeseries": ["timeField": "at"]])
            try scene.insert([["_id": 1]])
            let stream = scene.stream("fruits", .database(scene.database))
            #expect(try scene.configuration([stream]).check().filter { $0.subject == "stream fruits" }.allSatisfy { $0.level == .ok })
            #expect(try scene.publish([stream], count: 1).count == 1)
        }
    }

    /// The stream has ended with its collection, and continues with whatever has its name.
    @Test func aCollectionThatBecomesAViewHalts() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let bridge = try scene.bridge([scene.stream()])
            try scene.follow().wait(count: 1)
            try scene.command(["drop": "fruits"])
            try scene.command(["create": "fruits", "viewOn": "others", "pipeline": []])
            let halt = try #require(try bridge.halts().first)
            #expect(halt.reason.contains("is a view") && halt.remedy.contains("Watch"), "\(halt)")
            #expect(try scene.records().map(\.operation) == ["insert", "drop", "invalidate"])
        }
    }

    @Test func whatIsNotThereIsWarnedOf() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]], into: "others")
            for (watch, text) in [
                (WatchScope.collection(Self.namespace("fruit", scene)), "there is no collection \(scene.database).fruit"),
                (
                    .collections([Self.namespace("others", scene), Self.namespace("plums", scene)]),
                    "there is no collection \(scene.database).plums"
                ),
                (.database("nowhere-\(scene.database)"), "there is no database nowhere-\(scene.database)"),
            ] {
                let stream = scene.stream("fruits", watch)
                let warnings = try scene.configuration([stream]).check().filter { $0.subject == "stream fruits" && $0.level == .warning }
                #expect(warnings.count == 1 && warnings[0].text.hasPrefix(text), "\(warnings)")
                let bridge = try scene.bridge([stream])
                try scene.log.wait(for: text)
                #expect(try bridge.stop().isEmpty)
            }
        }
    }

    @Test func collectionsWhoseTopicsHaveOneNameAreRefused() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]], into: "foo@bar")
            try scene.insert([["_id": 1]], into: "foo#bar")
            let template = try TextTemplate.parsing("\(scene.name).{db}.{coll}")
            let stream = scene.stream("fruits", .database(scene.database)) { $0.topic = template }
            try Self.expectRefusal(stream, on: scene, reason: "foo", remedy: "stream of its own")
        }
    }

    /// Nothing shows before the second one is made.
    @Test func aCollectionThatComesLaterHaltsAndHaltsAgain() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]], into: "foo@bar")
            let template = try TextTemplate.parsing("\(scene.name).{coll}")
            let topic = "\(scene.name).foo_bar"
            try scene.kafka.create(topic: topic)
            let stream = scene.stream("fruits", .database(scene.database)) { $0.topic = template }
            let bridge = try scene.bridge([stream])
            try scene.follow(topic).wait(count: 1)
            try scene.insert([["_id": 1]], into: "foo#bar")
            let halt = try #require(try bridge.halts().first)
            for name in ["foo@bar", "foo#bar"] { #expect(halt.reason.contains("\(scene.database).\(name)"), "\(halt)") }
            #expect(try scene.bridge([stream]).halts().count == 1)
            #expect(try scene.records(topic).count == 1)
        }
    }

    @Test func aPipelineThatTakesTheTokenAwayIsRefusedBeforeItsFirstEvent() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let stream = scene.stream { $0.pipeline = #"[{"$project":{"_id":0}}]"# }
            try Self.expectRefusal(stream, on: scene, reason: "resume token", remedy: "_id")
        }
    }

    /// What only the server can tell is told at the first event, with the same advice.
    @Test func aTokenThatAnExpressionChangesHaltsWithTheMend() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let stream = scene.stream { $0.pipeline = #"[{"$replaceWith":{"$mergeObjects":["$$ROOT","$fullDocument"]}}]"# }
            let halts = try scene.bridge([stream]).halts()
            #expect(halts.map(\.status) == [.configuration])
            #expect(halts.map(\.remedy) == [StreamFailure.changedToken])
        }
    }

    @Test func warningsOfThePipelineAreInTheLogToo() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1, "n": 1]])
            let stream = scene.stream { $0.pipeline = #"[{"$match":{"n":1}}]"# }
            let warning = try #require(
                try scene.configuration([stream]).check().first { $0.subject == "stream fruits" && $0.level == .warning })
            #expect(warning.remedy?.contains("fullDocument.n") == true)
            let bridge = try scene.bridge([stream])
            try scene.log.wait(for: warning.text)
            #expect(try bridge.stop().isEmpty)
        }
    }
}
