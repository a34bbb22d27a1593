import Mongo
import Testing

@testable import StreamBridge

/// A replica set of three loses its primary while a load is written.
@Suite struct ElectionsMongodTests {
    @Test func everyAcknowledgedWriteArrivesThroughAStepDownAndAKilledPrimary() async throws {
        try await blocking {
            let set = try ThreeMembers()
            let scene = try Scene(uri: set.uri)
            let load = Load(documents: 100, rounds: 40, on: scene)
            let bridge = try scene.bridge([scene.stream()])
            _ = try bridge.streams()
            load.start()

            try load.wait(forAcknowledged: load.writes / 4)
            // The answer may be lost with the connection that the step-down closes.
            _ = try? scene.command(["replSetStepDown": 20, "secondaryCatchUpPeriodSecs": 10], on: "admin")

            try load.wait(forAcknowledged: load.writes / 2)
            let primary = try set.primary(of: scene)
            primary.crash()

            try load.wait(forAcknowledged: load.writes * 3 / 4)
            try primary.restart()

            try load.waitForEnd()
            let follower = try scene.follow()
            try follower.wait(events: load.writes)
            #expect(try bridge.stop().isEmpty)
            try load.expectComplete(follower.readToEnd(of: scene.kafka))
            #expect(scene.log.lines(containing: "halted").isEmpty)
        }
    }
}
