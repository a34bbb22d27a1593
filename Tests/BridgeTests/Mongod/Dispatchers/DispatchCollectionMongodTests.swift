import Mongo
import Testing

@testable import StreamBridge

/// Collections that no dispatcher can work on are refused, by the dispatcher and by `bridge check` in the same words.
@Suite struct DispatchCollectionMongodTests {
    private static func check(_ dispatching: Dispatching) throws -> [Finding] {
        var configuration = dispatching.scene.configuration([])
        configuration.dispatchers = [dispatching.settings]
        return try configuration.check().filter { $0.subject == "dispatcher shipments" }
    }

    @Test(
        arguments: [
            (["viewOn": "fruits", "pipeline": []], "is a view, "), (["timeseries": ["timeField": "at"]], "is a time-series collection, "),
            (["capped": true, "size": 100_000], "is a capped collection: "),
            (["collation": ["locale": "en", "strength": 2]], "has the collation en: "),
            (["collation": ["locale": "de"]], "has the collation de: "),
        ] as [(BSONDocument, String)])
    func theyHaltWithTheReason(_ options: BSONDocument, reason: String) async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4])
            var creation: BSONDocument = ["create": "shipments"]
            for (key, value) in try options.fields() { creation.append(key, value) }
            try scene.command(creation)
            try dispatching.send([CommandText.dispatch("a", 4)])
            let halts = try scene.bridge(dispatching).halts()
            #expect(halts.map(\.status) == [.configuration])
            #expect(halts.first?.reason.hasPrefix("\(dispatching.settings.collection) \(reason)") == true, "\(halts)")
            let errors = try Self.check(dispatching).filter { $0.level == .error }
            #expect(errors.map(\.text) == halts.map(\.reason))
            #expect(errors.map(\.remedy) == halts.map(\.remedy))
            #expect(try dispatching.allOutcomes().isEmpty)
        }
    }

    @Test func aCollectionThatBecomesOneHaltsTheDispatcher() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4])
            let bridge = try scene.bridge(dispatching)
            #expect(try dispatching.answer(to: CommandText.dispatch("a", 4)).status == "dispatched")
            try scene.command(["convertToCapped": "shipments", "size": 100_000])
            let halts = try bridge.halts()
            #expect(halts.first?.reason.hasPrefix("\(dispatching.settings.collection) is a capped collection: ") == true, "\(halts)")
        }
    }

    /// The server compares its texts by their bytes, as the bridge does.
    @Test(arguments: [["locale": "simple"], nil] as [BSONDocument?])
    func anOrdinaryOneIsWell(collation: BSONDocument?) async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: ["a", "A"])
            var creation: BSONDocument = ["create": "shipments"]
            if let collation { creation.append("collation", .document(collation)) }
            try scene.command(creation)
            let bridge = try scene.bridge(dispatching)
            let outcomes = try dispatching.answers(to: [
                CommandText.dispatch("c", "\"a\""), CommandText.dispatch("C", "\"A\""), CommandText.dispatch("d", "\"a\""),
            ])
            #expect(outcomes.map(\.status) == ["dispatched", "dispatched", "rejected"])
            #expect(try bridge.stop().isEmpty)
            #expect(try Self.check(dispatching).allSatisfy { $0.level == .ok })
        }
    }

    @Test func aTTLIndexAndAHiddenGuardAreWarnings() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4])
            try scene.command([
                "createIndexes": "shipments",
                "indexes": [
                    ["key": ["completed_at": 1], "name": "old", "expireAfterSeconds": 86_400],
                    [
                        "key": ["truck_id": 1], "name": "secret", "unique": true, "partialFilterExpression": ["status": "active"],
                        "hidden": true,
                    ],
                ],
            ])
            let warnings = try Self.check(dispatching).filter { $0.level == .warning }.map(\.text)
            let collection = dispatching.settings.collection
            #expect(warnings.count == 2, "\(warnings)")
            #expect(warnings.contains { $0.hasPrefix("the TTL index old of \(collection) ") }, "\(warnings)")
            #expect(warnings.contains { $0.hasPrefix("the unique index secret of \(collection) is hidden: ") }, "\(warnings)")
            let bridge = try scene.bridge(dispatching)
            let outcomes = try dispatching.answers(to: [CommandText.dispatch("a", 4), CommandText.dispatch("b", 4)])
            #expect(outcomes.map(\.status) == ["dispatched", "rejected"])
            #expect(try bridge.stop().isEmpty)
            for warning in warnings { #expect(scene.log.lines(containing: warning).count == 1, "\(warning)") }
        }
    }

    /// A capped pool has no moments that could be read.
    @Test func aCappedPoolIsRefused() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [])
            try scene.command(["create": "shipments-trucks", "capped": true, "size": 100_000])
            try dispatching.insertTrucks([4])
            let halts = try scene.bridge(dispatching).halts()
            #expect(
                halts.first?.reason.hasPrefix("the pool \(scene.database).shipments-trucks is a capped collection, ") == true, "\(halts)")
            let errors = try Self.check(dispatching).filter { $0.level == .error }
            #expect(errors.map(\.text) == halts.map(\.reason))
        }
    }
}
