import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// What happens to a snapshot when a process, a server, the leader or the configuration changes in the middle of it.
@Suite struct SnapshotFaultsMongodTests {
    private static let count: Int32 = 3000

    /// Keeps every read of documents waiting for a while, so that something can happen in the middle.
    private static func slowDown(_ scene: Scene) throws {
        try FailPoint.fail(["find"], times: 1000, with: ["blockConnection": true, "blockTimeMS": 150], on: scene)
    }

    @Test(arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func everyDocumentArrivesThoughTheProcessIsKilled(_ delivery: Delivery) async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            try scene.insert(SnapshotMongodTests.fruits(0..<Self.count))
            try Self.slowDown(scene)
            let folder = try TemporaryFolder()
            let yaml = scene.yaml(stream: "snapshot: initial", delivery: delivery).replacing(#/startAt: [^\n]*/#, with: "startAt: now")
            let file = try folder.write(yaml, to: "bridge.yaml")
            try scene.kafka.create(topic: scene.topic())
            let follower = try scene.follow()
            try MirrorCheck(documents: Self.count).run(on: scene, isExact: delivery == .exactlyOnce && TestKafka.isReal) {
                for kill in 1...4 {
                    let program = try BridgeProgram(["run", "--config", file])
                    try follower.wait(count: kill * 200)
                    program.signal(SIGKILL)
                    _ = try program.exitStatus()
                }
                let last = try BridgeProgram(["run", "--config", file])
                _ = try SnapshotMongodTests.awaitEnd(scene)
                return { () throws in
                    last.signal(SIGTERM)
                    #expect(try last.exitStatus() == 0, "\(last.errors)")
                    #expect(last.errors.contains("continues after"))
                }
            }
        }
    }

    /// Otherwise a crash at this moment would leave them out for good.
    @Test(.disabled(if: TestKafka.isReal, "the broker's partitions have their leader"))
    func theLedgerSaysDoneOnlyWhenEveryDocumentIsStored() async throws {
        try await Scene.play { scene in
            let brokers = try #require(scene.kafka.brokers)
            try scene.insert(SnapshotMongodTests.fruits(0..<300))
            let stream = SnapshotMongodTests.stream(scene)
            try scene.kafka.create(topic: scene.topic())
            brokers.setLeader(of: scene.topic(), to: nil)
            let bridge = try scene.bridge([stream])
            try scene.log.wait(for: "retrying: Kafka has acknowledged nothing")
            // All of them were read, and the ledger could be written.
            #expect(try bridge.status(of: "fruits").load?.unacknowledged ?? 0 >= 300)
            #expect(try scene.ledger().map(\.state) == [.running])
            brokers.setLeader(of: scene.topic(), to: 1)
            let snapshot = try SnapshotMongodTests.awaitEnd(scene)
            #expect(snapshot.state == .done)
            #expect(try Set(scene.records().map(\.keyText)).count == 300)
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test func anotherProcessGoesOnBehindTheLastDocument() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            try scene.insert(SnapshotMongodTests.fruits(0..<Self.count))
            try scene.kafka.create(topic: scene.topic())
            let folder = try TemporaryFolder()
            let timeout = TestKafka.isReal ? 6000 : 4000
            let yaml = scene.yaml(stream: "snapshot: initial", delivery: .atLeastOnce).replacing(#/startAt: [^\n]*/#, with: "startAt: now")
                .replacing("kafka:\n", with: "kafka:\n  consumer: { session.timeout.ms: \(timeout) }\n")
            let file = try folder.write(yaml, to: "bridge.yaml")
            let follower = try scene.follow()
            try Self.slowDown(scene)
            try MirrorCheck(documents: Self.count).run(on: scene, isExact: true) {
                let leader = try BridgeProgram(["run", "--config", file])
                try follower.wait(count: 20)
                let standby = try BridgeProgram(["run", "--config", file])
                try follower.wait(count: 300)
                leader.signal(SIGTERM)
                #expect(try leader.exitStatus() == 0, "\(leader.errors)")
                _ = try SnapshotMongodTests.awaitEnd(scene)
                return { () throws in
                    standby.signal(SIGTERM)
                    #expect(try standby.exitStatus() == 0, "\(standby.errors)")
                }
            }
        }
    }

    /// A step-down, and a primary that stands still with a read of documents in its hands.
    @Test(arguments: [false, true])
    func itGoesOnAtTheNextPrimary(_ isFrozen: Bool) async throws {
        try await blocking {
            let set = try ThreeMembers()
            let scene = try Scene(uri: set.uri)
            try scene.insert(SnapshotMongodTests.fruits(0..<Self.count))
            let frozen = isFrozen ? try set.primary(of: scene) : nil
            // Nobody of these knows the old primary as one.
            let rest = set.members.filter { $0.port != frozen?.port }.map(\.host).joined(separator: ",")
            let bridge = try scene.bridge([SnapshotMongodTests.stream(scene)])
            _ = try bridge.streams()
            try scene.follow().wait(count: 20)
            if let frozen {
                frozen.signal(SIGSTOP)
            } else {
                // The answer may be lost with the connection that the step-down closes.
                _ = try? scene.command(["replSetStepDown": 20, "secondaryCatchUpPeriodSecs": 10], on: "admin")
            }
            _ = try SnapshotMongodTests.awaitEnd(scene)
            let pool = try MongoClientPool(
                .init(
                    uri: "mongodb://\(rest)/?replicaSet=three", maxPoolSize: 2, serverSelectionTimeout: Patience.limit, appName: "scene"))
            _ = try pool.withClient { client throws(MongoError) in
                try client.command(
                    ["insert": "fruits", "documents": [["_id": "last"]], "writeConcern": ["w": "majority"]], on: scene.database,
                    operation: "insert")
            }
            let records = try scene.follow().wait(for: "the last event") { $0.contains { $0.keyText == #"{"_id":"last"}"# } }
            frozen?.signal(SIGCONT)
            #expect(try bridge.stop().isEmpty)
            #expect(Set(records.map(\.keyText)).count == Int(Self.count) + 1)
            #expect(scene.log.lines(containing: "halted").isEmpty)
            #expect(try scene.snapshot()?.state == .done)
        }
    }

    /// What is watched no more is left out, and the filter is that of the beginning.
    @Test func aChangedConfigurationEndsPartsAndKeepsFilters() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            let names = ["a", "b", "c"].map { Namespace(database: scene.database, collection: $0) }
            for name in names { try scene.insert(SnapshotMongodTests.fruits(0..<1000), into: name.collection) }
            try Self.slowDown(scene)
            let first = try scene.bridge([
                SnapshotMongodTests.stream(scene, .collections(names)) {
                    $0.snapshot.filters = [names[2]: #"{"_id": {"$lt": 100}}"#]
                }
            ])
            try scene.follow().wait(count: 20)
            #expect(try first.stop().isEmpty)
            let interrupted = try #require(try scene.snapshot())
            #expect(interrupted.state == .running)
            let second = try scene.bridge([SnapshotMongodTests.stream(scene, .collections([names[0], names[2]]))])
            let snapshot = try SnapshotMongodTests.awaitEnd(scene)
            #expect(try second.stop().isEmpty)
            #expect(snapshot.id == interrupted.id)
            #expect(snapshot.parts.map(\.state) == [.done, .ended, .done])
            #expect(snapshot.parts.map(\.documents) == [1000, 0, 100])
            #expect(try scene.records().count == 1100)
        }
    }

    @Test func aReadThatIsRefusedForGoodFailsTheSnapshotAndNotTheStream() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            try scene.insert(SnapshotMongodTests.fruits(0..<500))
            // Unauthorized: an account that has lost a right.
            try FailPoint.fail(["find"], times: 1000, with: ["errorCode": 13], on: scene)
            let bridge = try scene.bridge([SnapshotMongodTests.stream(scene)])
            let snapshot = try SnapshotMongodTests.awaitEnd(scene)
            #expect(snapshot.state == .failed)
            #expect(snapshot.reason?.contains("13") ?? false)
            try FailPoint.end(on: scene)
            try scene.insert([["_id": "later"]])
            try scene.follow().wait(count: 1)
            #expect(try bridge.status(of: "fruits").state != .halted)
            #expect(try bridge.stop().isEmpty)
            #expect(scene.log.lines(containing: "has failed after").count == 1)
        }
    }

