import Mongo
import Testing

@testable import StreamBridge

/// A watched collection or database goes away: the server invalidates the stream, which publishes that and continues.
@Suite struct InvalidatesMongodTests {
    @Test func aDroppedCollectionThatComesBackIsFollowed() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream()])
            for round in 1...2 {
                try scene.insert([["_id": 1]])
                try scene.command(["drop": "fruits", "writeConcern": ["w": "majority"]])
                try scene.follow().wait(count: round * 3)
            }
            try scene.insert([["_id": 2]])
            try scene.follow().wait(count: 7)
            #expect(try bridge.stop().isEmpty)
            let records = try scene.records()
            #expect(records.map(\.operation) == ["insert", "drop", "invalidate", "insert", "drop", "invalidate", "insert"])
            #expect(records.map { $0.key == nil } == [false, true, true, false, true, true, false])
            #expect(try scene.position()?.position.events == 7)
        }
    }

    @Test func whatWasWrittenBeforeTheInvalidateWasReadIsNotMissed() async throws {
        try await Scene.play { scene in
            // All of it lies in the past when the stream begins: invalidates amid a backlog.
            for _ in 0..<3 {
                try scene.insert([["_id": 1], ["_id": 2]])
                try scene.command(["drop": "fruits", "writeConcern": ["w": "majority"]])
            }
            let records = try scene.publish([scene.stream()], count: 12)
            #expect(records.map(\.operation) == (0..<3).flatMap { _ in ["insert", "insert", "drop", "invalidate"] })
        }
    }

    @Test func aRenamedCollectionEndsAndItsOldNameIsFollowed() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream()])
            try scene.insert([["_id": 1]])
            try scene.command(
                [
                    "renameCollection": .string("\(scene.database).fruits"), "to": .string("\(scene.database).old"),
                    "writeConcern": ["w": "majority"],
                ], on: "admin")
            try scene.insert([["_id": 2]])
            try scene.insert([["_id": 3]], into: "old")
            try scene.follow().wait(count: 4)
            #expect(try bridge.stop().isEmpty)
            let records = try scene.records()
            #expect(records.map(\.operation) == ["insert", "rename", "invalidate", "insert"])
            #expect(records[3].keyText == #"{"_id":{"$numberInt":"2"}}"#)
        }
    }

    @Test func aDroppedDatabaseThatComesBackIsFollowed() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream("fruits", .database(scene.database))])
            try scene.insert([["_id": 1]])
            try scene.command(["dropDatabase": 1, "writeConcern": ["w": "majority"]])
            try scene.insert([["_id": 2]])
            try scene.follow().wait(count: 5)
            #expect(try bridge.stop().isEmpty)
            #expect(try scene.records().map(\.operation) == ["insert", "drop", "dropDatabase", "invalidate", "insert"])
        }
    }

    @Test func aRestartAfterAnInvalidateGoesOn() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            try scene.command(["drop": "fruits", "writeConcern": ["w": "majority"]])
            _ = try scene.publish([scene.stream()], count: 3)
            try scene.insert([["_id": 2]])
            let records = try scene.publish([scene.stream()], count: 4)
            #expect(records.map(\.operation) == ["insert", "drop", "invalidate", "insert"])
        }
    }
}
