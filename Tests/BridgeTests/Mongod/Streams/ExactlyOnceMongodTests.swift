import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// What streams do with transactions, from MongoDB to Kafka.
@Suite struct ExactlyOnceMongodTests {
    /// Every event of the server once, in its order.
    private static func expectAll(_ count: Int, on scene: Scene, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let expected = try scene.events().compactMap { $0["_id"]?.documentValue?["_data"]?.stringValue }
        #expect(expected.count == count, sourceLocation: sourceLocation)
        #expect(try scene.records().map(\.token) == expected, sourceLocation: sourceLocation)
        #expect(try scene.position()?.position.events == Int64(count), sourceLocation: sourceLocation)
    }

    @Test func aStopAndARestartNeitherLoseNorRepeat() async throws {
        try await Scene.play { scene in
            var written: Int32 = 0
            for round in 1...4 {
                let bridge = try scene.bridge([scene.exactlyOnceStream()])
                for _ in 0..<3 {
                    try scene.insert(Scene.numbers(written..<written + 50))
                    written += 50
                }
                if round.isMultiple(of: 2) { try scene.follow().wait(count: Int(written)) }
                #expect(try bridge.stop().isEmpty)
            }
            let last = try scene.bridge([scene.exactlyOnceStream()])
            try scene.follow().wait(count: Int(written))
            #expect(try last.stop().isEmpty)
            try Self.expectAll(Int(written), on: scene)
        }
    }

