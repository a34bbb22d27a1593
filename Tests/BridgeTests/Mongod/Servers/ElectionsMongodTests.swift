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
            let bridge = try scene.bridge([scene.stream()]) { $0.http = HTTPSettings(listen: "127.0.0.1:0", token: nil) }
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
            let figures = try bridge.ask("/metrics")
            #expect(figures.value(of: "bridge_mongodb_elections_total") ?? 0 >= 2)
            #expect(figures.value(of: "bridge_ready") == 1)
            #expect(try bridge.stop().isEmpty)
            try load.expectComplete(follower.readToEnd(of: scene.kafka))
            #expect(scene.log.lines(containing: "halted").isEmpty)
        }
    }
}
