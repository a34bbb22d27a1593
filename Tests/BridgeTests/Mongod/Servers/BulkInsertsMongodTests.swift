import Foundation
import Testing

@testable import Mongo

/// Unordered bulks as a server carries them out.
@Suite struct BulkInsertsMongodTests {
    private static func bulk(_ documents: [BSONDocument], into collection: String, on scene: Scene, _ concern: WriteConcern? = nil) throws
        -> WriteReply
    {
        var bulk = InsertCommand(
            database: scene.database, collection: collection,
            writeConcern: concern ?? WriteConcern(w: .majority, wtimeout: Patience.limit, journal: true))
        for document in documents {
            bulk.append { buffer in
                for (key, value) in (try? document.fields()) ?? [] { buffer.appendElement(key, value) }
            }
        }
        #expect(bulk.count == documents.count)
        return try scene.pool.withClient { client in try bulk.run(on: client, operation: "insert") }
    }

    @Test func whatIsRefusedKeepsNothingElseOutAndSaysWhy() async throws {
        try await Scene.play { scene in
            try scene.command([
                "create": "bulk", "validator": ["n": ["$not": ["$gte": 1000]]],
            ])
            try scene.command([
                "createIndexes": "bulk",
                "indexes": [["key": ["truck": 1], "name": "one", "unique": true, "partialFilterExpression": ["status": "active"]]],
            ])
            let reply = try Self.bulk(
                [
                    ["_id": "a", "truck": 1, "status": "active"], ["_id": "b", "truck": 1, "status": "active"],
                    ["_id": "a", "truck": 2, "status": "active"], ["_id": "c", "n": 1000], ["_id": "d", "truck": 1],
                    ["_id": "e", "truck": 2, "status": "active"], ["_id": "a", "truck": 1, "status": "active"],
                ], into: "bulk", on: scene)
            #expect(reply.refusals.map(\.index) == [1, 2, 3, 6])
            #expect(reply.refusals.map(\.code) == [11000, 11000, 121, 11000])
            // Where both have it, the identity comes first: a command that was done before is never taken for one whose
            // truck is busy.
            #expect(reply.refusals.map(\.keyPattern) == [["truck"], ["_id"], nil, ["_id"]])
            #expect(reply.refusals[2].message == "Document failed validation")
            #expect(reply.writeConcernError == nil)
            let time = try #require(reply.operationTime)
            #expect(time > scene.beginning)
            let found = try scene.command(["find": "bulk", "sort": ["_id": 1]])["cursor"]?.documentValue?["firstBatch"]?.arrayValue
            #expect(found?.compactMap { $0.documentValue?["_id"]?.stringValue } == ["a", "d", "e"])
        }
    }

    @Test func ofTwoThatCannotBothBeInTheFirstWins() async throws {
        try await Scene.play { scene in
            let documents = (0..<2000).map { number -> BSONDocument in ["_id": .int32(Int32(number % 1000)), "n": .int32(Int32(number))] }
            let reply = try Self.bulk(documents, into: "bulk", on: scene)
            #expect(reply.refusals.map(\.index) == Array(1000..<2000))
            let count = try scene.command(["count": "bulk", "query": ["n": ["$lt": 1000]]])["n"]
            #expect(count?.int64Value == 1000)
        }
    }

    @Test func theMemoryIsUsedAgainAndARepeatIsTheSame() async throws {
        try await Scene.play { scene in
            var bulk = InsertCommand(
                database: scene.database, collection: "bulk", writeConcern: WriteConcern(w: .majority, wtimeout: nil, journal: true))
            for round in 0..<3 {
                bulk.removeAll()
                for number in 0..<10 { bulk.append { $0.appendElement("_id", .string("\(round)-\(number)")) } }
                let (first, second) = try scene.pool.withClient { client in
                    (try bulk.run(on: client, operation: "insert"), try bulk.run(on: client, operation: "insert"))
                }
                #expect(first.refusals.isEmpty)
                #expect(second.refusals.map(\.index) == Array(0..<10))
                #expect(second.refusals.allSatisfy { $0.keyPattern == ["_id"] })
            }
            #expect(try scene.command(["count": "bulk"])["n"]?.int64Value == 30)
        }
    }

    @Test func aWriteConcernThatIsNotMetInTimeIsAnErrorThoughTheDocumentIsIn() async throws {
        try await Scene.play { scene in
            // A set of one never has two.
            let reply = try Self.bulk(
                [["_id": 1]], into: "bulk", on: scene, WriteConcern(w: .nodes(2), wtimeout: .milliseconds(1), journal: false))
            #expect(reply.refusals.isEmpty)
            #expect([64, 100].contains(reply.writeConcernError?.code))
            #expect(try scene.command(["count": "bulk"])["n"]?.int64Value == 1)
        }
    }

    @Test func aCommandThatFailsAsAWholeIsThrown() async throws {
        try await Scene.play { scene in
            // More members than a set can have.
            let concern = WriteConcern(w: .nodes(60), wtimeout: .seconds(1), journal: true)
            let error = #expect(throws: MongoError.self) { try Self.bulk([["_id": 1]], into: "bulk", on: scene, concern) }
            #expect(error?.code != nil)
        }
    }
}
