import Foundation
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// A broker that is away for longer than a transaction lives, for `make soak`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["BRIDGE_SOAK"] == "1" && !TestKafka.isReal))
struct OutagesSoakTests {
    /// `transaction.timeout.ms` is a minute.
    private static let outage: Duration = .seconds(75)

    @Test(arguments: [Delivery.atLeastOnce, .exactlyOnce])
    func aKafkaThatIsAwayForMoreThanAMinuteLosesNothing(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            let load = Load(documents: 100, rounds: 100, on: scene)
            let bridge = try scene.bridge([scene.stream { $0.delivery = delivery }])
            _ = try bridge.streams()
            load.start()
            try load.wait(forAcknowledged: load.writes / 4)
            scene.kafka.setReachable(false)
            // The outage itself: there is no condition that it ends with.
            _ = StopSignal().wait(for: Self.outage)
            #expect(try bridge.status(of: "fruits").state == .retrying)
            scene.kafka.setReachable(true)
            try load.waitForEnd()
            let follower = try scene.follow()
            try follower.wait(events: load.writes)
            #expect(try bridge.stop().isEmpty)
            try load.expectComplete(follower.readToEnd(of: scene.kafka))
            #expect(scene.log.lines(containing: "halted").isEmpty)
            #expect(scene.log.lines(containing: "back after").count == 1)
        }
    }
}
