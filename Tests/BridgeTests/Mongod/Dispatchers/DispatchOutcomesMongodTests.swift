import Foundation
import Logging
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// What commands are answered, and what they leave behind (contract, section 5).
@Suite struct DispatchOutcomesMongodTests {
    private struct Row {
        let command: String
        let status: String
        var requested: BSONValue? = 4
        var assigned: BSONValue?
        var attempts: Int64 = 1
        let message: String
    }

    /// Every row of the contract's table but the ones without a pool and of malformed commands, in an order that makes
    /// them happen.
    private static let table = [
        Row(command: CommandText.complete("r-0", "c-1"), status: "rejected", requested: nil, message: "No active shipment c-1."),
        Row(command: CommandText.dispatch("c-1", 4), status: "dispatched", assigned: 4, message: "Truck #4 has been sent out."),
        Row(
            command: CommandText.dispatch("c-2", 4), status: "reassigned", assigned: 48, attempts: 2,
            message: "Truck #4 is currently performing a shipment. Truck #48 has been sent out instead."),
        Row(
            command: CommandText.dispatch("c-3", 4), status: "rejected",
            message: "Truck #4 is currently performing a shipment. Could not find another truck."),
        Row(
            command: CommandText.dispatch("c-4", 4, CommandText.past), status: "rejected", attempts: 0,
            message: "Command c-4 expired at 2020-01-31T00:00:00.000Z."),
        Row(
            command: CommandText.complete("r-1", "c-1", CommandText.past), status: "rejected", requested: nil, attempts: 0,
            message: "Command r-1 expired at 2020-01-31T00:00:00.000Z."),
        Row(
            command: CommandText.complete("r-2", "c-1", CommandText.future), status: "completed", requested: nil, assigned: 4,
            message: "Truck #4 is free again."),
        Row(command: CommandText.complete("r-3", "c-1"), status: "rejected", requested: nil, message: "No active shipment c-1."),
        Row(command: CommandText.complete("r-4", "c-3"), status: "rejected", requested: nil, message: "No active shipment c-3."),
        Row(command: CommandText.complete("r-5", "nobody"), status: "rejected", requested: nil, message: "No active shipment nobody."),
        Row(
            command: CommandText.dispatch("c-5", 4, CommandText.future), status: "dispatched", assigned: 4,
            message: "Truck #4 has been sent out."),
        Row(
            command: CommandText.complete("r-6", "c-2"), status: "completed", requested: nil, assigned: 48,
            message: "Truck #48 is free again."),
        Row(
            command: CommandText.dispatch("c-6", 99), status: "rejected", requested: 99, attempts: 0,
            message: "Truck #99 is not in the pool."),
    ]

    private static func expect(_ outcomes: [TestOutcome], _ rows: [Row], sourceLocation: SourceLocation = #_sourceLocation) {
        for (row, outcome) in zip(rows, outcomes) {
            #expect(outcome.status == row.status, "\(outcome)", sourceLocation: sourceLocation)
            #expect(outcome.message == row.message, sourceLocation: sourceLocation)
            #expect(outcome.requested == row.requested, "\(outcome)", sourceLocation: sourceLocation)
            #expect(outcome.assigned == row.assigned, "\(outcome)", sourceLocation: sourceLocation)
            // One more is no fault: the hint may be a moment old.
            #expect(outcome.attempts >= row.attempts, "\(outcome)", sourceLocation: sourceLocation)
        }
    }

