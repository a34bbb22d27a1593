import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// Records that can never succeed are put aside, and nothing else is.
@Suite struct DispatchDeadLettersMongodTests {
    private struct Letter {
        /// Nil for a tombstone.
        let value: String?
        let code: String
        let message: String
        /// The id that the outcome has; nil where none can be read.
        var id: String?
    }

    private static func letters(of collection: Namespace) -> [Letter] {
        func dispatch(_ id: String, source: String = #""New York""#, quantity: String = "40", more: String = "") -> String {
            #"{"id":"\#(id)","truck_id":4,"source":\#(source),"destination":"Atlanta","product":"\#(id)","quantity":\#(quantity)\#(more)}"#
        }
        return [
            Letter(value: "socks", code: "malformed", message: "the record is not JSON: "),
            Letter(value: nil, code: "malformed", message: "the record is empty"),
            Letter(value: "", code: "malformed", message: "the record is empty"),
            Letter(value: #"["c-1"]"#, code: "invalid", message: "expected a JSON object"),
            Letter(value: dispatch("i-0") + "}", code: "malformed", message: "the record is not JSON: "),
            Letter(value: #"{"id":7,"complete":"c-1"}"#, code: "invalid", message: "id: found 7, expected text of 1 to 512 bytes"),
            Letter(
                value: dispatch("i-1", quantity: "0"), code: "invalid", message: "quantity: found 0, expected a whole number of at least 1",
                id: "i-1"),
            Letter(
                value: dispatch("i-2", more: #","sourse":"red""#), code: "invalid",
                message: #"unknown field "sourse"; did you mean "source"?"#, id: "i-2"),
            Letter(
                value: dispatch("i-3", source: #"{"$gt":""}"#), code: "invalid", message: "source: found an object, expected text",
                id: "i-3"),
            Letter(value: dispatch("i-4", more: #","$set":{"status":"x"}"#), code: "invalid", message: #"unknown field "$set""#, id: "i-4"),
            Letter(value: #"{"id":"i-5","truck_id":4}"#, code: "invalid", message: "source is missing", id: "i-5"),
            Letter(
                value: #"{"id":"i-6","complete":"c-1","truck_id":4}"#, code: "invalid",
                message: "truck_id: a command with complete has only id, complete and expiresAt", id: "i-6"),
            // What only the server can know.
            Letter(
                value: dispatch("i-7", quantity: "5000"), code: "121",
                message: "\(collection) refuses the document: Document failed validation", id: "i-7"),
            Letter(
                value: dispatch("i-8").replacing("\"i-8\",\"quantity", with: "\"socks\",\"quantity"), code: "11000",
                message: "the unique index product of \(collection) refuses the document", id: "i-8"),
            Letter(
                value: dispatch("foreign"), code: "11000",
                message: "\(collection) has a document with the _id foreign that no dispatcher wrote", id: "foreign"),
            Letter(
                value: CommandText.complete("foreign", "c-1"), code: "11000",
                message: "\(collection) has a document with the _id foreign that no dispatcher wrote", id: "foreign"),
        ]
    }

    @Test func whatCanNeverSucceedIsPutAsideWithItsReasonAndAnsweredWhereItHasAnID() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4, 5, 6], partitions: 2)
            let collection = dispatching.settings.collection
            try scene.command([
                "create": .string(collection.collection),
                "validator": ["$or": [["quantity": ["$lt": 1000]], ["complete": ["$exists": true]]]],
            ])
            try scene.command([
                "createIndexes": .string(collection.collection),
                "indexes": [
                    ["key": ["product": 1], "name": "one of each", "unique": true, "partialFilterExpression": ["status": "active"]]
                ],
            ])
            try scene.insert([["_id": "foreign", "quantity": 1]], into: collection.collection)
            let bridge = try scene.bridge(dispatching)
            // Good ones before and after them, in another partition: what one of them holds decides about the others,
            // so each has its turn.
            try dispatching.send([CommandText.dispatch("c-1", 4)])
            try dispatching.outcomes(count: 1)
            let letters = Self.letters(of: collection)
            for (index, letter) in letters.enumerated() {
                let record = OutgoingRecord(
                    key: index % 2 == 0 ? Array("key \(index)".utf8) : nil, value: letter.value.map { Array($0.utf8) },
                    headers: [("trace", Array("\(index)".utf8)), ("error.code", Array("of an earlier stay".utf8)), ("none", nil)])
                try dispatching.sender.send(CollectionOfOne((record, Int32(1))))
            }
            let records = try dispatching.deadLetters(count: letters.count)
            try dispatching.send([CommandText.complete("r-1", "c-1"), CommandText.dispatch("c-2", 4)])
            #expect(records.count == letters.count)
            for (index, (letter, record)) in zip(letters, records).enumerated() {
                #expect(record.keyText == (index % 2 == 0 ? "key \(index)" : nil))
                #expect(record.text == letter.value)
                #expect(
                    record.headerNames
                        == [
                            "trace", "none", "error.code", "error.message", "error.topic", "error.partition", "error.offset", "error.at",
                        ])
                #expect(record.headers["trace"] == "\(index)")
                #expect(record.headers["error.code"] == letter.code, "\(letter)")
                #expect(record.headers["error.message"]?.contains(letter.message) == true, "\(record.headers["error.message"] ?? "")")
                #expect(record.headers["error.topic"] == dispatching.settings.commands)
                #expect(record.headers["error.partition"] == "1")
                #expect(record.headers["error.offset"] == "\(index)")
                #expect(record.headers["error.at"]?.hasSuffix("Z") == true)
            }
            let ids = letters.compactMap(\.id)
            let outcomes = try dispatching.outcomes(count: ids.count + 3)
            let invalid = outcomes.filter { $0.status == "invalid" }
            #expect(invalid.map(\.id) == ids)
            #expect(Set(outcomes.filter { $0.status != "invalid" }.map(\.id)) == ["c-1", "r-1", "c-2"])
            let sent = try scene.records(dispatching.settings.commands, partitions: 2).filter { $0.partition == 1 }
            for outcome in invalid {
                // The dead letter says the same.
                let letter = try #require(records.first { $0.headers["error.message"] == outcome.message })
                #expect(outcome.requested == nil && outcome.assigned == nil && outcome.attempts == 0)
                // Nothing is stored of it, so its time is the record's: the same record is answered with the same
                // bytes.
                let times = sent.filter {
                    $0.text == letter.text || letter.text?.contains(outcome.id) == true && $0.text?.contains(outcome.id) == true
                }
                .map { StoredPosition.iso8601(milliseconds: $0.timestamp ?? 0) }
                #expect(times.contains(outcome.at), "\(outcome)")
            }
            // Nothing of them is in the collection, and what they took on the way is free again.
            #expect(Set(try dispatching.shipments().keys) == ["c-1", "r-1", "c-2", "foreign"])
            let rest = try dispatching.outcomes(count: ids.count + 3).count
            try dispatching.send(
                ["c-3", "c-4"].map { CommandText.dispatch($0, 4).replacing("socks", with: $0) })
            #expect(Set(try dispatching.outcomes(count: rest + 2).suffix(2).compactMap(\.assigned)) == [5, 6])
            #expect(try bridge.status(ofDispatcher: "shipments").deadLetters == letters.count)
            #expect(try bridge.stop().isEmpty)
            #expect(try dispatching.allDeadLetters().count == letters.count)
            #expect(scene.log.lines(containing: "retrying: ").isEmpty)
        }
    }

    @Test func aCollectionThatRefusesEndsAndRejectionsHasThoseCommandsPutAside() async throws {
        try await Scene.play { scene in
            // Only shipments that are on their way: their ends, rejections and completions are refused.
            let strict = try Dispatching(scene, "strict", trucks: nil)
            try scene.command(["create": "strict", "validator": ["status": "active"]])
            // Completions and rejections have no order number: for the server they all have the same one.
            let numbered = try Dispatching(scene, "numbered", trucks: [4, 5]) {
                $0.fields.append(CommandField(name: "order", type: .int(minimum: nil, maximum: nil), isRequired: false))
            }
            try scene.command(["createIndexes": "numbered", "indexes": [["key": ["order": 1], "name": "order", "unique": true]]])
            let bridge = try scene.bridge(strict, numbered)

            let outcomes = try strict.answers(to: [
                CommandText.dispatch("c-1", 4), CommandText.dispatch("c-2", 4), CommandText.complete("r-1", "c-1"),
                CommandText.complete("r-2", "nobody"), CommandText.dispatch("c-3", 5),
            ])
            #expect(outcomes.map(\.status) == ["dispatched", "invalid", "invalid", "invalid", "dispatched"])
            #expect(try strict.deadLetters(count: 3).map { $0.headers["error.code"] } == ["121", "121", "121"])
            #expect(try strict.shipments().values.map { $0["status"] } == ["active", "active"])

            let others = try numbered.answers(to: [
                CommandText.dispatch("c-1", 4, #","order":1"#), CommandText.complete("r-1", "c-1"),
                CommandText.dispatch("c-2", 4, #","order":2"#), CommandText.complete("r-2", "c-2"), CommandText.complete("r-3", "c-2"),
                CommandText.dispatch("c-3", 5, #","order":3"#), CommandText.complete("r-1", "c-1"),
            ])
            #expect(
                others.map(\.status)
                    == ["dispatched", "completed", "dispatched", "invalid", "invalid", "dispatched", "completed"])
            #expect(others[6] == others[1])
            #expect(others[3].message == "the unique index order of \(scene.database).numbered refuses the document")
            #expect(try numbered.shipments()["c-2"]?["status"] == "active")
            #expect(try bridge.stop().isEmpty)
        }
    }
}
