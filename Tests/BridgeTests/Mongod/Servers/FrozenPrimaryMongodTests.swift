import Foundation
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// A primary that stands still keeps its connections, and with them every call that waits for its answer.
@Suite struct FrozenPrimaryMongodTests {
    /// Each stream's reader is stuck with a client of the pool, and the pool has not as many again.
    @Test func allStreamsGoOnAtTheNewPrimary() async throws {
        try await blocking {
            let set = try ThreeMembers()
            let scene = try Scene(uri: set.uri)
            let names = ["fruits", "a", "b", "c", "d"]
            try scene.insert([["_id": 0]])
            let bridge = try scene.bridge(names.map { scene.stream($0) }) { $0.mongodb.maxPoolSize = 1 }
            for name in names { try scene.follow(scene.topic(name)).wait(count: 1) }
            let frozen = try set.primary(of: scene)
            frozen.signal(SIGSTOP)
            // Nobody of these knows the old primary as one.
            let rest = set.members.filter { $0.port != frozen.port }.map(\.host).joined(separator: ",")
            let pool = try MongoClientPool(
                .init(
                    uri: "mongodb://\(rest)/?replicaSet=three", maxPoolSize: 2, serverSelectionTimeout: Patience.limit, appName: "scene"))
            _ = try pool.withClient { client throws(MongoError) in
                try client.command(
                    ["insert": "fruits", "documents": [["_id": 1]], "writeConcern": ["w": "majority"]], on: scene.database,
                    operation: "insert")
            }
            for name in names { try scene.follow(scene.topic(name)).wait(count: 2) }
            #expect(scene.log.lines(containing: "halted").isEmpty)
            frozen.signal(SIGCONT)
            #expect(try bridge.stop().isEmpty)
        }
    }

    /// Calls that are left behind neither hold up their callers nor keep others from a client.
    @Test func aCallThatIsNotAnsweredIsLeftBehind() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            let pool = try MongoClientPool(
                .init(uri: scene.uri, maxPoolSize: 2, serverSelectionTimeout: .seconds(2), appName: "bridge.\(scene.name)"))
            let stop = StopSignal()
            func ping() throws {
                _ = try BoundedCall.make(of: pool, "ping", within: .milliseconds(500), stop: stop) {
                    try pool.withClient { client throws(MongoError) in
                        _ = try client.command(["ping": 1], on: "admin", operation: "ping")
                    }
                }
            }
            try ping()
            try FailPoint.fail(["ping"], times: 4, with: ["blockConnection": true, "blockTimeMS": 20_000], on: scene)
            for _ in 0..<4 { #expect(throws: MongoError.self) { try ping() } }
            // Twice as many as the pool has are stuck now.
            #expect(pool.clientsInUse == 4)
            try ping()
            // Each gives its client back when its answer comes at last, and the bound is what it was.
            let end = ContinuousClock.now + Patience.limit
            while pool.clientsInUse > 0, .now < end { _ = stop.wait(for: .milliseconds(100)) }
            #expect(pool.clientsInUse == 0)
            try pool.withClient { _ in
                try pool.withClient { _ in
                    _ = #expect(throws: MongoError.self) { try ping() }
                }
            }
        }
    }

    @Test func aPoolWithoutAFreeClientIsWaitedForNoLongerThanAServer() async throws {
        try await Scene.play { scene in
            let pool = try MongoClientPool(
                .init(uri: scene.uri, maxPoolSize: 1, serverSelectionTimeout: .milliseconds(200), appName: "scene"))
            try pool.withClient { _ in
                let error = #expect(throws: MongoError.self) {
                    try pool.withClient { _ in
                        _ = Issue.record("there is a second client")
                    }
                }
                #expect(error?.kind == .noClient)
                #expect(error.map { "\($0)" }?.contains("mongodb.maxPoolSize") == true)
            }
            // And then there is one again.
            let hello = try pool.withClient { client throws(MongoError) in
                try client.command(["hello": 1], on: "admin", operation: "say hello")
            }
            #expect(hello["setName"] == "shared")
        }
    }

    /// A stop does not wait for it either.
    @Test func aStreamWhoseBeginningIsNotAnsweredHearsAStop() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            try FailPoint.fail(["find"], times: nil, with: ["blockConnection": true, "blockTimeMS": 600_000], on: scene)
            let bridge = try scene.bridge([scene.stream { $0.startAt = .oldest }])
            try scene.log.wait(for: "waiting for MongoDB to answer")
            #expect(try bridge.status(of: "fruits").state == .retrying)
            #expect(try bridge.stop().isEmpty)
            #expect(scene.log.lines(containing: "halted").isEmpty)
        }
    }
}
