import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// Field rules on real events: live, replayed, of a snapshot, and verified.
@Suite struct FieldsMongodTests {
    private static let fields = FieldSettings(
        exclude: [["ssn"], ["card", "number"], ["items", "cost"]],
        rename: [.init(path: ["qty"], name: "quantity"), .init(path: ["items", "n"], name: "count")],
        mask: [
            .init(path: ["email"], mask: .hash), .init(path: ["phones"], mask: .keep(4)), .init(path: ["notes"], mask: .redact),
        ], key: "sixteen bytes and more")

    private static let document: BSONDocument = [
        "_id": 1, "ssn": "1", "qty": 5, "card": ["number": "4111", "cvc": 7], "email": "ann@example.com", "phones": ["555-1234", nil],
        "notes": ["a": "b"], "items": [["cost": 1, "n": 2], ["cost": 2, "n": 3]], "list": [1, 2, 3],
    ]

    private static let updates: [BSONDocument] = [
        ["$set": ["ssn": "2"]],
        ["$set": ["card.number": "4222", "card.cvc": 8, "qty": 6, "items.1.cost": 9, "items.1.n": 4, "phones.0": "555-9876"]],
        ["$set": ["card": ["number": "4333"], "email": "bob@example.com", "notes.a": "c"]],
        ["$unset": ["ssn": "", "qty": "", "notes.a": "", "card.number": ""]],
        ["$push": ["list": ["$each": [], "$slice": 1]]], ["$push": ["items": ["$each": [], "$slice": 1]]],
        ["$rename": ["list": "qty"]],
    ]

    private static func change(_ scene: Scene) throws {
        try scene.insert([["_id": 2, "ssn": "3", "email": "ann@example.com"]])
        for update in updates { try scene.update(1, update) }
        try scene.command([
            "update": "fruits", "updates": [["q": ["_id": 2], "u": ["ssn": "4", "qty": 1]]], "writeConcern": ["w": "majority"],
        ])
        try scene.delete(2)
    }

    private static let events = updates.count + 3

    @Test(arguments: EventEncoderFormats.all.dropLast())
    func everyEventIsAsTheRulesLeaveIt(format: RecordFormat) async throws {
        try await Scene.play { scene in
            try scene.makeReplayTopics()
            try scene.command(["create": "fruits", "changeStreamPreAndPostImages": ["enabled": true]])
            try scene.insert([Self.document])
            let stream = SnapshotMongodTests.stream(scene) {
                $0.delivery = .exactlyOnce
                $0.fullDocument = .required
                $0.fullDocumentBeforeChange = .whenAvailable
                $0.format = format
                $0.fields = Self.fields
            }
            let bridge = try scene.bridge([stream])
            #expect(try SnapshotMongodTests.awaitEnd(scene).state == .done)
            try Self.change(scene)
            let records = try scene.follow().wait(count: 1 + Self.events)
            #expect(try bridge.stop().isEmpty)
            var plain = stream
            plain.fields = nil
            let rewriter = FieldRewriter(Self.fields)
            let encoder = EventEncoder(plain, replicaSet: "shared")
            let expected = try scene.events(options: ["fullDocument": "required", "fullDocumentBeforeChange": "whenAvailable"]).dropFirst()
                .suffix(Self.events).flatMap { try encoder.records(of: rewriter.event($0)) }
            #expect(records.dropFirst().map(\.value) == expected.map(\.value))
            #expect(records.dropFirst().map(\.key) == expected.map(\.key))
            let report = try scene.verify(stream)
            #expect(report.isClean && report.expected >= Self.events, "\(report)")
            let documents = try scene.verifyDocuments(stream)
            #expect(documents.isClean && documents.compared == 1, "\(documents)")
            try scene.replay(stream, from: records[0].token) { $0.topic = nil }
            let again = try scene.records().dropFirst(1 + Self.events)
            #expect(again.map(\.value) == records.dropFirst().map(\.value))
            // Rules that have changed since show as differences.
            var other = stream
            other.fields = FieldSettings(exclude: [["qty"]])
            #expect(try scene.verify(other).different > 0)
            #expect(try scene.verifyDocuments(other).different == 1)
        }
    }

    @Test func aCopiedDocumentIsAsTheRulesLeaveIt() async throws {
        try await Scene.play { scene in
            try scene.insert([Self.document])
            let stream = SnapshotMongodTests.stream(scene) {
                $0.content = .fullDocument
                $0.fields = Self.fields
            }
            let bridge = try scene.bridge([stream])
            #expect(try SnapshotMongodTests.awaitEnd(scene).state == .done)
            #expect(try bridge.stop().isEmpty)
            let record = try #require(try scene.records().first)
            #expect(record.headers["bridge.origin"] == "snapshot")
            #expect(try record.document() == FieldRewriter(Self.fields).document(Self.document))
        }
    }

    @Test(arguments: [FullDocument.batchedLookup, .updateLookup])
    func aDocumentThatWasLookedUpIsAsTheRulesLeaveIt(mode: FullDocument) async throws {
        try await Scene.play { scene in
            try scene.insert([Self.document])
            try scene.update(1, ["$set": ["card.number": "4222", "n": 1]])
            let stream = scene.stream {
                $0.fullDocument = mode
                $0.fields = Self.fields
            }
            let records = try scene.publish([stream], count: 2)
            let rewriter = FieldRewriter(Self.fields)
            let expected = try scene.events(options: ["fullDocument": "updateLookup"]).map { try rewriter.event($0) }
            #expect(try records.map { try $0.document() } == expected)
            #expect(expected[1]["updateDescription"]?.documentValue?["updatedFields"] == ["n": 1])
            #expect(try scene.verifyDocuments(stream).isClean)
        }
    }

    /// The change stream is the same, so its position is.
    @Test func otherRulesGoOnAtTheStoredPosition() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1, "ssn": "1"]])
            _ = try scene.publish([scene.stream()], count: 1)
            try scene.insert([["_id": 2, "ssn": "2"]])
            let records = try scene.publish([scene.stream { $0.fields = Self.fields }], count: 2)
            #expect(try records.map { try $0.document()["fullDocument"] } == [["_id": 1, "ssn": "1"], ["_id": 2]])
            #expect(scene.log.lines(containing: "changed since").isEmpty)
        }
    }
}
