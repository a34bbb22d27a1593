import Foundation
import Mongo
import Testing

@testable import StreamBridge

/// The unique index that guards the resources: made, found, or missed with the reason.
@Suite struct DispatchIndexMongodTests {
    private static func indexes(of dispatching: Dispatching) throws -> [BSONDocument] {
        let reply = try dispatching.scene.command(["listIndexes": .string(dispatching.settings.collection.collection)])
        return reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.compactMap(\.documentValue) ?? []
    }

    private static func makeIndex(_ index: BSONDocument, of dispatching: Dispatching) throws {
        try dispatching.scene.command([
            "createIndexes": .string(dispatching.settings.collection.collection), "indexes": [.document(index)],
        ])
    }

    @Test func theIndexIsMadeWhereItIsMissingAndTakenWhereItIsThere() async throws {
        try await Scene.play { scene in
            let fresh = try Dispatching(scene, "fresh", trucks: [4])
            let equivalent = try Dispatching(scene, "equivalent", trucks: [4])
            try Self.makeIndex(
                ["key": ["truck_id": -1], "name": "mine", "unique": true, "partialFilterExpression": ["status": ["$eq": "active"]]],
                of: equivalent)
            // Others on the field do not count and do no harm.
            let beside = try Dispatching(scene, "beside", trucks: [4])
            try Self.makeIndex(["key": ["truck_id": 1], "name": "plain"], of: beside)
            try Self.makeIndex(["key": ["truck_id": 1, "quantity": 1], "name": "two"], of: beside)
            let bridge = try scene.bridge(fresh, equivalent, beside)
            for dispatching in [fresh, equivalent, beside] {
                let second = CommandText.dispatch("c-2", 4).replacing("40}", with: "41}")
                let outcomes = try dispatching.answers(to: [CommandText.dispatch("c-1", 4), second])
                #expect(outcomes.map(\.status) == ["dispatched", "rejected"], "\(dispatching.settings.name)")
            }
            #expect(try bridge.stop().isEmpty)
            let made = try #require(try Self.indexes(of: fresh).first { $0["name"] == "truck_id_active" })
            #expect(made["key"] == ["truck_id": 1])
            #expect(made["unique"] == true)
            #expect(made["partialFilterExpression"] == ["status": "active"])
            #expect(try Self.indexes(of: equivalent).count == 2)
            #expect(try Self.indexes(of: beside).count == 4)
            #expect(scene.log.lines(containing: "made the unique index on truck_id").count == 2)
        }
    }

