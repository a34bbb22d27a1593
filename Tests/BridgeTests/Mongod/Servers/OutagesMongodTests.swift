import Foundation
import Mongo
import Testing

@testable import StreamBridge

/// Either side goes away and comes back: the stream says so once, waits, and loses nothing.
@Suite struct OutagesMongodTests {
    private static func expectAll(_ count: Int, on scene: Scene, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let expected = try scene.events().compactMap { $0["_id"]?.documentValue?["_data"]?.stringValue }
        #expect(expected.count == count, sourceLocation: sourceLocation)
        #expect(try scene.records().map(\.token) == expected, sourceLocation: sourceLocation)
    }

    @Test func aFrozenServerIsWaitedFor() async throws {
        try await Scene.playAlone { scene, server in
            try scene.insert(Scene.numbers(0..<10))
            let bridge = try scene.bridge([scene.stream()]) { $0.mongodb.uri += "&socketTimeoutMS=2000" }
            try scene.follow().wait(count: 10)

            server.signal(SIGSTOP)
            try scene.log.wait(for: "retrying: ")
            #expect(try bridge.status(of: "fruits").state == .retrying)
            server.signal(SIGCONT)
            try scene.log.wait(for: "back after")
            try scene.insert(Scene.numbers(10..<20))
            try scene.follow().wait(count: 20)
            #expect(try bridge.status(of: "fruits").reason == nil)

            #expect(try bridge.stop().isEmpty)
            try Self.expectAll(20, on: scene)
            #expect(scene.log.lines(containing: "retrying: ").count == 1)
            #expect(scene.log.lines(containing: "back after").count == 1)
        }
    }

    @Test func aStopDoesNotWaitForAFrozenServer() async throws {
        try await Scene.playAlone { scene, server in
            try scene.insert(Scene.numbers(0..<10))
            let bridge = try scene.bridge([scene.stream()]) { $0.shutdownTimeout = .seconds(3) }
            try scene.follow().wait(count: 10)
            server.signal(SIGSTOP)
            // The driver alone would wait for its answer for five minutes.
            #expect(try bridge.stop().isEmpty)
            server.signal(SIGCONT)
            #expect(try scene.position()?.position.events == 10)
        }
    }

    @Test func aServerThatCrashesAndComesBackIsResumed() async throws {
        try await Scene.playAlone { scene, server in
            try scene.insert(Scene.numbers(0..<100))
            let bridge = try scene.bridge([scene.stream()])
            try scene.follow().wait(count: 100)
            for crash in 1...2 {
                server.crash()
                try scene.log.wait(for: "retrying: ", count: crash)
                try server.restart()
                let next = Int32(crash * 100)
                try scene.insert(Scene.numbers(next..<next + 100))
                try scene.follow().wait(count: Int(next) + 100)
            }
            #expect(try bridge.stop().isEmpty)
            try Self.expectAll(300, on: scene)
            #expect(scene.log.lines(containing: "retrying: ").count == 2)
        }
    }

    @Test func aStopDuringAnOutageOfMongoDBKeepsThePosition() async throws {
        try await Scene.playAlone { scene, server in
            try scene.insert(Scene.numbers(0..<10))
            let bridge = try scene.bridge([scene.stream()])
            try scene.follow().wait(count: 10)
            server.crash()
            try scene.log.wait(for: "retrying: ")
            #expect(try bridge.stop().isEmpty)
            #expect(try scene.position()?.position.events == 10)
            try server.restart()
            try scene.insert(Scene.numbers(10..<20))
            let records = try scene.publish([scene.stream()], count: 20)
            #expect(records.count == 20)
        }
    }

