import Mongo
import Testing

@testable import StreamBridge

/// Other unique indexes with the resource in their key: those that could refuse a resource which the guard index calls
/// free halt the dispatcher, by name, and those that cannot change nothing.
@Suite struct DispatchRivalIndexMongodTests {
    struct Index: Sendable, CustomStringConvertible {
        let specification: BSONDocument
        /// The collection has the plain unique index, too.
        var isBesidePlain = false
        var description: String { "\(specification)\(isBesidePlain ? " beside a plain one" : "")" }
    }

    private static func make(_ index: BSONDocument, of dispatching: Dispatching) throws {
        try dispatching.scene.command([
            "createIndexes": .string(dispatching.settings.collection.collection), "indexes": [.document(index)],
        ])
    }

    private static func prepare(_ index: Index, _ dispatching: Dispatching) throws {
        let guarding: BSONDocument = ["key": ["truck_id": -1], "name": "one", "unique": true]
        try make(
            index.isBesidePlain
                ? guarding : GuardIndex.creation(for: dispatching.settings)["indexes"]?.arrayValue?.first?.documentValue ?? [:],
            of: dispatching)
        try make(index.specification, of: dispatching)
    }

    private static func check(_ dispatching: Dispatching) throws -> [Finding] {
        var configuration = dispatching.scene.configuration([])
        configuration.dispatchers = [dispatching.settings]
        return try configuration.check().filter { $0.subject == "dispatcher shipments" && $0.level == .error }
    }

    static let rivals: [Index] = [
        .init(specification: [
            "key": ["truck_id": 1], "name": "there", "unique": true, "partialFilterExpression": ["truck_id": ["$exists": true]],
        ]),
        .init(specification: ["key": ["truck_id": 1], "name": "ended", "unique": true, "partialFilterExpression": ["status": "completed"]]),
        .init(specification: [
            "key": ["truck_id": 1], "name": "letters", "unique": true, "partialFilterExpression": ["status": "active"],
            "collation": ["locale": "en", "strength": 2],
        ]),
        .init(specification: ["key": ["truck_id": 1, "quantity": 1], "name": "two", "unique": true]),
        .init(specification: ["key": ["source": 1, "truck_id": 1], "name": "two", "unique": true, "sparse": true]),
        .init(
            specification: ["key": ["truck_id": 1], "name": "letters", "unique": true, "collation": ["locale": "en", "strength": 2]],
            isBesidePlain: true),
    ]