    @Test func everySituationHasItsOutcomeAndTheSameCommandAlwaysTheSameOne() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4, 48], partitions: 2)
            var bridge = try scene.bridge(dispatching)
            let commands = Self.table.map(\.command)
            // One by one: what each is answered rests on what those before it have done, whatever is carried out
            // together.
            let outcomes = try commands.map { try dispatching.answer(to: $0) }
            Self.expect(outcomes, Self.table)
            let at = outcomes[1].at
            #expect(
                outcomes[1].text
                    == #"{"id":"c-1","status":"dispatched","requested":4,"assigned":4,"attempts":1,"message":"Truck #4 has been sent out.","at":"\#(at)"}"#
            )
            #expect(
                outcomes[0].text
                    == #"{"id":"r-0","status":"rejected","requested":null,"assigned":null,"attempts":1,"message":"No active shipment c-1.","at":"\#(outcomes[0].at)"}"#
            )
            #expect(at.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
            let shipments = try dispatching.shipments()
            #expect(shipments.count == commands.count)

            // The same commands again change nothing: in the same partition, in another one, one by one, backwards, and
            // after a restart.
            #expect(try dispatching.answers(to: commands) == outcomes)
            #expect(try dispatching.answers(to: commands.reversed(), partition: 1) == outcomes.reversed())
            #expect(try dispatching.answer(to: commands[2], partition: 1) == outcomes[2])
            // An expired command that was carried out in time, and one with other fields: the id alone says which
            // command it is.
            #expect(try dispatching.answer(to: CommandText.dispatch("c-1", 48, CommandText.past)) == outcomes[1])
            #expect(try dispatching.answer(to: CommandText.complete("c-3", "c-5")) == outcomes[3])
            #expect(try dispatching.answer(to: CommandText.dispatch("r-2", 5)) == outcomes[6])
            #expect(try dispatching.shipments() == shipments)
            let counts = try bridge.status(ofDispatcher: "shipments")
            #expect(counts.answered == 3 * commands.count + 4)
            #expect(counts.deadLetters == 0)
            #expect(try bridge.stop().isEmpty)

            bridge = try scene.bridge(dispatching)
            #expect(try dispatching.answers(to: commands, partition: 1) == outcomes)
            #expect(try dispatching.shipments() == shipments)
            #expect(try bridge.stop().isEmpty)
            #expect(try dispatching.expectConsistent(Set(outcomes.map(\.id))) == 3 * commands.count + 4)
            #expect(scene.log.lines(containing: "retrying: ").isEmpty)
        }
    }

    @Test func commandsThatComeTogetherAreAnsweredLikeThoseThatComeOneByOne() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4, 48])
            // Without the one for another truck, which need not wait for those before it.
            let rows = Self.table.filter { !$0.command.contains("\"truck_id\":99") }
            // All of them are there before the dispatcher is, so they come to it as one batch.
            try dispatching.send(rows.map(\.command))
            let bridge = try scene.bridge(dispatching)
            let outcomes = try dispatching.outcomes(count: rows.count)
            #expect(outcomes.map(\.id) == ["r-0", "c-1", "c-2", "c-3", "c-4", "r-1", "r-2", "r-3", "r-4", "r-5", "c-5", "r-6"])
            Self.expect(outcomes, rows)
            #expect(try bridge.stop().isEmpty)
            #expect(try dispatching.expectConsistent(outcomes.map(\.id)) == 0)
        }
    }

    @Test func aTruckThatBecomesFreeWhileItsCommandWaitsIsSentOut() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4, 9])
            try dispatching.send([
                CommandText.dispatch("c-0", 9), CommandText.dispatch("c-1", 9),
                // Ends nothing yet, and so begins what follows one round later.
                CommandText.complete("r-0", "c-2"), CommandText.complete("r-1", "c-1", CommandText.past),
                CommandText.complete("r-2", "c-1"), CommandText.dispatch("c-2", 4),
            ])
            let bridge = try scene.bridge(dispatching)
            let outcomes = try dispatching.outcomes(count: 6)
            #expect(outcomes.map(\.status) == ["dispatched", "reassigned", "rejected", "rejected", "completed", "dispatched"])
            #expect(outcomes.last?.message == "Truck #4 has been sent out.")
            #expect(outcomes.last?.assigned == 4)
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test func documentsAreTheCommandsFieldsAndWhereTheyCameFrom() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4, 48], partitions: 2)
            let bridge = try scene.bridge(dispatching)
            let outcomes = try dispatching.answers(
                to: [
                    CommandText.dispatch("c-1", 4), CommandText.dispatch("c-2", 4), CommandText.dispatch("c-3", 4),
                    CommandText.complete("r-1", "c-1"), CommandText.complete("r-2", "c-1"),
                ], partition: 1)
            // A command without an id is named by where it stands.
            let nameless = try dispatching.answer(
                to: #"{"truck_id":4,"source":"a\"$b","destination":"","product":"{\"$set\":1}","quantity":9007199254740993}"#, partition: 1)
            #expect(nameless.id == "\(dispatching.settings.commands)/1/5")
            #expect(nameless.status == "dispatched")
            let documents = try dispatching.shipments()
            let records = try scene.records(dispatching.settings.commands, partitions: 2)

            func tail(_ id: String, _ offset: Int64, _ status: String, _ time: String) throws -> [(String, BSONValue)] {
                let stored = try #require(documents[id]?["outcome"])
                let outcome = try #require((outcomes + [nameless]).first { $0.id == id })
                let at = try #require(stored.documentValue?["at"])
                var expected: BSONDocument = ["status": .string(outcome.status)]
                if let requested = outcome.requested { expected.append("requested", requested) }
                if let assigned = outcome.assigned { expected.append("assigned", assigned) }
                expected.append("attempts", .int32(Int32(outcome.attempts)))
                expected.append("message", .string(outcome.message))
                expected.append("at", at)
                #expect(stored == .document(expected))
                #expect(StoredPosition.iso8601(milliseconds: at.dateValue ?? 0) == outcome.at)
                return [
                    ("status", .string(status)), (time, at), ("writer", .string(Instance.uniqueName)),
                    ("command", try origin(id, offset)),
                    ("outcome", stored),
                ]
            }
            func origin(_ id: String, _ offset: Int64) throws -> BSONValue {
                let record = try #require(records.first { $0.partition == 1 && $0.offset == offset })
                return [
                    "topic": .string(dispatching.settings.commands), "partition": 1, "offset": .int64(offset),
                    "timestamp": .date(milliseconds: try #require(record.timestamp)),
                ]
            }
            func head(_ id: String) -> [(String, BSONValue)] {
                [
                    ("_id", .string(id)), ("source", "New York"), ("destination", "Atlanta"), ("product", "socks"), ("quantity", 40),
                    ("requested_truck_id", 4),
                ]
            }
            #expect(
                documents["c-2"]
                    == BSONDocument(fields: head("c-2") + [("truck_id", 48)] + (try tail("c-2", 1, "active", "dispatched_at"))))
            #expect(documents["c-3"] == BSONDocument(fields: head("c-3") + (try tail("c-3", 2, "rejected", "rejected_at"))))
            // An ended one keeps its resource, and says who ended it.
            let end = try #require(documents["r-1"]?["completed_at"])
            #expect(
                documents["c-1"]
                    == BSONDocument(
                        fields: head("c-1") + [("truck_id", 4)] + (try tail("c-1", 0, "completed", "dispatched_at"))
                            + [("completed_at", end), ("completed_by", "r-1"), ("completed_writer", .string(Instance.uniqueName))]))
            #expect(
                documents["r-1"]
                    == BSONDocument(
                        fields: [("_id", "r-1"), ("complete", "c-1")] + (try tail("r-1", 3, "completion", "completed_at"))))
            #expect(
                documents["r-2"]
                    == BSONDocument(fields: [("_id", "r-2"), ("complete", "c-1")] + (try tail("r-2", 4, "rejected", "rejected_at"))))
            // Values are values.
            let odd = try #require(documents[nameless.id])
            #expect(odd["source"] == "a\"$b")
            #expect(odd["destination"] == "")
            #expect(odd["product"] == #"{"$set":1}"#)
            #expect(odd["quantity"] == .int64(9_007_199_254_740_993))
            // What tells its record from another one at the same place.
            #expect(odd["command"]?.documentValue?.keys == ["topic", "partition", "offset", "timestamp", "digest"])
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test func aPoolMayBeLeftOutOrBeInAnotherDatabaseAndResourcesMayBeTexts() async throws {
        try await Scene.play { scene in
            let poolless = try Dispatching(scene, "poolless", trucks: nil)
            let named = try Dispatching(scene, "named", trucks: ["north-7", "north-10", "south-1", "öst"]) {
                $0.resource.choose = .lowest
                $0.resource.label = "Van"
            }
            let lowest = try Dispatching(scene, "lowest", trucks: [30, 2, 100, 1, .int64(1 << 40)]) { $0.resource.choose = .lowest }
            let far = try Dispatching(scene, "far", trucks: Dispatching.trucks(1...3)) {
                $0.resource.pool = Namespace(database: "\(scene.database)-far", collection: "trucks")
            }
            defer { _ = try? scene.command(["dropDatabase": 1], on: "\(scene.database)-far") }
            let bridge = try scene.bridge(poolless, named, lowest, far)

            let lonely = try poolless.answers(to: [CommandText.dispatch("c-1", 4), CommandText.dispatch("c-2", 4)])
            #expect(lonely.map(\.status) == ["dispatched", "rejected"])
            #expect(lonely[1].message == "Truck #4 is currently performing a shipment. Please select another truck.")
            #expect(try poolless.answer(to: CommandText.complete("r-1", "c-1")).message == "Truck #4 is free again.")
            #expect(try poolless.answer(to: CommandText.dispatch("c-3", 4)).status == "dispatched")
            #expect(try poolless.answer(to: CommandText.dispatch("c-2", 4)) == lonely[1])

            let vans = try named.answers(to: (1...5).map { CommandText.dispatch("c-\($0)", #""north-7""#) })
            #expect(vans.map(\.assigned) == ["north-7", "north-10", "south-1", "öst", nil])
            #expect(vans[1].message == "Van #north-7 is currently performing a shipment. Van #north-10 has been sent out instead.")
            #expect(vans[4].message == "Van #north-7 is currently performing a shipment. Could not find another van.")
            #expect(try named.answer(to: CommandText.complete("r-1", "c-1")).message == "Van #north-7 is free again.")
            #expect(try named.answer(to: CommandText.dispatch("c-6", 7)).message == "Van #7 is not in the pool.")

            let trucks = try lowest.answers(to: (1...6).map { CommandText.dispatch("c-\($0)", "1.0e0") })
            #expect(trucks.map(\.assigned) == [1, 2, 30, 100, .int64(1 << 40), nil])
            #expect(trucks.map(\.requested) == Array(repeating: 1, count: 6))
            #expect(try lowest.answers(to: [CommandText.complete("r-1", "c-4"), CommandText.complete("r-2", "c-2")]).count == 2)
            #expect(try lowest.answers(to: [CommandText.dispatch("c-7", 1), CommandText.dispatch("c-8", 1)]).map(\.assigned) == [2, 100])

            let distant = try far.answers(to: (1...4).map { CommandText.dispatch("c-\($0)", 2) })
            #expect(distant.map(\.status) == ["dispatched", "reassigned", "reassigned", "rejected"])
            #expect(Set(distant.compactMap(\.assigned)) == [1, 2, 3])
            #expect(try far.answer(to: CommandText.complete("r-1", "c-1")).status == "completed")
            #expect(try far.answer(to: CommandText.dispatch("c-5", 1)).assigned == 2)

            #expect(try bridge.stop().isEmpty)
            for dispatching in [poolless, named, lowest, far] {
                try dispatching.expectConsistent(Set(try dispatching.allOutcomes().map(\.id)))
            }
            #expect(scene.log.lines(containing: "retrying: ").isEmpty)
            #expect(scene.log.all.filter { $0.level >= .warning }.isEmpty, "\(scene.log.all)")
        }
    }

    @Test func aCompletionThatCameTooEarlyStaysRejected() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4], partitions: 2)
            let bridge = try scene.bridge(dispatching)
            let early = try dispatching.answer(to: CommandText.complete("r-1", "c-1"))
            #expect(early.message == "No active shipment c-1.")
            #expect(try dispatching.answer(to: CommandText.dispatch("c-1", 4)).status == "dispatched")
            #expect(try dispatching.answer(to: CommandText.complete("r-1", "c-1")) == early)
            #expect(try dispatching.answer(to: CommandText.complete("r-1", "c-1"), partition: 1) == early)
            #expect(try dispatching.shipments()["c-1"]?["status"] == "active")
            // Another one ends it.
            let answers = try dispatching.answers(to: [CommandText.complete("r-1", "c-1"), CommandText.complete("r-2", "c-1")])
            #expect(answers.map(\.status) == ["rejected", "completed"])
            // A command that ends itself ends nothing.
            #expect(try dispatching.answer(to: CommandText.complete("r-3", "r-3")).message == "No active shipment r-3.")
            #expect(try bridge.stop().isEmpty)
        }
    }
}