    /// What was read for that place is given up, because it would be too old behind the event.
    @Test func anEventDoesNotWaitForASlowRead() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            try scene.insert(SnapshotMongodTests.fruits(0..<100))
            try FailPoint.fail(["find"], times: 1, with: ["blockConnection": true, "blockTimeMS": 8000], on: scene)
            let bridge = try scene.bridge([SnapshotMongodTests.stream(scene)])
            // By then the reader has come by more often than the hand-off has places.
            let status = try #require(try bridge.streams().first)
            let end = ContinuousClock.now + Patience.limit
            var backoff = Backoff(initial: .milliseconds(10), cap: .milliseconds(200))
            while status.snapshot.documentSnapshot?.waitsFor == nil, .now < end { backoff.pause() }
            #expect(status.snapshot.documentSnapshot?.waitsFor == "waits for MongoDB to answer")
            try scene.update(1, ["$set": ["quantity": 5]])
            let records = try scene.follow().wait(count: 101)
            #expect(records.first?.headers["bridge.origin"] == "live")
            #expect(try CollectionMirror(records).documents == scene.contents())
            #expect(try bridge.stop().isEmpty)
        }
    }

    /// Two of them do not fit into one reply, so what is read from behind one begins with itself alone.
    @Test(arguments: [1, 2])
    func documentsOf9MBFollowOneAnother(_ cursors: Int) async throws {
        try await Scene.play { scene in
            let large = BSONValue.string(String(repeating: "x", count: 9 << 20))
            for id in 0..<5 as Range<Int32> { try scene.insert([["_id": .int32(id), "large": large]]) }
            let bridge = try scene.bridge([
                SnapshotMongodTests.stream(scene) {
                    $0.format = .template(TextTemplate(segments: [.placeholder(["documentKey", "_id"])]))
                    $0.snapshot.cursors = cursors
                }
            ])
            #expect(try SnapshotMongodTests.awaitEnd(scene).documents == 5)
            #expect(try bridge.stop().isEmpty)
            #expect(try scene.records().map(\.text) == ["0", "1", "2", "3", "4"])
        }
    }
}
