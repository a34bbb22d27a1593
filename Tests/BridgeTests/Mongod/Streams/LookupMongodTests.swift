import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// `fullDocument: batchedLookup` where documents are large, ids are odd, or the server does not answer.
@Suite struct LookupMongodTests {
    /// One answer of the server has no more than 16 MB, in the order of the ids, and the events come in another.
    @Test(arguments: [FullDocument.batchedLookup, .updateLookup])
    func largeDocumentsBetweenSmallOnesAreFoundInAnyOrder(_ mode: FullDocument) async throws {
        try await Scene.playAlone(arguments: ["--oplogSize", "500"]) { scene, _ in
            let large = String(repeating: "x", count: 1_200_000)
            try scene.insert((0..<200).map { ["_id": .int32($0), "n": 0] })
            for id in 0..<Int32(24) { try scene.insert([["_id": .int32(1000 + id), "text": .string(large), "n": 0]]) }
            for id in 0..<Int32(200) { try scene.update(.int32(id), ["$set": ["n": 1]]) }
            for id in (0..<Int32(24)).reversed() {
                try scene.update(.int32(1000 + id), ["$set": ["n": 1]])
                try scene.update(.int32(id), ["$set": ["n": 2]])
            }
            // What is gone is null, also in a slice that could not be read as a whole.
            try scene.update(1000, ["$set": ["n": 2]])
            try scene.delete(1000)
            let stream = scene.stream {
                $0.fullDocument = mode
                $0.pipeline = #"[{"$match":{"operationType":"update"}}]"#
            }
            let bridge = try scene.bridge([stream]) { $0.kafka.common["message.max.bytes"] = "33554432" }
            let records = try scene.follow().wait(count: 249)
            #expect(try bridge.stop().isEmpty)
            for record in records {
                let event = try record.document()
                let id = try #require(event["documentKey"]?.documentValue?["_id"]?.int64Value)
                let document = event["fullDocument"]?.documentValue
                #expect(document?["_id"]?.int64Value == (id == 1000 ? nil : id))
                #expect(document?["n"]?.int64Value == (id == 1000 ? nil : id < 24 ? 2 : 1), "\(id)")
                #expect(document?["text"]?.stringValue?.utf8.count == (id > 1000 ? large.utf8.count : nil))
            }
        }
    }

    @Test func theServerIsToldWhenToGiveUp() async throws {
        try await Scene.playAlone { scene, _ in
            try scene.command(["profile": 2])
            try scene.insert([["_id": 1]])
            try scene.update(1, ["$set": ["n": 1]])
            let records = try scene.publish([scene.stream { $0.fullDocument = .batchedLookup }], count: 2)
            #expect(records.count == 2)
            let found = try scene.command([
                "find": "system.profile", "filter": ["command.find": "fruits", "command.maxTimeMS": ["$gt": 0, "$lte": 15_000]],
            ])
            #expect(found["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.isEmpty == false)
        }
    }

    /// What was published before is committed meanwhile: readers of committed records wait for whatever is behind an
    /// open transaction.
    @Test(arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func aLookupThatIsNotAnsweredIsToldAndTriedAgain(_ delivery: Delivery) async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            // The first batch has sixteen events, and more follow.
            try scene.insert((0..<16).map { ["_id": .int32($0)] })
            try scene.update(1, ["$set": ["n": 1]])
            // Longer than a lookup is waited for; the fail point ends when nobody is in it any more.
            try FailPoint.fail(["find"], times: nil, with: ["blockConnection": true, "blockTimeMS": 25_000], on: scene)
            let stream = scene.stream {
                $0.fullDocument = .batchedLookup
                $0.delivery = delivery
            }
            let bridge = try scene.bridge([stream])
            try scene.follow(scene.positionsTopic).wait(for: "the position before the update") { records in
                records.last?.value.flatMap { try? StoredPosition(json: $0) }?.position.events == 16
            }
            try scene.log.wait(for: "retrying: waiting for MongoDB to answer: look up the documents of update events")
            try scene.log.wait(for: "could not look up the documents of update events: the connection to MongoDB broke: no answer within")
            #expect(try bridge.status(of: "fruits").state == .retrying)
            try FailPoint.end(on: scene)
            try scene.follow().wait(events: 17)
            #expect(try bridge.stop().isEmpty)
            #expect(try scene.records().map(\.token) == scene.events().compactMap { $0["_id"]?.documentValue?["_data"]?.stringValue })
        }
    }

    @Test func aStopDoesNotWaitForALookupThatIsNotAnswered() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            try scene.insert([["_id": 1]])
            try scene.update(1, ["$set": ["n": 1]])
            try FailPoint.fail(["find"], times: nil, with: ["blockConnection": true, "blockTimeMS": 600_000], on: scene)
            let bridge = try scene.bridge([scene.stream { $0.fullDocument = .batchedLookup }]) { $0.shutdownTimeout = .seconds(600) }
            try scene.log.wait(for: "could not look up")
            #expect(try bridge.stop().isEmpty)
        }
    }
}
