import Foundation
import Mongo
import Testing

@testable import StreamBridge

/// What the program holds while Kafka takes nothing.
@Suite(.serialized, .enabled(if: !TestKafka.isReal, "a real broker is not the test's to take away"))
struct MemoryMongodTests {
    /// What may come on top of `limits.memory`: the program itself, and its connections.
    private static let allowance = 64 << 20
    private static let kafka = "kafka:\n  message.max.bytes: 33554432\n"

    private static func document(_ id: Int32, bytes: Int) -> BSONDocument {
        ["_id": .int32(id), "text": .string(String(repeating: "x", count: bytes))]
    }

    /// Runs the program through an outage of Kafka in which documents of 15 MB are written, and takes the peak of its
    /// memory.
    private static func peak(_ yaml: String, streams names: [String] = ["fruits"], on scene: Scene) throws -> Int {
        let count: Int32 = 12
        let folder = try TemporaryFolder()
        let file = try folder.write(yaml, to: "bridge.yaml")
        for name in names { try scene.kafka.create(topic: scene.topic(name)) }
        try scene.insert([["_id": 0]])
        let program = try BridgeProgram(["run", "--config", file])
        let positions = try scene.follow(scene.positionsTopic)
        func events(_ records: [TestRecord], _ stream: String) -> Int64 {
            let newest = records.last { $0.keyText == stream }
            return newest?.value.flatMap { try? StoredPosition(json: $0).position.events } ?? 0
        }
        try positions.wait(for: "the first event") { records in names.allSatisfy { events(records, $0) == 1 } }
        scene.kafka.setReachable(false)
        for id in 1...count { try scene.insert([Self.document(id, bytes: 15_000_000)]) }
        try program.wait(forError: "retrying: ")
        scene.kafka.setReachable(true)
        // The embedded cluster keeps a few megabytes of a topic, so what came is told by what was stored behind it.
        try positions.wait(for: "all events") { records in names.allSatisfy { events(records, $0) == Int64(count) + 1 } }
        let peak = try #require(program.peakMemory)
        program.signal(SIGTERM)
        #expect(try program.exitStatus() == 0, "\(program.errors)")
        return peak
    }

    @Test(arguments: [Delivery.atLeastOnce, .exactlyOnce], [64, 256])
    func documentsOf15MBStayBelowTheLimit(_ delivery: Delivery, mebibytes: Int) async throws {
        try await Scene.playAlone(isSerial: true) { scene, _ in
            let yaml = scene.yaml(delivery: delivery, top: "limits: { memory: \(mebibytes)MiB }").replacing("kafka:\n", with: Self.kafka)
            let peak = try Self.peak(yaml, on: scene)
            #expect(peak < (mebibytes << 20) + Self.allowance)
        }
    }

    /// Thousands of small documents have made the look-ups large when the large documents come.
    @Test func lookedUpDocumentsStayBelowTheLimit() async throws {
        try await Scene.playAlone(arguments: ["--oplogSize", "900"]) { scene, _ in
            let (small, large): (Int32, Int32) = (4000, 120)
            try scene.insert((0..<small).map { ["_id": .int32($0)] })
            for id in 0..<large { try scene.insert([Self.document(10_000 + id, bytes: 1_000_000)]) }
            let yaml = scene.yaml(
                stream: "pipeline: [{ $match: { operationType: update } }]", top: "limits: { memory: 64MiB }"
            ).replacing("kafka:\n", with: Self.kafka).replacing("fullDocument: default", with: "fullDocument: batchedLookup")
            let folder = try TemporaryFolder()
            try scene.kafka.create(topic: scene.topic())
            let program = try BridgeProgram(["run", "--config", try folder.write(yaml, to: "bridge.yaml")])
            let positions = try scene.follow(scene.positionsTopic)
            func wait(forEvents count: Int32) throws {
                try positions.wait(for: "\(count) events") {
                    $0.last?.value.flatMap { try? StoredPosition(json: $0) }?.position.events == Int64(count)
                }
            }
            func update(from: Int32, to: Int32) throws {
                try scene.command([
                    "update": "fruits",
                    "updates": [["q": ["_id": ["$gte": .int32(from), "$lt": .int32(to)]], "u": ["$set": ["n": 1]], "multi": true]],
                    "writeConcern": ["w": "majority"],
                ])
            }
            try update(from: 0, to: small)
            try wait(forEvents: small)
            try update(from: 10_000, to: 10_000 + large)
            try wait(forEvents: small + large)
            let peak = try #require(program.peakMemory)
            program.signal(SIGTERM)
            #expect(try program.exitStatus() == 0, "\(program.errors)")
            #expect(peak < (64 << 20) + Self.allowance)
        }
    }

    @Test func severalStreamsShareTheLimit() async throws {
        try await Scene.playAlone(isSerial: true) { scene, _ in
            let names = ["pears", "plums", "figs"]
            let parts = scene.yaml().replacing("kafka:\n", with: Self.kafka).split(separator: "streams:\n")
            let streams = names.map { name in
                parts[1].replacing("name: fruits", with: "name: \(name)").replacing(
                    "topic: \(scene.topic())", with: "topic: \(scene.topic(name))")
            }
            let yaml = "\(parts[0])streams:\n\(streams.joined(separator: "\n"))\nlimits: { memory: 192MiB }\n"
            let peak = try Self.peak(yaml, streams: names, on: scene)
            #expect(peak < (192 << 20) + Self.allowance)
        }
    }
}