    /// Under these every document needs a value of its own in the field, ended and rejected ones, too.
    @Test(arguments: [false, true])
    func aPlainUniqueIndexWillDo(isSparse: Bool) async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4, 48])
            try Self.makeIndex(["key": ["truck_id": 1], "name": "one", "unique": true, "sparse": .boolean(isSparse)], of: dispatching)
            let poolless = try Dispatching(scene, "poolless", trucks: nil)
            try Self.makeIndex(["key": ["truck_id": 1], "name": "one", "unique": true, "sparse": .boolean(isSparse)], of: poolless)
            let bridge = try scene.bridge(dispatching, poolless)
            let commands = [
                CommandText.dispatch("c-1", 4), CommandText.dispatch("c-2", 4), CommandText.dispatch("c-3", 4),
                CommandText.dispatch("c-4", 48), CommandText.complete("r-1", "c-1"), CommandText.complete("r-2", "c-1"),
                CommandText.complete("r-3", "c-3"), CommandText.complete("r-4", "c-2"), CommandText.dispatch("c-5", 4),
                CommandText.dispatch("c-6", 48), CommandText.dispatch("c-7", 48, CommandText.past), CommandText.dispatch("c-8", 48),
            ]
            let outcomes = try commands.map { try dispatching.answer(to: $0) }
            #expect(
                outcomes.map(\.status)
                    == [
                        "dispatched", "reassigned", "rejected", "rejected", "completed", "rejected", "rejected", "completed", "dispatched",
                        "dispatched", "rejected", "rejected",
                    ])
            #expect(outcomes[4].message == "Truck #4 is free again.")
            #expect(outcomes[7].message == "Truck #48 is free again.")
            let shipments = try dispatching.shipments()
            #expect(try dispatching.answers(to: commands) == outcomes)
            #expect(try dispatching.shipments() == shipments)
            // The outcome remembers what an ended one had.
            #expect(shipments["c-1"]?["truck_id"] == ["inactive": "c-1"])
            #expect(shipments["c-1"]?["outcome"]?.documentValue?["assigned"] == 4)
            #expect(shipments["c-3"]?["truck_id"] == ["inactive": "c-3"])
            #expect(shipments["r-2"]?["truck_id"] == ["inactive": "r-2"])

            let lonely = try poolless.answers(to: [
                CommandText.dispatch("c-1", 4), CommandText.dispatch("c-2", 4), CommandText.dispatch("c-3", 4),
                CommandText.complete("r-1", "c-1"), CommandText.dispatch("c-4", 4),
            ])
            #expect(lonely.map(\.status) == ["dispatched", "rejected", "rejected", "completed", "dispatched"])
            #expect(try bridge.stop().isEmpty)
            try dispatching.expectConsistent(outcomes.map(\.id))
            #expect(try dispatching.allDeadLetters().isEmpty)
            #expect(try poolless.allDeadLetters().isEmpty)
        }
    }

    @Test func whatKeepsTheIndexFromBeingMadeHaltsTheDispatcherAlone() async throws {
        try await Scene.play { scene in
            let healthy = try Dispatching(scene, "healthy", trucks: [4])
            let doubled = try Dispatching(scene, "doubled", trucks: [4])
            try scene.insert([["truck_id": 4, "status": "active"], ["truck_id": 4, "status": "active"]], into: "doubled")
            // Its name is taken by another index.
            let taken = try Dispatching(scene, "taken", trucks: [4])
            try Self.makeIndex(
                ["key": ["truck_id": 1], "name": "truck_id_active", "partialFilterExpression": ["status": "done"]], of: taken)
            let bridge = try scene.bridge(healthy, doubled, taken)
            try scene.log.wait(for: "halted: ", count: 2)
            #expect(try bridge.status(ofDispatcher: "doubled").state == .halted)
            #expect(try healthy.answer(to: CommandText.dispatch("c-1", 4)).status == "dispatched")
            let halts = try bridge.stop()
            #expect(halts.map(\.status) == [.configuration, .configuration])
            func command(_ name: String) -> String {
                #"db.getSiblingDB("\#(scene.database)").getCollection("\#(name)").createIndex({"truck_id": 1}, "#
                    + #"{name: "truck_id_active", unique: true, partialFilterExpression: {status: "active"}})"#
            }
            let first = try #require(halts.first { $0.reason.contains(".doubled ") })
            #expect(
                first.reason.hasPrefix(
                    "\(scene.database).doubled has no unique index on truck_id alone, and it cannot be made, because two active documents "
                        + "have the same truck_id: "), "\(first)")
            #expect(first.remedy == "End one of them, then run: \(command("doubled"))")
            let second = try #require(halts.first { $0.reason.contains(".taken ") })
            #expect(
                second.reason.hasPrefix(
                    "\(scene.database).taken has no unique index on truck_id alone: index truck_id_active is not unique"),
                "\(second)")
            #expect(second.remedy.hasSuffix(command("taken")))
        }
    }

    @Test func anAccountThatMayNotMakeTheIndexIsToldTheCommand() async throws {
        try await GuardedMongod.play { guarded in
            let scene = guarded.scene
            let dispatching = try Dispatching(scene, trucks: [4, 48])
            func may(_ actions: [BSONValue], _ collection: String) -> BSONValue {
                ["resource": ["db": .string(scene.database), "collection": .string(collection)], "actions": .array(actions)]
            }
            let minimum = [
                may(["find", "insert", "update", "listIndexes"], "shipments"), may(["find"], "shipments-trucks"),
            ]
            for (name, privileges) in [
                ("least", minimum), ("reader", [may(["find", "listIndexes"], "shipments")]),
            ] {
                try guarded.createAccount(name, privileges: privileges)
            }

            let missing = try scene.bridge(dispatching) { $0.mongodb.uri = guarded.uri(as: "least:pw") }.halts()
            #expect(missing.map(\.status) == [.configuration])
            #expect(
                missing.first?.reason
                    == "\(scene.database).shipments has no unique index on truck_id alone, and the account may not make it")
            #expect(
                missing.first?.remedy
                    == #"Grant it createIndex on \#(scene.database).shipments (`bridge grants mongodb --with-index` prints the role), or run: db.getSiblingDB("\#(scene.database)").getCollection("shipments").createIndex({"truck_id": 1}, {name: "truck_id_active", unique: true, partialFilterExpression: {status: "active"}})"#
            )
            // A user with the right makes it, and then the least is enough: free trucks are looked up where they cannot
            // be followed.
            try Self.makeIndex(
                [
                    "key": ["truck_id": 1], "name": "truck_id_active", "unique": true, "partialFilterExpression": ["status": "active"],
                ], of: dispatching)
            let bridge = try scene.bridge(dispatching) { $0.mongodb.uri = guarded.uri(as: "least:pw") }
            let outcomes = try dispatching.answers(to: [
                CommandText.dispatch("c-1", 4), CommandText.dispatch("c-2", 4), CommandText.dispatch("c-3", 4),
                CommandText.complete("r-1", "c-1"), CommandText.dispatch("c-4", 4),
            ])
            #expect(outcomes.map(\.status) == ["dispatched", "reassigned", "rejected", "completed", "dispatched"])
            try scene.log.wait(for: "free resources are looked up when they are needed, because they cannot be followed: ")
            #expect(try bridge.stop().isEmpty)
            #expect(scene.log.lines(containing: "retrying: ").isEmpty)

            // One that may not write halts at the first command, which is answered when it may.
            try dispatching.send([CommandText.dispatch("c-5", 48)])
            let halts = try scene.bridge(dispatching) { $0.mongodb.uri = guarded.uri(as: "reader:pw") }.halts()
            #expect(
                halts.map(\.remedy)
                    == [
                        "Grant the account find, insert, listIndexes, update on \(scene.database).shipments, and find on "
                            + "\(scene.database).shipments-trucks: `bridge grants mongodb` prints a role with what this configuration needs"
                    ])
            let last = try scene.bridge(dispatching) { $0.mongodb.uri = guarded.uri(as: "least:pw") }
            #expect(try dispatching.outcomes(count: 6).last?.status == "rejected")
            #expect(try last.stop().isEmpty)
            #expect(try dispatching.allDeadLetters().isEmpty)
        }
    }
}
