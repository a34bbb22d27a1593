import Foundation
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// The long form of the test of snapshots, for `make soak`. On a real broker: the mock cluster does not keep so many
/// records.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["BRIDGE_SOAK"] == "1" && TestKafka.isReal))
struct SnapshotSoakTests {
    @Test func tenKillsAndThreeStepDownsDuringASnapshotOf300000DocumentsLoseAndRepeatNothing() async throws {
        try await blocking {
            let set = try ThreeMembers(oplogMegabytes: 900)
            let scene = try Scene(uri: set.uri)
            for start in stride(from: Int32(0), to: 300_000, by: 10_000) {
                try scene.insert(SnapshotMongodTests.fruits(start..<start + 10_000))
            }
            let folder = try TemporaryFolder()
            let yaml = scene.yaml(stream: "snapshot: initial", delivery: .exactlyOnce).replacing(#/startAt: [^\n]*/#, with: "startAt: now")
            let file = try folder.write(yaml, to: "bridge.yaml")
            try scene.kafka.create(topic: scene.topic(), partitions: 4)
            let follower = try scene.follow(partitions: 4)
            var check = MirrorCheck(documents: 300_000)
            check.maxWrites = .max
            check.pause = .milliseconds(2)
            try check.run(on: scene, partitions: 4, isExact: true) {
                for kill in 1...10 {
                    let program = try BridgeProgram(["run", "--config", file])
                    try follower.wait(count: kill * 25_000)
                    if kill.isMultiple(of: 3) {
                        _ = try? scene.command(["replSetStepDown": 5, "secondaryCatchUpPeriodSecs": 3], on: "admin")
                    }
                    program.signal(SIGKILL)
                    _ = try program.exitStatus()
                }
                let last = try BridgeProgram(["run", "--config", file])
                _ = try SnapshotMongodTests.awaitEnd(scene)
                return { () throws in
                    last.signal(SIGTERM)
                    #expect(try last.exitStatus() == 0, "\(last.errors)")
                }
            }
        }
    }
}