    @Test(arguments: rivals)
    func anIndexThatCouldRefuseAFreeResourceHaltsByName(_ index: Index) async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [1])
            try Self.prepare(index, dispatching)
            let name = try #require(index.specification["name"]?.stringValue)
            try dispatching.send([CommandText.dispatch("a", 1), CommandText.complete("b", "a"), CommandText.dispatch("c", 1)])
            let halts = try scene.bridge(dispatching).halts()
            #expect(halts.map(\.status) == [.configuration])
            #expect(halts.first?.reason.contains("index \(name) of \(dispatching.settings.collection)") == true, "\(halts)")
            #expect(halts.first?.remedy.contains(".dropIndex(\"\(name)\")") == true, "\(halts)")
            #expect(try dispatching.allOutcomes().isEmpty)
            let findings = try Self.check(dispatching)
            #expect(findings.map(\.text) == halts.map(\.reason))
            #expect(findings.map(\.remedy) == halts.map(\.remedy))
            #expect(findings.map(\.status) == [.configuration])
            // Without it the same commands are carried out.
            try scene.command(["dropIndexes": "shipments", "index": .string(name)])
            let bridge = try scene.bridge(dispatching)
            #expect(try dispatching.outcomes(count: 3).map(\.status) == ["dispatched", "completed", "dispatched"])
            #expect(try bridge.stop().isEmpty)
        }
    }

    static let harmless: [Index] = [
        .init(specification: [
            "key": ["truck_id": -1], "name": "a-again", "unique": true, "partialFilterExpression": ["status": ["$eq": "active"]],
        ]),
        .init(specification: [
            "key": ["truck_id": 1, "quantity": 1], "name": "a-two", "unique": true, "partialFilterExpression": ["status": "active"],
        ]),
        .init(specification: ["key": ["truck_id": 1, "_id": 1], "name": "a-id", "unique": true]),
        .init(specification: ["key": ["truck_id": 1], "name": "a-strange", "unique": true, "partialFilterExpression": ["status": "parked"]]
        ),
        .init(specification: ["key": ["truck_id": 1, "quantity": 1], "name": "a-two", "unique": true], isBesidePlain: true),
        .init(
            specification: [
                "key": ["truck_id": 1], "name": "a-there", "unique": true, "partialFilterExpression": ["truck_id": ["$exists": true]],
            ],
            isBesidePlain: true),
    ]

    /// Whichever of them the server names when it refuses, the resource is busy.
    @Test(arguments: harmless, [false, true])
    func anIndexThatRefusesNothingElseChangesNothing(_ index: Index, isFirst: Bool) async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [1, 2])
            if isFirst { try Self.make(index.specification, of: dispatching) }
            try Self.prepare(index, dispatching)
            let bridge = try scene.bridge(dispatching)
            let outcomes = try dispatching.answers(to: [
                CommandText.dispatch("a", 1), CommandText.dispatch("a2", 1), CommandText.dispatch("a3", 1),
                CommandText.complete("b", "a"), CommandText.dispatch("c", 1), CommandText.dispatch("a", 1),
            ])
            #expect(outcomes.map(\.status) == ["dispatched", "reassigned", "rejected", "completed", "dispatched", "dispatched"])
            #expect(try bridge.stop().isEmpty)
            #expect(try dispatching.allDeadLetters().isEmpty)
            #expect(try Self.check(dispatching).isEmpty)
            #expect(scene.log.lines(containing: "retrying: ").isEmpty)
        }
    }

    /// Nothing that the server says twice makes a loop turn without a word.
    @Test func anIndexThatComesWhileTheDispatcherRunsHaltsItAtTheFirstRefusal() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [1])
            let bridge = try scene.bridge(dispatching)
            #expect(try dispatching.answer(to: CommandText.dispatch("a", 1)).status == "dispatched")
            #expect(try dispatching.answer(to: CommandText.complete("b", "a")).status == "completed")
            try Self.make(
                ["key": ["truck_id": 1], "name": "there", "unique": true, "partialFilterExpression": ["truck_id": ["$exists": true]]],
                of: dispatching)
            try dispatching.send([CommandText.dispatch("c", 1)])
            let halts = try bridge.halts()
            #expect(halts.first?.reason.contains("index there of \(dispatching.settings.collection)") == true, "\(halts)")
            try scene.command(["dropIndexes": "shipments", "index": "there"])
            let next = try scene.bridge(dispatching)
            #expect(try dispatching.outcomes(count: 3).last?.status == "dispatched")
            #expect(try next.stop().isEmpty)
            #expect(try dispatching.allDeadLetters().isEmpty)
        }
    }

    /// The index has the guard's name and refuses what the guard would take, so the server calls a truck free and
    /// refuses it, for good.
    @Test func aTruckThatNobodyHoldsAndAnIndexRefusesHaltsTheDispatcher() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            let dispatching = try Dispatching(scene, trucks: [1])
            let bridge = try scene.bridge(dispatching)
            #expect(try dispatching.answer(to: CommandText.dispatch("a", 1)).status == "dispatched")
            #expect(try dispatching.answer(to: CommandText.complete("b", "a")).status == "completed")
            // The next look at the indexes is seconds away.
            try FailPoint.fail(["listIndexes"], times: 1, with: ["blockConnection": true, "blockTimeMS": 1], on: scene)
            try scene.command(["waitForFailPoint": "failCommand", "timesEntered": 1, "maxTimeMS": 60_000], on: "admin")
            #expect(try dispatching.answer(to: CommandText.complete("b2", "a")).status == "rejected")
            let name = GuardIndex.name(for: dispatching.settings)
            try scene.command(["dropIndexes": "shipments", "index": .string(name)])
            try Self.make(
                [
                    "key": ["truck_id": 1], "name": .string(name), "unique": true,
                    "partialFilterExpression": ["truck_id": ["$exists": true]],
                ], of: dispatching)
            try dispatching.send([CommandText.dispatch("c", 1)])
            let halts = try bridge.halts()
            #expect(halts.first?.reason.hasPrefix("no document of \(dispatching.settings.collection) holds truck_id 1") == true, "\(halts)")
            #expect(try dispatching.allOutcomes().count == 3)
        }
    }

    /// A unique index on other fields refuses a document, not a resource.
    @Test func anIndexOnOtherFieldsMakesADeadLetter() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [1, 2])
            try Self.make(["key": ["product": 1], "name": "products", "unique": true], of: dispatching)
            let bridge = try scene.bridge(dispatching)
            #expect(
                try dispatching.answers(to: [CommandText.dispatch("a", 1), CommandText.dispatch("b", 2)]).map(\.status)
                    == ["dispatched", "invalid"])
            #expect(try dispatching.deadLetters(count: 1).count == 1)
            #expect(try bridge.stop().isEmpty)
        }
    }
}
