import Mongo
import Testing

@testable import StreamBridge

/// Others write to the shipments and to the pool, too: what the dispatcher believes to be free is only a hint.
@Suite struct DispatchPoolMongodTests {
    private static func active(_ id: String, _ truck: BSONValue) -> BSONDocument {
        ["_id": .string(id), "truck_id": truck, "status": "active"]
    }

    private static func expectStrangersAreRespected(_ dispatching: Dispatching) throws {
        let scene = dispatching.scene
        let collection = dispatching.settings.collection.collection
        func answer(_ id: String, _ truck: Int) throws -> TestOutcome { try dispatching.answer(to: CommandText.dispatch(id, truck)) }

        // Strangers hold 1 and 2 of 1…3.
        try scene.insert([active("x-1", 1), active("x-2", 2)], into: collection)
        #expect(try answer("c-1", 1).assigned == 3)
        #expect(try answer("c-2", 1).message == "Truck #1 is currently performing a shipment. Could not find another truck.")

        // One of them ends, another one's document goes.
        try scene.update("x-1", ["$set": ["status": "completed"]], in: collection)
        #expect(try answer("c-3", 3).assigned == 1)
        try scene.delete("x-2", from: collection)
        #expect(try answer("c-4", 3).assigned == 2)
        #expect(try answer("c-5", 3).status == "rejected")

        // A stranger's shipment can be ended by a command, like any other that is active.
        try scene.insert([active("x-3", 9)], into: collection)
        let end = try dispatching.answer(to: CommandText.complete("r-1", "x-3"))
        #expect(end.message == "Truck #9 is free again.")
        #expect(try dispatching.shipments()["x-3"]?["completed_by"] == "r-1")

        // The pool grows and shrinks. Of what has just left it the dispatcher hears a moment later.
        try dispatching.insertTrucks([11])
        #expect(try answer("c-6", 3).assigned == 11)
        #expect(try answer("c-7", 3).status == "rejected")
        #expect(try dispatching.answer(to: CommandText.complete("r-2", "c-6")).status == "completed")
        try dispatching.deleteTruck(11)
        var attempt = 0
        while try answer("d-\(attempt)", 3).status != "rejected" {
            #expect(try dispatching.answer(to: CommandText.complete("e-\(attempt)", "d-\(attempt)")).status == "completed")
            attempt += 1
            try #require(attempt < 1000, "a truck that has left the pool is sent out again and again")
        }
        // Nor is it when it is asked for.
        #expect(try answer("c-9", 11).message == "Truck #11 is not in the pool.")
    }

    @Test func whatOthersDoIsRespectedWhetherTheDispatcherHasHeardOfItOrNot() async throws {
        try await Scene.play { scene in
            let random = try Dispatching(scene, "random", trucks: Dispatching.trucks(1...3))
            let lowest = try Dispatching(scene, "lowest", trucks: Dispatching.trucks(1...3)) { $0.resource.choose = .lowest }
            let bridge = try scene.bridge(random, lowest)
            for dispatching in [random, lowest] { try Self.expectStrangersAreRespected(dispatching) }
            #expect(try bridge.stop().isEmpty)
            #expect(scene.log.lines(containing: "retrying: ").isEmpty)
        }
    }

    /// The hint hears of what others do a moment later, and until then calls a truck busy that is free.
    @Test func aTruckThatSeemsBusyIsOfferedAllTheSame() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            let dispatching = try Dispatching(scene, trucks: [1, 2])
            let bridge = try scene.bridge(dispatching)
            try scene.insert([Self.active("x-1", 1)], into: "shipments")
            #expect(try dispatching.answer(to: CommandText.dispatch("c-1", 1)).assigned == 2)
            #expect(try dispatching.answer(to: CommandText.complete("r-1", "c-1")).status == "completed")
            // What comes now is not heard for a while.
            try FailPoint.fail(["getMore"], times: nil, with: ["blockConnection": true, "blockTimeMS": 10_000], on: scene)
            try scene.command(["waitForFailPoint": "failCommand", "timesEntered": 1, "maxTimeMS": 60_000], on: "admin")
            try scene.update("x-1", ["$set": ["status": "completed"]], in: "shipments")
            #expect(try dispatching.answer(to: CommandText.dispatch("c-2", 1)).message == "Truck #1 has been sent out.")
            try FailPoint.end(on: scene)
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test func aThousandConflictsFindAThousandTrucks() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...1000), partitions: 4)
            let bridge = try scene.bridge(dispatching)
            // All want the same truck; then nothing is free.
            try dispatching.spread((1...1100).map { CommandText.dispatch("c-\($0)", 500) })
            let outcomes = try dispatching.outcomes(count: 1100)
            let statuses = Dictionary(grouping: outcomes, by: \.status).mapValues(\.count)
            #expect(statuses == ["dispatched": 1, "reassigned": 999, "rejected": 100])
            // Another writer ends all of them behind the dispatcher's back.
            try scene.command([
                "update": "shipments",
                "updates": [["q": ["status": "active"], "u": ["$set": ["status": "done"]], "multi": true]],
                "writeConcern": ["w": "majority"],
            ])
            try dispatching.spread((1...1100).map { CommandText.dispatch("d-\($0)", 500) })
            let later = try dispatching.outcomes(count: 2200).suffix(1100)
            #expect(Dictionary(grouping: later, by: \.status).mapValues(\.count) == statuses)
            #expect(Set(later.compactMap(\.assigned)).count == 1000)
            #expect(try bridge.stop().isEmpty)
        }
    }
}
