import Foundation
import Mongo

@testable import Runtime
@testable import StreamBridge

/// A pair of bridges, each a process.
final class Pair {
    let scene: Scene
    private let folder: TemporaryFolder
    private let file: String
    /// Counts what all of them said.
    private let news = Monitor(0)

    /// - Parameter sessionTimeout: milliseconds, on a real broker.
    init(_ scene: Scene, delivery: Delivery = .exactlyOnce, sessionTimeout: Int = 6000, more: String = "") throws {
        self.scene = scene
        try scene.kafka.create(topic: scene.topic())
        folder = try TemporaryFolder()
        // A broker takes no less than 6 s, unless it is configured to (group.min.session.timeout.ms). The mock cluster
        // loses a member whose first join, which takes 3 s there, lasts longer than this.
        let timeout = TestKafka.isReal ? sessionTimeout : 4000
        let yaml = scene.yaml(delivery: delivery).replacing(
            "kafka:\n", with: "kafka:\n  consumer: { session.timeout.ms: \(timeout) }\n")
        file = try folder.write(yaml + more, to: "bridge.yaml")
    }

    func start() throws -> BridgeProgram {
        try BridgeProgram(["run", "--config", file]) { [news] in news.update { $0 += 1 } }
    }

    /// Waits for the first of some programs that is as wanted.
    @discardableResult
    func wait(for what: String, of programs: [BridgeProgram], _ isWanted: (BridgeProgram) -> Bool) throws -> BridgeProgram {
        do {
            return try news.wait(for: what) { _ in programs.first(where: isWanted) }
        } catch {
            throw WaitedInVain(what: what + ": " + programs.map(\.errors).joined(separator: "\n---\n"))
        }
    }

    /// Starts both, and waits until one of them stands by.
    func startBoth() throws -> (leader: BridgeProgram, standby: BridgeProgram) {
        let first = try start()
        try scene.insert([["_id": "first"]])
        try scene.follow().wait(count: 1)
        let second = try start()
        let standby = try wait(for: "one stands by", of: [first, second]) { $0.errors.contains("stands by") }
        return standby === first ? (second, first) : (first, second)
    }
}
