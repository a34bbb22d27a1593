import Foundation
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// Edits of a stream that runs. The mock cluster fences nobody, and its groups give the lead to anybody.
@Suite(.enabled(if: TestKafka.isReal, "set BRIDGE_TEST_KAFKA=host:port"))
struct RunningPositionsMongodTests {
    /// A bridge that runs as a process, and the stream that it leads.
    private static func play(
        _ delivery: Delivery = .exactlyOnce, _ body: @escaping @Sendable (Scene, StreamSettings, BridgeProgram) throws -> Void
    ) async throws {
        try await Scene.play { scene in
            try scene.kafka.create(topic: scene.topic())
            let folder = try TemporaryFolder()
            let file = try folder.write(scene.yaml(delivery: delivery), to: "bridge.yaml")
            let program = try BridgeProgram(["run", "--config", file])
            try body(scene, scene.stream { $0.delivery = delivery }, program)
            program.signal(SIGTERM)
            #expect(try program.exitStatus() == 0)
        }
    }

    @Test(arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func anIdleStreamGoesOnFromTheNewPositionAtOnce(delivery: Delivery) async throws {
        try await Self.play(delivery) { scene, stream, _ in
            try scene.insert(Scene.numbers(0..<4))
            let follower = try scene.follow()
            let published = try follower.wait(count: 4)
            let change = try scene.setPosition(of: stream, to: published[1].token)
            guard case .stoodBack = change.leader else {
                Issue.record("the leader did not stand back")
                return
            }
            let records = try follower.wait(count: 6)
            #expect(records.map(\.token) == published.map(\.token) + published[2...].map(\.token))
        }
    }

    /// Inserts documents from 10 on until `body` returns.
    private static func whileWriting(to scene: Scene, _ body: () throws -> Void) throws {
        let isOver = Monitor(false)
        let writer = LoopThread.start(name: "write") {
            var next: Int32 = 10
            while !isOver.value {
                try? scene.insert(Scene.numbers(next..<next + 20))
                next += 20
            }
        }
        defer {
            isOver.update { $0 = true }
            writer.join()
        }
        try body()
    }

    @Test func aBusyStreamGoesOnFromTheNewPositionAndLosesNothing() async throws {
        try await Self.play { scene, stream, _ in
            try scene.insert(Scene.numbers(0..<10))
            let follower = try scene.follow()
            let published = try follower.wait(count: 10)
            try Self.whileWriting(to: scene) {
                for _ in 1...3 {
                    #expect(try scene.setPosition(of: stream, to: published[4].token).edit != nil)
                    let count = follower.records.count
                    try follower.wait(for: "the events again") { $0.count > count && $0.last?.token == published[5].token }
                }
            }
            try scene.insert([["_id": "last"]])
            let records = try follower.wait(for: "the last event") { $0.last?.text?.contains("last") ?? false }
            let expected = try scene.events().compactMap { $0["_id"]?.documentValue?["_data"]?.stringValue }
            // Each run from an edit on is the change stream without a gap.
            var runs: [[String]] = [[]]
            for token in records.map(\.token) {
                if let last = runs.last?.last, token <= last { runs.append([]) }
                runs[runs.count - 1].append(token)
            }
            #expect(runs.count == 4)
            #expect(runs.first == Array(expected.prefix(runs[0].count)))
            for run in runs.dropFirst() { #expect(run == Array(expected[5...].prefix(run.count))) }
            #expect(runs.last?.last == expected.last)
        }
    }

    /// The next leader begins there, and nothing is published twice.
    @Test(arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func aStandbyChangesNothing(delivery: Delivery) async throws {
        try await Scene.play { scene in
            let pair = try Pair(scene, delivery: delivery)
            let programs = try pair.startBoth()
            let stream = scene.stream { $0.delivery = delivery }
            let follower = try scene.follow()
            try scene.insert(Scene.numbers(0..<3))
            let published = try follower.wait(count: 4)
            for count in [6, 8] {
                #expect(try scene.setPosition(of: stream, to: published[1].token).edit != nil)
                try follower.wait(count: count)
            }
            try scene.insert([["_id": "last"]])
            let records = try follower.wait(count: 9)
            #expect(records[..<8].map(\.token) == published.map(\.token) + published[2...].map(\.token) + published[2...].map(\.token))
            for program in [programs.leader, programs.standby] {
                program.signal(SIGTERM)
                #expect(try program.exitStatus() == 0)
            }
        }
    }

    /// Its predecessor's name is still in the stored position.
    @Test(arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func aStreamThatHasJustBegunAfterACrashGoesOnFromTheNewPosition(delivery: Delivery) async throws {
        try await Scene.play { scene in
            let pair = try Pair(scene, delivery: delivery)
            let crashed = try pair.start()
            let follower = try scene.follow()
            try scene.insert(Scene.numbers(0..<4))
            let published = try follower.wait(count: 4)
            try scene.follow(scene.positionsTopic).wait(for: "the position") { records in
                records.contains { $0.value.flatMap { try? StoredPosition(json: $0) }?.position.events == 4 }
            }
            crashed.signal(SIGKILL)
            _ = try crashed.exitStatus()
            let program = try pair.start()
            try program.wait(forError: "resuming after the stored position")
            _ = try scene.setPosition(of: scene.stream { $0.delivery = delivery }, to: published[1].token)
            #expect(try follower.wait(count: 6)[4...].map(\.token) == published[2...].map(\.token))
            program.signal(SIGTERM)
            #expect(try program.exitStatus() == 0)
        }
    }

    @Test func aRunningStreamThatIsResetBeginsAtItsStart() async throws {
        try await Self.play { scene, stream, _ in
            try scene.insert(Scene.numbers(0..<3))
            let follower = try scene.follow()
            let published = try follower.wait(count: 3)
            _ = try scene.positions([stream]) { try await $0.reset(stream, .init(by: "ann@desk")) }
            #expect(try follower.wait(count: 6).map(\.token) == published.map(\.token) + published.map(\.token))
        }
    }
}
