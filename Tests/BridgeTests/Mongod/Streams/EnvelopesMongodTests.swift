import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// The formats of others, from a snapshot over events to a replay, and their verification.
@Suite struct EnvelopesMongodTests {
    /// A snapshot of a document, and an insert, an update and a delete afterwards, which the body gets with its
    /// tombstone.
    private static func play(
        _ format: RecordFormat,
        _ body: @escaping @Sendable (_ scene: Scene, _ stream: StreamSettings, _ records: [TestRecord]) throws -> Void
    ) async throws {
        try await Scene.play { scene in
            try scene.makeReplayTopics()
            try scene.insert([["_id": 1, "n": 1]])
            let stream = SnapshotMongodTests.stream(scene) {
                $0.delivery = .exactlyOnce
                $0.fullDocument = .updateLookup
                $0.format = format
                $0.tombstones = true
            }
            let bridge = try scene.bridge([stream])
            #expect(try SnapshotMongodTests.awaitEnd(scene).state == .done)
            try scene.insert([["_id": 2, "n": .int64(5)]])
            try scene.update(1, ["$set": ["n": 2]])
            try scene.delete(2)
            let records = try scene.follow().wait(count: 5)
            #expect(try bridge.stop().isEmpty)
            try body(scene, stream, records)
        }
    }

    @Test(arguments: DebeziumSettings.Document.allCases)
    func debeziumsRecordsOfASnapshotAndOfEvents(_ document: DebeziumSettings.Document) async throws {
        try await Self.play(.debezium(DebeziumSettings(topicPrefix: "shop", document: document))) { scene, stream, records in
            #expect(records.map(\.keyText) == ["1", "2", "1", "2", "2"].map { #"{"id":"\#($0)"}"# })
            let envelopes = try records.dropLast().map { try $0.document() }
            #expect(envelopes.map { $0["op"] } == ["r", "c", "u", "d"])
            #expect(envelopes.map { $0["source"]?.documentValue?["snapshot"] } == ["true", "false", "false", "false"])
            #expect(records.last?.value == nil)
            switch document {
            case .string: #expect(envelopes[1]["after"] == #"{"_id": 2,"n": {"$numberLong": "5"}}"#)
            case .object: #expect(envelopes[1]["after"] == ["_id": 2, "n": 5])
            }
            #expect(try scene.verify(stream).isClean)
            #expect(try scene.verifyDocuments(stream).isClean)
            try scene.replay(stream, from: records[0].token) { $0.topic = nil }
            let again = try scene.records().dropFirst(5)
            #expect(again.map(\.key) == records.dropFirst().map(\.key))
            #expect(again.map(\.value) == records.dropFirst().map(\.value))
        }
    }

    @Test(arguments: CloudEventsMode.allCases)
    func cloudEventsOfASnapshotAndOfEvents(_ mode: CloudEventsMode) async throws {
        try await Self.play(.cloudevents(mode)) { scene, stream, records in
            let events = records.dropLast()
            switch mode {
            case .binary:
                #expect(events.map { $0.headers["ce_source"] } == .init(repeating: "mongodb://shared/\(scene.database).fruits", count: 4))
                #expect(Set(events.map { $0.headers["ce_id"] }).count == 4)
                #expect(events.last?.headers["ce_type"] == "com.mongodb.change.delete")
            case .structured:
                let envelopes = try events.map { try $0.document() }
                #expect(
                    envelopes.map { $0["source"] } == .init(repeating: .string("mongodb://shared/\(scene.database).fruits"), count: 4))
                #expect(envelopes[2]["data"]?.documentValue?["fullDocument"] == ["_id": 1, "n": 2])
            }
            #expect(try scene.verify(stream).isClean)
            #expect(try scene.verifyDocuments(stream).isClean)
            try scene.replay(stream, from: records[0].token) { $0.topic = nil }
            let again = try scene.records().dropFirst(5)
            #expect(again.map(\.value) == records.dropFirst().map(\.value))
            #expect(again.map { $0.headers["ce_id"] } == records.dropFirst().map { $0.headers["ce_id"] })
            #expect(again.map { $0.headers["ce_source"] } == records.dropFirst().map { $0.headers["ce_source"] })
        }
    }
}
