import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// Long loads with everything that can happen to a bridge, each verified twice: by `bridge verify`, and by the writes
/// themselves.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["BRIDGE_SOAK"] == "1"), .serialized)
struct TurmoilSoakTests {
    @Test func killsAndPausesUnderLoadLoseNothing() async throws {
        try await Scene.playAlone(arguments: ["--oplogSize", "900"]) { scene, _ in
            let turmoil = ChaosSchedule(kills: 10, pauses: 5, elections: 0, restarts: 0, seed: 1)
            try Self.run(turmoil, on: scene, set: nil, documents: 1000, rounds: 50, partitions: 32, delivery: .atLeastOnce)
        }
    }

    /// The exactly-once promise, with all that the three sides can do to it. Only a real broker hides what was not
    /// committed.
    @Test(.enabled(if: TestKafka.isReal, "exactly-once needs a real broker: set BRIDGE_TEST_KAFKA=host:port"))
    func everyWriteArrivesOnceAndInOrderThroughKillsElectionsAndRestarts() async throws {
        try await blocking {
            let set = try ThreeMembers(oplogMegabytes: 900)
            let scene = try Scene(uri: set.uri)
            let restart = ProcessInfo.processInfo.environment["BRIDGE_TEST_KAFKA_RESTART"]
            let turmoil = ChaosSchedule(kills: 30, pauses: 10, elections: 10, restarts: 3, restartCommand: restart, seed: 2)
            try Self.run(turmoil, on: scene, set: set, documents: 2000, rounds: 100, partitions: 6, delivery: .exactlyOnce)
        }
    }

    private static func run(
        _ turmoil: ChaosSchedule, on scene: Scene, set: ThreeMembers?, documents: Int, rounds: Int, partitions: Int32, delivery: Delivery
    ) throws {
        let began = ContinuousClock.now
        var turmoil = turmoil
        let folder = try TemporaryFolder()
        let file = try folder.write(scene.yaml(delivery: delivery), to: "bridge.yaml")
        try scene.kafka.create(topic: scene.topic(), partitions: partitions)
        let load = Load(documents: documents, rounds: rounds, on: scene)
        let follower = try scene.follow(partitions: partitions)
        let last = try turmoil.play(load, on: scene, set: set, file: file, follower: follower)
        last.signal(SIGTERM)
        #expect(try last.exitStatus() == 0, "\(last.errors)")

        let records = try scene.committed()
        let repeats = try load.expectComplete(records)
        let events = try scene.position()?.position.events ?? 0
        let verify = try BridgeProgram(["verify", "--config", file, "--stream", "fruits", "--from", "oldest"])
        #expect(try verify.exitStatus() == 0, "\(verify.output)\(verify.errors)")
        #expect(verify.output.contains("\(load.writes) records expected"), "\(verify.output)")
        if delivery == .exactlyOnce {
            #expect(repeats == 0)
            #expect(events == Int64(load.writes))
            for partition in 0..<partitions {
                let tokens = records.filter { $0.partition == partition }.map(\.token)
                #expect(tokens == tokens.sorted(), "partition \(partition)")
            }
        }
        print(
            "\(delivery.rawValue): \(turmoil.summary); \(load.writes) writes, \(records.count) records, \(repeats) repeats, "
                + "\(began.duration(to: .now).readable)")
        print(verify.output)
    }
}

extension Scene {
    /// Every record that readers of committed ones get from a topic now.
    fileprivate func committed() throws -> [TestRecord] {
        var records: [TestRecord] = []
        _ = try TopicReader.scan(
            topic(), admin: KafkaAdmin(settings: kafka.settings, logger: .silent), settings: kafka.settings, timeout: Patience.limit,
            stop: StopSignal(), waitsForTransactions: true, TestRecord.init, take: { record throws(KafkaError) in records.append(record) })
        return records
    }
}
