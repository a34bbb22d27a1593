import Foundation
import Testing

@testable import Mongo
@testable import StreamBridge

/// One resource is one in command, pool, index, outcome and sentence, whatever its type; and what is not in the pool is
/// not sent out.
@Suite struct DispatchResourcesMongodTests {
    private struct Member {
        let id: BSONValue
        /// How commands may name it, as JSON.
        let names: [String]
        /// How sentences name it.
        let text: String
        /// How outcomes have it.
        let json: String
    }

    private static func members() throws -> [Member] {
        let id = try #require(BSONObjectID("64b000000000000000000001"))
        return [
            Member(id: .double(4), names: ["4", "4.0", #"{"$numberDecimal":"4.00"}"#, #""4""#], text: "4", json: "4"),
            Member(
                id: .int64(1 << 40), names: ["1099511627776", #"{"$numberLong":"1099511627776"}"#], text: "1099511627776",
                json: "1099511627776"),
            Member(id: try SampleValues.decimal("2.50"), names: ["2.5", "25e-1", #"{"$numberDecimal":"2.5"}"#], text: "2.5", json: "2.5"),
            Member(
                id: try SampleValues.decimal("0.10"), names: [#"{"$numberDecimal":"0.1"}"#, #""0.1""#, "0.1"], text: "0.1", json: #""0.1""#),
            Member(id: "north-7", names: [#""north-7""#, #""north\u002d7""#], text: "north-7", json: #""north-7""#),
            Member(id: .symbol("old"), names: [#""old""#], text: "old", json: #""old""#),
            Member(
                id: .objectID(id), names: [#""64b000000000000000000001""#, #"{"$oid":"64b000000000000000000001"}"#],
                text: "64b000000000000000000001", json: #""64b000000000000000000001""#),
            Member(
                id: .binary(subtype: 4, bytes: Array(0..<16)),
                names: [#""00010203-0405-0607-0809-0a0b0c0d0e0f""#, #"{"$uuid":"00010203-0405-0607-0809-0a0b0c0d0e0f"}"#],
                text: "00010203-0405-0607-0809-0a0b0c0d0e0f", json: #""00010203-0405-0607-0809-0a0b0c0d0e0f""#),
            Member(
                id: .binary(subtype: 5, bytes: [1, 2, 3]), names: [#"{"$binary":{"base64":"AQID","subType":"05"}}"#], text: "AQID",
                json: #""AQID""#),
            Member(
                id: .date(milliseconds: 1_769_817_600_000),
                names: [#""2026-01-31T00:00:00.000Z""#, #"{"$date":"2026-01-31T00:00:00Z"}"#], text: "2026-01-31T00:00:00.000Z",
                json: #""2026-01-31T00:00:00.000Z""#),
            Member(id: true, names: ["true", #""true""#], text: "true", json: "true"),
        ]
    }

    @Test func aResourceOfAnyTypeIsOneHoweverItIsNamed() async throws {
        try await Scene.play { scene in
            let members = try Self.members()
            let dispatching = try Dispatching(scene, trucks: members.map(\.id))
            let spare: BSONValue = "spare"
            let bridge = try scene.bridge(dispatching)
            var holders: [String] = []
            var number = 0
            func next() -> String {
                number += 1
                return "c-\(number)"
            }
            // The first name gets it, every other one finds it busy; everything else is taken, so it is rejected.
            for member in members {
                let id = next()
                let outcome = try dispatching.answer(to: CommandText.dispatch(id, member.names[0]))
                #expect(outcome.message == "Truck #\(member.text) has been sent out.")
                #expect(outcome.text.contains(#""requested":\#(member.json),"assigned":\#(member.json),"#), "\(outcome)")
                holders.append(id)
            }
            for member in members {
                for name in member.names {
                    let outcome = try dispatching.answer(to: CommandText.dispatch(next(), name))
                    #expect(
                        outcome.message == "Truck #\(member.text) is currently performing a shipment. Could not find another truck.",
                        "\(name)")
                    #expect(outcome.text.contains(#""requested":\#(member.json),"assigned":null,"#), "\(outcome)")
                }
            }
            // Another one of any type takes its place.
            for (member, holder) in zip(members, holders) {
                let end = try dispatching.answer(to: CommandText.complete("r-\(holder)", holder))
                #expect(end.message == "Truck #\(member.text) is free again.")
                let other = members.first { $0.text != member.text }?.names[0] ?? ""
                let id = next()
                let outcome = try dispatching.answer(to: CommandText.dispatch(id, other))
                #expect(outcome.message.hasSuffix("Truck #\(member.text) has been sent out instead."), "\(outcome)")
                #expect(outcome.text.contains(#""assigned":\#(member.json),"#), "\(outcome)")
                #expect(try dispatching.answer(to: CommandText.complete("r-\(id)", id)).message == end.message)
                #expect(
                    try dispatching.answer(to: CommandText.dispatch(next(), member.names.last ?? "")).message
                        == "Truck #\(member.text) has been sent out.")
            }
            // One that has just come is known, whatever the hint has heard.
            try dispatching.insertTrucks([spare])
            #expect(try dispatching.answer(to: CommandText.dispatch(next(), #""spare""#)).message == "Truck #spare has been sent out.")
            #expect(try bridge.stop().isEmpty)
            #expect(scene.log.lines(containing: "retrying: ").isEmpty)
        }
    }

    @Test func whatIsNotInThePoolIsNotSentOut() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4, "north-7"], partitions: 2)
            let empty = try Dispatching(scene, "empty", trucks: [])
            let bridge = try scene.bridge(dispatching, empty)
            let strangers: [(name: String, text: String)] = [
                ("999999", "999999"), ("4.5", "4.5"), (#""5""#, "5"), (#""north-8""#, "north-8"), (#""NORTH-7""#, "NORTH-7"),
                ("false", "false"),
                (#"{"$oid":"64b000000000000000000001"}"#, "64b000000000000000000001"),
                (#"{"$date":"2026-01-31T00:00:00Z"}"#, "2026-01-31T00:00:00.000Z"),
                (#"{"$uuid":"00010203-0405-0607-0809-0a0b0c0d0e0f"}"#, "00010203-0405-0607-0809-0a0b0c0d0e0f"),
                (#"{"$numberDecimal":"0.1"}"#, "0.1"), (#"{"$binary":{"base64":"AQID","subType":"00"}}"#, "AQID"),
            ]
            let commands = strangers.enumerated().map { CommandText.dispatch("c-\($0)", $1.name) }
            let outcomes = try dispatching.answers(to: commands)
            for (stranger, outcome) in zip(strangers, outcomes) {
                #expect(outcome.message == "Truck #\(stranger.text) is not in the pool.")
                #expect(outcome.status == "rejected" && outcome.assigned == nil && outcome.attempts == 0)
            }
            #expect(try dispatching.shipments().values.allSatisfy { $0["status"] == "rejected" && $0["truck_id"] == nil })
            #expect(try empty.answer(to: CommandText.dispatch("c-1", 4)).message == "Truck #4 is not in the pool.")
            // The answer stays, also when there is such a truck later.
            try dispatching.insertTrucks([999_999])
            #expect(try dispatching.answer(to: commands[0], partition: 1) == outcomes[0])
            #expect(try dispatching.answer(to: CommandText.dispatch("d-1", 999_999)).status == "dispatched")
            #expect(try bridge.stop().isEmpty)
            try dispatching.expectConsistent((0..<strangers.count).map { "c-\($0)" } + ["d-1"])
        }
    }

    /// What the server takes for one resource is one without a pool, too, and what it keeps apart are several.
    @Test func withoutAPoolTheIndexAloneDecides() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: nil)
            let bridge = try scene.bridge(dispatching)
            let names: [(name: String, isFree: Bool)] = [
                ("2", true), ("2.0", false), (#"{"$numberDecimal":"2.00"}"#, false), (#""2""#, true), ("2.5", true),
                (#"{"$numberDecimal":"2.50"}"#, false), (#""64b000000000000000000001""#, true),
                (#"{"$oid":"64b000000000000000000001"}"#, true), (#"{"$oid":"64B000000000000000000001"}"#, false),
            ]
            let outcomes = try dispatching.answers(to: names.enumerated().map { CommandText.dispatch("c-\($0)", $1.name) })
            #expect(outcomes.map { $0.status == "dispatched" } == names.map(\.isFree), "\(outcomes)")
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test(
        arguments: [
            (["4", 4], #"the string "4" and the number 4"#), (["a", 4, "b", .int64(5), "5"], #"the string "5" and the number 5"#),
            (
                ["64b000000000000000000001", .objectID(BSONObjectID("64b000000000000000000001") ?? .zero)],
                #"the string "64b000000000000000000001" and ObjectId("64b000000000000000000001")"#
            ),
            (
                [.binary(subtype: 0, bytes: [1, 2, 3]), .binary(subtype: 5, bytes: [1, 2, 3])],
                "a binary of subtype 0, AQID and a binary of subtype 5, AQID"
            ),
        ] as [([BSONValue], String)])
    func aPoolWithTwoMembersThatAreWrittenAlikeIsRefusedBeforeTheFirstCommand(trucks: [BSONValue], pair: String) async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: trucks)
            try dispatching.send([CommandText.dispatch("c-1", 4)])
            let halts = try scene.bridge(dispatching).halts()
            let swapped = pair.components(separatedBy: " and ").reversed().joined(separator: " and ")
            let pool = "\(scene.database).shipments-trucks"
            let reasons = [pair, swapped].map { "the pool \(pool) has two members that commands and outcomes write alike: \($0)" }
            #expect(halts.count == 1 && reasons.contains(halts[0].reason), "\(halts)")
            #expect(halts.map(\.status) == [.configuration])
            #expect(try dispatching.allOutcomes().isEmpty)
            try Self.expectCheckSays(halts[0], of: dispatching)
        }
    }

    @Test func aPoolMemberThatIsNullIsRefusedBeforeTheFirstCommand() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4, nil])
            let halts = try scene.bridge(dispatching).halts()
            #expect(
                halts.map(\.reason) == [
                    "the pool \(scene.database).shipments-trucks has a document with the _id null, which the index on truck_id takes for no resource"
                ])
            try Self.expectCheckSays(halts[0], of: dispatching)
        }
    }

    /// `check` says the same sentence as `run`.
    private static func expectCheckSays(_ halt: Halt, of dispatching: Dispatching) throws {
        var configuration = dispatching.scene.configuration([])
        configuration.dispatchers = [dispatching.settings]
        let errors = try configuration.check().filter { $0.level == .error }
        #expect(errors.map(\.text) == [halt.reason])
        #expect(errors.map(\.remedy) == [halt.remedy])
        #expect(errors.map(\.status) == [halt.status])
    }
}

extension BSONObjectID {
    fileprivate static var zero: BSONObjectID { BSONObjectID(high: 0, low: 0) }
}