    @Test func whereAStreamBeganIsStoredBeforeItsFirstEvent() async throws {
        try await Scene.play { scene in
            try scene.insert(Scene.numbers(0..<3))
            let events = try scene.publish([scene.exactlyOnceStream()], count: 3)
            let first = try StoredPosition(json: try #require(try scene.records(scene.positionsTopic).first?.value))
            #expect(first.position.events == 0)
            #expect(try #require(first.position.token.data) < events[0].token)
        }
    }

    @Test func nowIsTheMomentOfTheFirstStart() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.exactlyOnceStream { $0.startAt = .now }])
            try scene.follow(scene.positionsTopic).wait(count: 1)
            #expect(try bridge.stop().isEmpty)
            try scene.insert(Scene.numbers(1..<2))
            #expect(try scene.publish([scene.exactlyOnceStream { $0.startAt = .now }], count: 1).count == 1)
        }
    }

    @Test func anIdleStreamStoresItsPostBatchToken() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.exactlyOnceStream()])
            let positions = try scene.follow(scene.positionsTopic)
            let first = try positions.wait(count: 1)[0]
            try scene.insert(Scene.numbers(1..<2), into: "noise")
            let later = try positions.wait(count: 2)[1]
            #expect(try bridge.stop().isEmpty)
            let tokens = try [first, later].map { try #require($0.document()["token"]?.documentValue?["_data"]?.stringValue) }
            #expect(tokens[0] < tokens[1])
            #expect(try scene.records().isEmpty)
        }
    }

    @Test func aCommittedPositionCoversWhatIsCommittedWithIt() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.exactlyOnceStream()])
            for round in 0..<20 as Range<Int32> { try scene.insert(Scene.numbers(round * 100..<round * 100 + 100)) }
            try scene.follow().wait(count: 2000)
            #expect(try bridge.stop().isEmpty)
            let tokens = try scene.records().map(\.token)
            for record in try scene.records(scene.positionsTopic) {
                let position = try StoredPosition(json: try #require(record.value)).position
                let token = try #require(position.token.data)
                #expect(tokens.count { $0 <= token } == Int(position.events))
            }
            #expect(try bridge.status(of: "fruits").recordsPublished == 2000)
        }
    }

    @Test func aServerThatCrashesAndComesBackIsResumed() async throws {
        try await Scene.playAlone { scene, server in
            try scene.insert(Scene.numbers(0..<100))
            let bridge = try scene.bridge([scene.exactlyOnceStream()])
            try scene.follow().wait(count: 100)
            server.crash()
            try scene.log.wait(for: "retrying: ")
            try server.restart()
            try scene.insert(Scene.numbers(100..<200))
            try scene.follow().wait(count: 200)
            #expect(try bridge.stop().isEmpty)
            try Self.expectAll(200, on: scene)
        }
    }

    @Test(.disabled(if: TestKafka.isReal, "the broker is not ours to stop"))
    func outagesOfKafkaAreWaitedOut() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.exactlyOnceStream()])
            for round in 0..<3 as Range<Int32> {
                try scene.insert(Scene.numbers(round * 100..<round * 100 + 100))
                try scene.follow().wait(count: Int(round) * 100 + 1)
                scene.kafka.setReachable(false)
                try scene.insert(Scene.numbers(1000 + round * 100..<1000 + round * 100 + 10))
                try scene.log.wait(for: "retrying: ", count: Int(round) + 1)
                scene.kafka.setReachable(true)
                try scene.log.wait(for: "back after", count: Int(round) + 1)
            }
            try scene.follow().wait(events: 330)
            #expect(try bridge.stop().isEmpty)
            #expect(try scene.position()?.position.events == 330)
            // What was aborted is seen here; order and completeness show without it.
            var seen: Set<String> = []
            let tokens = try scene.records().map(\.token).filter { seen.insert($0).inserted }
            #expect(tokens == tokens.sorted() && tokens.count == 330)
        }
    }

    @Test(.disabled(if: TestKafka.isReal, "the broker is not ours to stop"))
    func aStopDuringAnOutageOfKafkaEndsInItsTime() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.exactlyOnceStream()]) { $0.shutdownTimeout = .seconds(1) }
            try scene.insert(Scene.numbers(0..<10))
            try scene.follow().wait(count: 10)
            scene.kafka.setReachable(false)
            try scene.insert(Scene.numbers(10..<20))
            try scene.log.wait(for: "retrying: ")
            #expect(try bridge.stop().isEmpty)
            scene.kafka.setReachable(true)
            _ = try scene.publish([scene.exactlyOnceStream()], count: 20)
            #expect(try scene.position()?.position.events == 20)
        }
    }

    /// What was before it is committed; the fixed stream begins with it.
    @Test func aRecordThatIsTooLargeHaltsTheStreamAndIsTheFirstAfterTheMend() async throws {
        try await Scene.play { scene in
            let text = BSONValue.string(String(repeating: "x", count: 3_000_000))
            try scene.insert(Scene.numbers(0..<10))
            try scene.insert([["_id": 10, "text": text]])
            try scene.insert(Scene.numbers(11..<20))
            let halts = try scene.bridge([scene.exactlyOnceStream()]).halts()
            #expect(halts.map(\.status) == [.configuration])
            #expect(halts.first?.remedy.contains("message.max.bytes") == true)
            #expect(try scene.records().count == 10)
            #expect(try scene.position()?.position.events == 10)
            let bridge = try scene.bridge([scene.exactlyOnceStream()]) { $0.kafka.producer["message.max.bytes"] = "20000000" }
            try scene.follow().wait(count: 20)
            #expect(try bridge.stop().isEmpty)
            try Self.expectAll(20, on: scene)
        }
    }

    @Test func timesThatLibrdkafkaWouldRefuseHaltWithBothNames() async throws {
        try await Scene.play { scene in
            let halts = try scene.bridge([scene.exactlyOnceStream()]) { $0.kafka.producer["message.timeout.ms"] = "600000" }.halts()
            #expect(halts.map(\.status) == [.configuration])
            #expect(halts.first?.reason.contains("because transaction.timeout.ms is 60000") == true)
        }
    }

    @Test func checkSaysWhatARunWouldHaltFor() async throws {
        try await Scene.play { scene in
            let folder = try TemporaryFolder()
            let yaml = scene.yaml(delivery: .exactlyOnce).replacing("kafka:\n", with: "kafka:\n  delivery.timeout.ms: 120000\n")
            let file = try folder.write(yaml, to: "bridge.yaml")
            let check = try BridgeProgram(["check", "--config", file])
            #expect(try check.exitStatus() == 78)
            #expect(check.output.contains("delivery.timeout.ms is 120000"), "\(check.output)\(check.errors)")
            let run = try BridgeProgram(["run", "--config", file])
            #expect(try run.exitStatus() == 78)
        }
    }

    // MARK: A real broker

    /// Killed between the position's record and the commit: nobody waits for the broker to give the transaction up,
    /// because the next session's fence ends it.
    @Test(.enabled(if: TestKafka.isReal, "the mock cluster hides nothing behind an open transaction"))
    func aTransactionThatAKillLeftOpenIsEndedByTheFence() async throws {
        try await Scene.play { scene in
            var settings = scene.kafka.settings
            settings.producer["transaction.timeout.ms"] = "600000"
            let killed = try KafkaProducer(
                properties: ProducerProperties.make(
                    settings, memory: StreamMemory(limit: 64 << 20, streams: 1), transactional: .stream("fruits", of: scene.name)),
                logger: .silent)
            try killed.client.initTransactions(timeout: Patience.limit)
            try killed.client.beginTransaction()
            let positions = try killed.topic(scene.positionsTopic)
            #expect(
                try killed.produce(OutgoingRecord(key: Array("fruits".utf8), value: Array("{}".utf8), headers: []), to: positions, tag: 1))
            killed.endLinger()
            var isStored = false
            while !isStored { try killed.serve(timeout: .seconds(1)) { if case .acknowledged = $0 { isStored = true } } }

            let bridge = try scene.bridge([scene.exactlyOnceStream()])
            try scene.insert(Scene.numbers(0..<3))
            try scene.follow().wait(count: 3)
            #expect(try bridge.stop().isEmpty)
            try Self.expectAll(3, on: scene)
        }
    }

    @Test(.enabled(if: TestKafka.isReal, "the mock cluster deletes no topics"))
    func aTopicThatIsDeletedIsMadeAgainAsConfigured() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.exactlyOnceStream()]) { $0.topics.partitions = 3 }
            try scene.insert(Scene.numbers(0..<1))
            try scene.follow().wait(count: 1)
            try scene.kafka.delete(topic: scene.topic())
            try scene.insert(Scene.numbers(1..<2))
            try scene.log.wait(for: "created topic \(scene.topic())")
            try scene.follow(partitions: 3).wait(count: 1)
            let admin = try KafkaAdmin(settings: scene.kafka.settings, logger: .silent)
            let made = try admin.topic(scene.topic(), timeout: Patience.limit)
            #expect(made?.partitions == 3)
            #expect(try bridge.stop().isEmpty)
        }
    }

    /// A second bridge of the same name takes the stream over while the first one stands still; when that continues, it
    /// is fenced.
    @Test(.enabled(if: TestKafka.isReal, "the mock cluster fences nobody"))
    func aBridgeThatStoodStillRepeatsNothing() async throws {
        try await Scene.play { scene in
            let folder = try TemporaryFolder()
            let file = try folder.write(scene.yaml(delivery: .exactlyOnce), to: "bridge.yaml")
            try scene.kafka.create(topic: scene.topic())
            let load = Load(documents: 100, rounds: 120, on: scene)
            load.start()
            let follower = try scene.follow()
            let first = try BridgeProgram(["run", "--config", file])
            try follower.wait(events: load.writes / 4)
            first.signal(SIGSTOP)
            let second = try BridgeProgram(["run", "--config", file])
            try follower.wait(events: load.writes / 2)
            first.signal(SIGCONT)
            // Both want the stream now, and each fences the other.
            try follower.wait(events: load.writes * 3 / 4)
            second.signal(SIGKILL)
            try load.waitForEnd()
            try follower.wait(events: load.writes)
            first.signal(SIGTERM)
            #expect(try first.exitStatus() == 0, "\(first.errors)")
            let records = try follower.readToEnd(of: scene.kafka)
            #expect(try load.expectComplete(records) == 0)
            #expect(records.map(\.token) == records.map(\.token).sorted())
            #expect(try scene.position()?.position.events == Int64(load.writes))
        }
    }
}
