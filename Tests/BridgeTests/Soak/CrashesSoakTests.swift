import Foundation
import Testing

@testable import StreamBridge

/// The long form of the crash test, for `make soak`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["BRIDGE_SOAK"] == "1"))
struct CrashesSoakTests {
    @Test func tenKillsDuringAHundredThousandWritesLoseNothing() async throws {
        try await Scene.playAlone(arguments: ["--oplogSize", "900"]) { scene, _ in
            try Crashes(kills: 10, documents: 1000, rounds: 100, partitions: 32).run(on: scene)
        }
    }
}