    @Test func aKilledCursorIsOpenedAgainAfterTheLastEvent() async throws {
        try await Scene.playAlone { scene, _ in
            let bridge = try scene.bridge([scene.stream()])
            try scene.insert(Scene.numbers(0..<10))
            try scene.follow().wait(count: 10)
            for round in 1...3 {
                // Whatever the bridge's cursor is at this moment: idle between two getMores or inside one.
                let pipeline: [BSONDocument] = [
                    ["$currentOp": ["idleCursors": true]],
                    ["$match": ["cursor.cursorId": ["$exists": true], "ns": .string("\(scene.database).fruits")]],
                ]
                let reply = try scene.command(
                    ["aggregate": 1, "pipeline": .array(pipeline.map { .document($0) }), "cursor": [:]], on: "admin")
                let operations = reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.compactMap(\.documentValue) ?? []
                let cursors = operations.compactMap { $0["cursor"]?.documentValue?["cursorId"] }
                #expect(!cursors.isEmpty)
                try scene.command(["killCursors": "fruits", "cursors": .array(cursors)])
                let next = Int32(round * 10)
                try scene.insert(Scene.numbers(next..<next + 10))
                try scene.follow().wait(count: Int(next) + 10)
            }
            #expect(try bridge.stop().isEmpty)
            try Self.expectAll(40, on: scene)
        }
    }

    // MARK: Kafka

    @Test(.disabled(if: TestKafka.isReal, "the broker is not ours to stop"))
    func anOutageOfKafkaStopsTheReaderAndLosesNothing() async throws {
        try await Scene.playAlone { scene, _ in
            let bridge = try scene.bridge([scene.stream()], partitions: 1) { $0.limits.memory = 4 << 20 }
            try scene.insert(Scene.numbers(0..<10))
            try scene.follow().wait(count: 10)

            scene.kafka.setReachable(false)
            let text = BSONValue.string(String(repeating: "x", count: 10_000))
            let kilobytes = 40_000
            for batch in 0..<Int32(kilobytes / 1000) {
                try scene.insert((0..<100).map { ["_id": .int32(100 + batch * 100 + $0), "text": text] })
            }
            try scene.log.wait(for: "retrying: ")
            // The hand-off, three batches and the producer's queue hold a few MB together, far less than was written.
            let status = try bridge.status(of: "fruits")
            let read = status.figures.operations.totalEvents + (status.load?.events ?? 0)
            #expect(read < 1500, "\(read) events of 10 KB were read into 4 MB")
            scene.kafka.setReachable(true)

            // More than the embedded cluster keeps of a partition, so the arrivals are counted as they come.
            let records = try scene.follow().wait(for: "the last event") { $0.last?.keyText == "{\"_id\":{\"$numberInt\":\"4099\"}}" }
            #expect(try bridge.status(of: "fruits").reason == nil)
            #expect(try bridge.stop().isEmpty)
            let tokens = records.map(\.token)
            #expect(tokens == tokens.sorted())
            #expect(try scene.position()?.position.events == 4010)
            #expect(scene.log.lines(containing: "retrying: ").count == 1)
        }
    }

    @Test(.disabled(if: TestKafka.isReal, "the broker is not ours to stop"))
    func severalShortOutagesOfKafkaKeepTheOrder() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream()])
            for round in 0..<Int32(4) {
                try scene.insert(Scene.numbers(round * 100..<round * 100 + 100))
                try scene.follow().wait(count: Int(round) * 100 + 1)
                scene.kafka.setReachable(false)
                try scene.insert(Scene.numbers(1000 + round * 100..<1000 + round * 100 + 10))
                try scene.log.wait(for: "retrying: ", count: Int(round) + 1)
                scene.kafka.setReachable(true)
                try scene.log.wait(for: "back after", count: Int(round) + 1)
            }
            try scene.follow().wait(count: 440)
            #expect(try bridge.stop().isEmpty)
            try Self.expectAll(440, on: scene)
        }
    }

    @Test(.disabled(if: TestKafka.isReal, "the broker is not ours to stop"), arguments: [Delivery.atLeastOnce, .exactlyOnce])
    func anIdleStreamIsBackWhenKafkaIs(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream { $0.delivery = delivery }])
            try scene.follow(scene.positionsTopic).wait(count: 1)
            scene.kafka.setReachable(false)
            try scene.log.wait(for: "retrying: ")
            scene.kafka.setReachable(true)
            // Not one event is published; the stored position, which moves with the others' writes, shows that Kafka is
            // there.
            try scene.insert(Scene.numbers(0..<1), into: "noise")
            try scene.log.wait(for: "back after")
            // A session that could not wait any longer may be at its beginning again.
            if delivery == .atLeastOnce { #expect(try bridge.status(of: "fruits").state == .idle) }
            #expect(try bridge.stop().isEmpty)
        }
    }
}
