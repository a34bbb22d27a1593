import Mongo
import Testing

@testable import StreamBridge

/// What a stream sees: a collection, a list, a database, the cluster, and what a pipeline leaves of it.
@Suite struct ScopesMongodTests {
    /// A document in each of three collections in two databases.
    private static func writeEverywhere(_ scene: Scene) throws {
        try scene.insert([["_id": 1], ["_id": 2]], into: "fruits")
        try scene.insert([["_id": 1]], into: "trucks")
        try scene.insert([["_id": 1]], into: "fruits", of: scene.database + "-b")
        try scene.insert([["_id": 3]], into: "fruits")
        try scene.insert([["_id": 1]], into: "other", of: scene.database + "-b")
    }

    private static func namespaces(_ records: [TestRecord], of scene: Scene) -> [String] {
        records.map { ($0.headers["mongodb.ns"] ?? "").replacing(scene.database, with: "db") }
    }

    @Test func aCollectionGivesItsOwnEventsInTheServersOrder() async throws {
        try await Scene.play { scene in
            try Self.writeEverywhere(scene)
            try scene.update(1, ["$set": ["n": 1]])
            try scene.delete(2)
            let expected = try scene.events(of: "fruits")
            let records = try scene.publish([scene.stream()], count: 5)
            #expect(expected.count == 5)
            #expect(try records.map { try $0.document() } == expected)
            #expect(records.map(\.operation) == ["insert", "insert", "insert", "update", "delete"])
        }
    }

    @Test func aListInOneDatabaseIsOneStreamInOneOrder() async throws {
        try await Scene.play { scene in
            try Self.writeEverywhere(scene)
            let list = [
                Namespace(database: scene.database, collection: "fruits"), Namespace(database: scene.database, collection: "trucks"),
            ]
            let records = try scene.publish([scene.stream("fruits", .collections(list))], count: 4)
            #expect(Self.namespaces(records, of: scene) == ["db.fruits", "db.fruits", "db.trucks", "db.fruits"])
        }
    }

    @Test func aListOverDatabasesIsOneStreamInOneOrder() async throws {
        try await Scene.play { scene in
            try Self.writeEverywhere(scene)
            let list = [
                Namespace(database: scene.database, collection: "trucks"), Namespace(database: scene.database + "-b", collection: "fruits"),
                Namespace(database: scene.database, collection: "fruits"),
            ]
            let records = try scene.publish([scene.stream("fruits", .collections(list))], count: 5)
            #expect(Self.namespaces(records, of: scene) == ["db.fruits", "db.fruits", "db.trucks", "db-b.fruits", "db.fruits"])
        }
    }

    @Test func aDatabaseGivesEveryCollectionButNoOtherDatabase() async throws {
        try await Scene.play { scene in
            try Self.writeEverywhere(scene)
            let records = try scene.publish([scene.stream("fruits", .database(scene.database))], count: 4)
            #expect(Self.namespaces(records, of: scene) == ["db.fruits", "db.fruits", "db.trucks", "db.fruits"])
            #expect(try records.map { try $0.document() } == scene.events(of: nil))
        }
    }

    @Test func theClusterGivesEveryDatabase() async throws {
        try await Scene.play { scene in
            try Self.writeEverywhere(scene)
            // Others write to this server too, so the scene's own events are picked by a pipeline.
            let stream = scene.stream("fruits", .cluster) { $0.pipeline = #"[{"$match":{"ns.db":{"$regex":"^\#(scene.database)"}}}]"# }
            let records = try scene.publish([stream], count: 6)
            #expect(
                Self.namespaces(records, of: scene)
                    == ["db.fruits", "db.fruits", "db.trucks", "db-b.fruits", "db.fruits", "db-b.other"])
        }
    }

    @Test func aPipelineFiltersAndReshapes() async throws {
        try await Scene.play { scene in
            try scene.insert((0..<40).map { ["_id": .int32($0), "quantity": .int32($0), "secret": "s"] })
            let stream = scene.stream {
                $0.pipeline = #"[{"$match":{"fullDocument.quantity":{"$gte":{"$numberInt":"35"}}}},{"$project":{"fullDocument.secret":0}}]"#
            }
            let records = try scene.publish([stream], count: 5)
            let documents = try records.map { try $0.document()["fullDocument"]?.documentValue }
            #expect(documents == (35..<40).map { ["_id": .int32($0), "quantity": .int32($0)] })
        }
    }

    @Test func aPipelineMayLeaveNothingButTheToken() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1], ["_id": 2]])
            let records = try scene.publish([scene.stream { $0.pipeline = #"[{"$project":{"_id":1}}]"# }], count: 2)
            #expect(records.allSatisfy { $0.key == nil && $0.token.hasPrefix("82") })
            #expect(records.map(\.headerNames) == Array(repeating: ["mongodb.token", "bridge.stream", "bridge.origin"], count: 2))
        }
    }

    @Test func severalStreamsEachPublishTheirOwn() async throws {
        try await Scene.play { scene in
            let namespace = { Namespace(database: scene.database, collection: $0) }
            let streams = [
                scene.stream("fruits"), scene.stream("trucks", .collection(namespace("trucks"))),
                scene.stream("all", .database(scene.database)),
            ]
            let bridge = try scene.bridge(streams)
            try Self.writeEverywhere(scene)
            let fruits = try scene.follow(scene.topic("fruits")).wait(count: 3)
            let trucks = try scene.follow(scene.topic("trucks")).wait(count: 1)
            let all = try scene.follow(scene.topic("all")).wait(count: 4)
            #expect(try bridge.stop().isEmpty)
            #expect(fruits.allSatisfy { $0.headers["bridge.stream"] == "fruits" })
            #expect(trucks.allSatisfy { $0.headers["bridge.stream"] == "trucks" })
            #expect(all.map(\.token) == (fruits + trucks).map(\.token).sorted())
        }
    }
}
