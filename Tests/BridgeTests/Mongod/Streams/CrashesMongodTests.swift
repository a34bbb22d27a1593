import Foundation
import Testing

@testable import StreamBridge

/// The bridge's process is killed without a warning, again and again, while a load is written.
@Suite struct CrashesMongodTests {
    @Test func everyWriteArrivesInOrderThoughTheProcessIsKilledAmidTheLoad() async throws {
        try await Scene.play { scene in
            try Crashes(kills: 4, documents: 200, rounds: 50, partitions: 4).run(on: scene)
        }
    }

    /// On a real broker, which hides what was not committed, exactly once.
    @Test func everyWriteArrivesOnceThoughTheProcessIsKilledAmidTheLoad() async throws {
        try await Scene.play { scene in
            try Crashes(kills: 6, documents: 200, rounds: 60, partitions: 4, delivery: .exactlyOnce).run(on: scene)
        }
    }
}

/// Kills during a load, then everything is compared.
struct Crashes {
    let kills: Int
    let documents: Int
    let rounds: Int
    let partitions: Int32
    var delivery = Delivery.atLeastOnce

    /// Repeats are allowed and reported, but not with exactly-once where they can be told.
    func run(on scene: Scene) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(scene.yaml(delivery: delivery), to: "bridge.yaml")
        try scene.kafka.create(topic: scene.topic(), partitions: partitions)
        let load = Load(documents: documents, rounds: rounds, on: scene)
        load.start()
        let follower = try scene.follow(partitions: partitions)
        for kill in 1...kills {
            let program = try BridgeProgram(["run", "--config", file])
            // Amid the load and amid the stream: each life publishes its share before it ends.
            try follower.wait(events: load.writes * kill / (kills + 1))
            program.signal(SIGKILL)
            #expect(try program.exitStatus() == -SIGKILL)
        }
        let last = try BridgeProgram(["run", "--config", file])
        try load.waitForEnd()
        try follower.wait(events: load.writes)
        last.signal(SIGTERM)
        #expect(try last.exitStatus() == 0, "\(last.errors)")
        let records = try follower.readToEnd(of: scene.kafka, partitions: partitions)
        let repeats = try load.expectComplete(records)
        if delivery == .exactlyOnce, TestKafka.isReal {
            #expect(repeats == 0)
            #expect(try scene.position()?.position.events == Int64(load.writes))
            for partition in 0..<partitions {
                let tokens = records.filter { $0.partition == partition }.map(\.token)
                #expect(tokens == tokens.sorted())
            }
        }
        #expect(try scene.position()?.position.events ?? 0 >= Int64(load.writes))
        print("\(kills) kills, \(load.writes) writes, \(records.count) records, \(repeats) repeats")
    }
}
