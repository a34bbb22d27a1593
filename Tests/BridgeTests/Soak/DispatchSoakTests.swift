import Foundation
import Mongo
import Testing

@testable import StreamBridge

/// The long forms of the dispatchers' tests, for `make soak`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["BRIDGE_SOAK"] == "1"))
struct DispatchSoakTests {
    @Test func tenKillsDuringTwentyThousandCommandsDecideEachOnce() async throws {
        try await Scene.play { scene in
            try DispatchCrashes(kills: 10, commands: 20_000, trucks: 100, partitions: 8).run(on: scene)
        }
    }

    @Test func stepDownsUnderLoadDecideEachCommandOnce() async throws {
        try await blocking {
            let set = try ThreeMembers()
            let scene = try Scene(uri: set.uri)
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...100), partitions: 8)
            let flood = CommandFlood(12_000, trucks: 100)
            let bridge = try scene.bridge(dispatching)
            let rounds = 6
            let share = flood.commands.count / rounds
            for round in 0..<rounds {
                try dispatching.send(flood, round * share..<(round == rounds - 1 ? flood.commands.count : (round + 1) * share))
                try dispatching.outcomes(count: round * share + 200)
                // The answer may be lost with the connection that the step-down closes.
                _ = try? scene.command(["replSetStepDown": 5, "secondaryCatchUpPeriodSecs": 3], on: "admin")
            }
            try dispatching.outcomes(count: flood.commands.count)
            #expect(try bridge.stop().isEmpty)
            #expect(try dispatching.expectConsistent(flood) == flood.commands.count - flood.ids.count)
            #expect(scene.log.lines(containing: "halted").isEmpty)
        }
    }
}
