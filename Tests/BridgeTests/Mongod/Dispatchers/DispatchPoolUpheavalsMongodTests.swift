import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// A pool, or the collection, that goes as a whole: what was known of it counts no more.
@Suite struct DispatchPoolUpheavalsMongodTests {
    /// Waits until the hint has so many free resources.
    private static func wait(forFree count: ClosedRange<Int>, _ bridge: RunningBridge) throws {
        let deadline = ContinuousClock.now + Patience.limit
        var backoff = Backoff(initial: .milliseconds(10), cap: .milliseconds(200))
        while true {
            let found = try bridge.status(ofDispatcher: "shipments").load?.freeResources
            if let found, count.contains(found) { return }
            guard .now < deadline else { throw WaitedInVain(what: "\(count) free resources; there are \(found ?? -1)") }
            backoff.pause()
        }
    }

    /// - Parameter database: of the pool; nil for the scene's own.
    private static func play(
        poolIn database: String? = nil, _ body: @escaping @Sendable (Dispatching, RunningBridge, Namespace) throws -> Void
    ) async throws {
        try await Scene.play { scene in
            let place = Namespace(database: database.map { "\(scene.database)-\($0)" } ?? scene.database, collection: "trucks")
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...3)) { $0.resource.pool = place }
            let bridge = try scene.bridge(dispatching)
            #expect(try dispatching.answer(to: CommandText.dispatch("c-0", 1)).status == "dispatched")
            try wait(forFree: 2...2, bridge)
            try body(dispatching, bridge, place)
            #expect(try bridge.stop().isEmpty)
            #expect(try dispatching.allDeadLetters().isEmpty)
        }
    }

    /// Nothing of the old pool is sent out, all of the new one is. Truck 1 is busy, whether or not it is in the pool.
    private static func expectOnly(_ truck: Int64, _ dispatching: Dispatching, round: String) throws {
        let outcomes = try ["a", "b", "c"].map { try dispatching.answer(to: CommandText.dispatch("\(round)-\($0)", 1)) }
        #expect(outcomes.map(\.status) == ["reassigned", "rejected", "rejected"], "\(outcomes)")
        #expect(outcomes.first?.assigned?.int64Value == truck, "\(outcomes)")
    }

    /// What is asked for is busy while its command is active, and unknown from then on.
    @Test func aResourceThatLeavesThePoolOnItsWayIsBusyUntilItIsBack() async throws {
        try await Self.play { dispatching, bridge, pool in
            try dispatching.deleteTruck(1)
            // Heard of in this order.
            try dispatching.insertTrucks([7])
            try Self.wait(forFree: 3...3, bridge)
            let outcomes = try dispatching.answers(to: [
                CommandText.dispatch("a", 1), CommandText.dispatch("b", "\"1\""), CommandText.complete("r", "c-0"),
                CommandText.dispatch("d", 1), CommandText.dispatch("e", 999),
            ])
            let answers = Dictionary(uniqueKeysWithValues: outcomes.map { ($0.id, $0) })
            for id in ["a", "b"] {
                #expect(answers[id]?.status == "reassigned" && answers[id]?.attempts == 2, "\(outcomes)")
                #expect(answers[id]?.message.hasPrefix("Truck #1 is currently performing a shipment. ") == true, "\(outcomes)")
            }
            #expect(answers["r"]?.message == "Truck #1 is free again.")
            #expect(answers["d"]?.message == "Truck #1 is not in the pool.")
            #expect(answers["e"]?.message == "Truck #999 is not in the pool.")
        }
    }

    @Test(arguments: [nil, "2"])
    func aPoolThatIsReplacedIsReadAgain(database: String?) async throws {
        try await Self.play(poolIn: database) { dispatching, bridge, pool in
            let scene = dispatching.scene
            try scene.insert([["_id": 101]], into: "new", of: pool.database)
            try scene.command(
                ["aggregate": "new", "pipeline": [["$out": .string(pool.collection)]], "cursor": [:]], on: pool.database)
            try Self.wait(forFree: 1...1, bridge)
            try Self.expectOnly(101, dispatching, round: "out")

            try scene.insert([["_id": 201]], into: "other", of: pool.database)
            try scene.command(
                [
                    "renameCollection": .string("\(pool.database).other"), "to": .string("\(pool)"), "dropTarget": true,
                ], on: "admin")
            try Self.wait(forFree: 1...1, bridge)
            try Self.expectOnly(201, dispatching, round: "renamed")
        }
    }

    @Test(arguments: ["drop", "rename", "dropDatabase"])
    func aPoolThatGoesAndComesBackIsReadAgain(how: String) async throws {
        try await Self.play(poolIn: "2") { dispatching, bridge, pool in
            let scene = dispatching.scene
            switch how {
            case "drop": try scene.command(["drop": .string(pool.collection)], on: pool.database)
            case "rename":
                try scene.command(
                    ["renameCollection": .string("\(pool)"), "to": .string("\(pool.database).parked")], on: "admin")
            default: try scene.command(["dropDatabase": 1, "writeConcern": ["w": "majority"]], on: pool.database)
            }
            try Self.wait(forFree: 0...0, bridge)
            #expect(try dispatching.answer(to: CommandText.dispatch("gone", 1)).status == "rejected")
            try dispatching.insertTrucks([301])
            try Self.wait(forFree: 1...1, bridge)
            try Self.expectOnly(301, dispatching, round: "back")
        }
    }

    /// Its documents go with the collection, and what they held is free. Nothing is answered before there is a guard
    /// again.
    @Test func aCollectionThatIsDroppedFreesEverything() async throws {
        try await Self.play { dispatching, bridge, _ in
            try dispatching.scene.command(["drop": .string(dispatching.settings.collection.collection)])
            try Self.wait(forFree: 3...3, bridge)
            try dispatching.scene.log.wait(for: "made the unique index on truck_id", count: 2)
            let outcomes = try (1...4).map { try dispatching.answer(to: CommandText.dispatch("d-\($0)", 1)) }
            #expect(outcomes.map(\.status) == ["dispatched", "reassigned", "reassigned", "rejected"])
        }
    }

    /// No change stream tells what a view shows.
    @Test func aViewIsAskedWhenItIsNeeded() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: nil) {
                $0.resource.pool = Namespace(database: scene.database, collection: "fit")
            }
            try scene.insert([["_id": 1, "fit": true], ["_id": 2, "fit": true], ["_id": 3, "fit": false]], into: "trucks")
            try scene.command(["create": "fit", "viewOn": "trucks", "pipeline": [["$match": ["fit": true]]]])
            let bridge = try scene.bridge(dispatching)
            try scene.log.wait(for: "\(scene.database).fit is a view")
            #expect(try dispatching.answer(to: CommandText.dispatch("a", 1)).status == "dispatched")
            try scene.update(2, ["$set": ["fit": false]], in: "trucks")
            #expect(try dispatching.answer(to: CommandText.dispatch("b", 1)).status == "rejected")
            try scene.update(3, ["$set": ["fit": true]], in: "trucks")
            #expect(try dispatching.answer(to: CommandText.dispatch("c", 1)).assigned == 3)
            #expect(try bridge.stop().isEmpty)
        }
    }
}
