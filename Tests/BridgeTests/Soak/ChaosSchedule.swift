import Foundation
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// Everything that can happen to a bridge on its way, at random, during a load: kills, pauses, elections, restarts of
/// the broker.
struct ChaosSchedule {
    enum Fault: CaseIterable {
        /// `kill -9`, and the next bridge at once.
        case kill
        /// SIGSTOP, a part of the load, SIGCONT.
        case pause
        /// The primary steps down, or is killed and comes back later.
        case election
        /// The broker is restarted by the command of `BRIDGE_TEST_KAFKA_RESTART`.
        case restart
    }

    /// What happens, in this order, spread evenly over the load.
    let blows: [Fault]
    private let restartCommand: String?
    private var counts: [String: Int] = [:]

    /// - Parameter seed: of the order of what happens, so that a run can be repeated.
    init(kills: Int, pauses: Int, elections: Int, restarts: Int, restartCommand: String? = nil, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        self.restartCommand = restartCommand
        blows = [(Fault.kill, kills), (.pause, pauses), (.election, elections), (.restart, restartCommand == nil ? 0 : restarts)]
            .flatMap { Array(repeating: $0.0, count: $0.1) }.shuffled(using: &generator)
    }

    /// Drives the load to its end, with all that happens meanwhile.
    ///
    /// - Returns: the program that runs at the end, after everything was published once.
    mutating func play(_ load: Load, on scene: Scene, set: ThreeMembers?, file: String, follower: TopicFollower) throws -> BridgeProgram {
        var program = try BridgeProgram(["run", "--config", file])
        var down: MongodProcess?
        load.start()
        for (number, blow) in blows.enumerated() {
            // Amid the load and amid the stream: each life publishes a share.
            let share = load.writes * (number + 1) / (blows.count + 1)
            try load.wait(forAcknowledged: share)
            try follower.wait(events: share / 2)
            switch blow {
            case .kill:
                program.signal(SIGKILL)
                #expect(try program.exitStatus() == -SIGKILL)
                program = try BridgeProgram(["run", "--config", file])
                count("kills")
            case .pause:
                program.signal(SIGSTOP)
                try load.wait(forAcknowledged: min(load.writes, share + load.writes / (2 * (blows.count + 1))))
                program.signal(SIGCONT)
                count("pauses")
            case .election:
                guard let set else { continue }
                if let member = down {
                    try member.restart()
                    down = nil
                }
                let primary = try set.settledPrimary(of: scene)
                if counts["step-downs", default: 0] <= counts["killed primaries", default: 0] {
                    // The answer may be lost with the connection that the step-down closes.
                    _ = try? scene.command(["replSetStepDown": 10, "secondaryCatchUpPeriodSecs": 5], on: "admin")
                    count("step-downs")
                } else {
                    primary.crash()
                    down = primary
                    count("killed primaries")
                }
            case .restart:
                guard let restartCommand else { continue }
                try Self.shell(restartCommand)
                count("broker restarts")
            }
        }
        try down?.restart()
        try load.waitForEnd()
        try follower.wait(events: load.writes)
        return program
    }

    private mutating func count(_ what: String) { counts[what, default: 0] += 1 }

    /// What happened, for people.
    var summary: String { counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ") }

    private static func shell(_ command: String) throws {
        let end = try ChildProcess("/bin/sh", ["-c", command]).wait()
        guard end == .status(0) else { throw WaitedInVain(what: "a good end of \(command): \(end)") }
    }
}

extension ThreeMembers {
    /// The primary, once every member is well again: killing one more would leave no majority.
    func settledPrimary(of scene: Scene) throws -> MongodProcess {
        let deadline = ContinuousClock.now + Patience.limit
        let stop = StopSignal()
        while ContinuousClock.now < deadline {
            let states = (try? scene.command(["replSetGetStatus": 1], on: "admin"))?["members"]?.arrayValue?.compactMap {
                $0.documentValue?["stateStr"]?.stringValue
            }
            if let states, states.count == members.count, states.allSatisfy({ $0 == "PRIMARY" || $0 == "SECONDARY" }),
                let primary = try? primary(of: scene)
            {
                return primary
            }
            // The server has nothing to wait at for this.
            _ = stop.wait(for: .milliseconds(200))
        }
        throw WaitedInVain(what: "three healthy members")
    }
}
