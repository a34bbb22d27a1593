import CMongo
import Testing

@testable import Mongo
@testable import StreamBridge

/// The server's options: full documents, documents before a change, expanded events.
@Suite struct EventsMongodTests {
    private static func createWithImages(_ scene: Scene) throws {
        try scene.command(["create": "fruits", "changeStreamPreAndPostImages": ["enabled": true]])
    }

    /// An insert, two updates and a delete.
    private static func writeStory(_ scene: Scene) throws {
        try scene.insert([["_id": 1, "n": 1]])
        try scene.update(1, ["$set": ["n": 2]])
        try scene.update(1, ["$set": ["n": 3]])
        try scene.delete(1)
    }

    /// The field `n` of a part of each event: "-" where the part is missing, "null" where it is null.
    private static func numbers(of part: String, in records: [TestRecord]) throws -> [String] {
        try records.map { record in
            guard let value = try record.document()[part] else { return "-" }
            return value.documentValue?["n"]?.int64Value.map { "\($0)" } ?? "null"
        }
    }

    @Test func byDefaultAnUpdateHasNoDocument() async throws {
        try await Scene.play { scene in
            try Self.writeStory(scene)
            let records = try scene.publish([scene.stream()], count: 4)
            #expect(try Self.numbers(of: "fullDocument", in: records) == ["1", "-", "-", "-"])
        }
    }

    @Test(arguments: [FullDocument.updateLookup, .batchedLookup])
    func aLookupGivesTheDocumentAsItIsNow(_ mode: FullDocument) async throws {
        try await Scene.play { scene in
            try Self.writeStory(scene)
            try scene.insert([["_id": 2, "n": 1], ["_id": 3, "n": 1]])
            try scene.update(2, ["$set": ["n": 2]])
            try scene.update(3, ["$set": ["n": 2]])
            let records = try scene.publish([scene.stream { $0.fullDocument = mode }], count: 8)
            // The first document is gone by the time of the look-up.
            #expect(try Self.numbers(of: "fullDocument", in: records) == ["1", "null", "null", "-", "1", "1", "2", "2"])
            #expect(try records.map { try $0.document() } == scene.events(options: ["fullDocument": "updateLookup"]))
        }
    }

    @Test func aPostImageIsTheDocumentRightAfterTheChange() async throws {
        try await Scene.play { scene in
            try Self.createWithImages(scene)
            try Self.writeStory(scene)
            let records = try scene.publish(
                [scene.stream { $0.fullDocument = .required }, scene.stream("other") { $0.fullDocument = .whenAvailable }], count: 4)
            #expect(try Self.numbers(of: "fullDocument", in: records) == ["1", "2", "3", "-"])
        }
    }

    @Test func withoutImagesWhenAvailableGivesNull() async throws {
        try await Scene.play { scene in
            try Self.writeStory(scene)
            let stream = scene.stream {
                $0.fullDocument = .whenAvailable
                $0.fullDocumentBeforeChange = .whenAvailable
            }
            let records = try scene.publish([stream], count: 4)
            #expect(try Self.numbers(of: "fullDocument", in: records) == ["1", "null", "null", "-"])
            #expect(try Self.numbers(of: "fullDocumentBeforeChange", in: records) == ["-", "null", "null", "null"])
        }
    }

    @Test(arguments: [FullDocumentBeforeChange.whenAvailable, .required])
    func aPreImageIsTheDocumentRightBeforeTheChange(_ mode: FullDocumentBeforeChange) async throws {
        try await Scene.play { scene in
            try Self.createWithImages(scene)
            try Self.writeStory(scene)
            let records = try scene.publish([scene.stream { $0.fullDocumentBeforeChange = mode }], count: 4)
            #expect(try Self.numbers(of: "fullDocumentBeforeChange", in: records) == ["-", "1", "2", "3"])
        }
    }

    @Test func expandedEventsTellOfCollectionsAndIndexes() async throws {
        try await Scene.play { scene in
            try scene.command(["create": "fruits"])
            try scene.command(["createIndexes": "fruits", "indexes": [["key": ["n": 1], "name": "n"]]])
            try scene.command(["collMod": "fruits", "index": ["name": "n", "hidden": true]])
            try scene.command(["dropIndexes": "fruits", "index": "n"])
            try scene.insert([["_id": 1]])
            let stream = scene.stream("fruits", .database(scene.database)) { $0.showExpandedEvents = true }
            let records = try scene.publish([stream], count: 5)
            #expect(records.map(\.operation) == ["create", "createIndexes", "modify", "dropIndexes", "insert"])
            #expect(records.map { $0.key == nil } == [true, true, true, true, false])
            #expect(try records.map { try $0.document() } == scene.events(of: nil, options: ["showExpandedEvents": true]))
        }
    }

    @Test func withoutExpandedEventsOnlyTheWritesCome() async throws {
        try await Scene.play { scene in
            try scene.command(["create": "fruits"])
            try scene.command(["createIndexes": "fruits", "indexes": [["key": ["n": 1], "name": "n"]]])
            try scene.insert([["_id": 1]])
            let records = try scene.publish([scene.stream("fruits", .database(scene.database))], count: 1)
            #expect(records.map(\.operation) == ["insert"])
        }
    }

    @Test func theWritesOfATransactionComeInTheirOrder() async throws {
        try await Scene.play { scene in
            try scene.command(["create": "fruits"])
            try scene.pool.withClient { client in
                let server = try client.selectServer(operation: "find the primary")
                let session = try MongoSession(of: client)
                var error = bson_error_t()
                #expect(mongoc_client_session_start_transaction(session.handle, nil, &error))
                for step in 0..<Int32(3) {
                    _ = try client.run(
                        ["insert": "fruits", "documents": [["_id": .int32(step)]]], on: scene.database, session: session, server: server,
                        operation: "insert in a transaction")
                }
                #expect(mongoc_client_session_commit_transaction(session.handle, nil, &error))
            }
            let records = try scene.publish([scene.stream()], count: 3)
            #expect(records.map(\.keyText) == (0..<3).map { #"{"_id":{"$numberInt":"\#($0)"}}"# })
            #expect(try records.map { try $0.document() } == scene.events())
            // One cluster time for all of them: only the token tells them apart.
            #expect(Set(records.map { $0.headers["mongodb.clusterTime"] }).count == 1)
            #expect(Set(records.map(\.token)).count == 3)
        }
    }
}
