import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// Several bridges of one configuration: who leads, who stands by, and what happens when the leader goes.
@Suite struct FailoverMongodTests {
    /// Every event of the server, in its order; what is repeated, after its first time.
    private static func expectComplete(_ scene: Scene, exactly: Bool, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let expected = try scene.events().compactMap { $0["_id"]?.documentValue?["_data"]?.stringValue }
        let records = try scene.records().map(\.token)
        var seen: Set<String> = []
        let isComplete = records.filter { seen.insert($0).inserted } == expected
        #expect(isComplete, "\(seen.count) different events of \(expected.count)", sourceLocation: sourceLocation)
        if exactly { #expect(records.count == expected.count, sourceLocation: sourceLocation) }
    }

    @Test func whoStandsByFollowsALeaderThatStops() async throws {
        try await Scene.play { scene in
            // Nobody waits for the time-out of a member that has left.
            let (leader, standby) = try Pair(scene, sessionTimeout: 200_000).startBoth()
            try scene.insert(Scene.numbers(0..<50))
            try scene.follow().wait(count: 51)
            leader.signal(SIGTERM)
            #expect(try leader.exitStatus() == 0, "\(leader.errors)")
            try scene.insert(Scene.numbers(50..<100))
            try scene.follow().wait(count: 101)
            standby.signal(SIGTERM)
            #expect(try standby.exitStatus() == 0, "\(standby.errors)")
            #expect(standby.errors.contains("leads this stream now"))
            try Self.expectComplete(scene, exactly: true)
            #expect(try scene.position()?.position.events == 101)
        }
    }

    /// Nothing fences one of two that publish: only the group's word keeps the second one from beginning.
    @Test func whoStandsByPublishesNothingWhileTheLeaderLives() async throws {
        try await Scene.play { scene in
            let load = Load(documents: 25, rounds: 200, on: scene)
            let pair = try Pair(scene, delivery: .atLeastOnce)
            load.start()
            let (leader, standby) = try pair.startBoth()
            try load.waitForEnd()
            try scene.follow().wait(events: load.writes + 1)
            // On a machine that is too busy for heartbeats the group takes the leader for dead, and the next one
            // repeats.
            let wasReplaced = standby.errors.contains("leads this stream now")
            for program in [standby, leader] {
                program.signal(SIGTERM)
                #expect(try program.exitStatus() == 0, "\(program.errors)")
            }
            try Self.expectComplete(scene, exactly: !wasReplaced)
        }
    }

    @Test(arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func whoStandsByFollowsALeaderThatDies(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            let (leader, standby) = try Pair(scene, delivery: delivery).startBoth()
            try scene.insert(Scene.numbers(0..<50))
            try scene.follow().wait(count: 51)
            leader.signal(SIGKILL)
            try scene.insert(Scene.numbers(50..<100))
            try scene.follow().wait(events: 101)
            standby.signal(SIGTERM)
            #expect(try standby.exitStatus() == 0, "\(standby.errors)")
            try Self.expectComplete(scene, exactly: TestKafka.isReal && delivery == .exactlyOnce)
            #expect(try scene.position()?.position.events == 101)
        }
    }

    /// The group gives up a leader that stands still; when it continues, it is fenced, and stands by.
    @Test(arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func aLeaderThatStoodStillStandsBy(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            let pair = try Pair(scene, delivery: delivery)
            let (leader, standby) = try pair.startBoth()
            leader.signal(SIGSTOP)
            try scene.insert(Scene.numbers(0..<50))
            try scene.follow().wait(events: 51)
            leader.signal(SIGCONT)
            try scene.insert(Scene.numbers(50..<100))
            try scene.follow().wait(events: 101)
            // Which of them leads now is the group's to say; the other one stands by.
            try pair.wait(for: "one stands by", of: [leader]) { _ in
                leader.errors.contains("stands by") || standby.errors.components(separatedBy: "stands by").count > 2
            }
            for program in [leader, standby] { program.signal(SIGTERM) }
            for program in [leader, standby] { #expect(try program.exitStatus() == 0, "\(program.errors)") }
            try Self.expectComplete(scene, exactly: TestKafka.isReal && delivery == .exactlyOnce)
            // The one that comes back continues from where the other one is, not from where it was.
            if TestKafka.isReal || delivery == .atLeastOnce {
                let events = try scene.records(scene.positionsTopic).compactMap { $0.value }.map {
                    try StoredPosition(json: $0).position.events
                }
                #expect(events == events.sorted())
            }
        }
    }

    /// What it had on its way when it froze is acknowledged when it continues, and its position is due: older by then
    /// than the newest one.
    @Test func aFrozenLeaderStoresNothingOlder() async throws {
        try await Scene.play { scene in
            let pair = try Pair(scene, delivery: .atLeastOnce)
            let (leader, standby) = try pair.startBoth()
            let isOver = Monitor(false)
            let writer = LoopThread.start(name: "write") {
                var next: Int32 = 1000
                // Not more than the mock cluster keeps of a partition.
                while !isOver.wait(within: .milliseconds(20), until: { $0 }) {
                    try? scene.insert(Scene.numbers(next..<next + 1))
                    next += 1
                }
            }
            defer {
                isOver.update { $0 = true }
                writer.join()
            }
            let positions = try scene.follow(scene.positionsTopic)
            func wait(events: Int64) throws {
                try positions.wait(for: "a position after \(events) events") { records in
                    records.last?.value.flatMap { try? StoredPosition(json: $0) }.map { $0.position.events >= events } ?? false
                }
            }
            try wait(events: 100)
            leader.signal(SIGSTOP)
            try standby.wait(forError: "leads this stream now")
            var count = positions.records.count
            try positions.wait(for: "positions of the next leader") { $0.count >= count + 4 }
            leader.signal(SIGCONT)
            count = positions.records.count
            try positions.wait(for: "positions afterwards") { $0.count >= count + 6 }
            isOver.update { $0 = true }
            writer.join()
            try scene.follow().wait(events: scene.events().count)
            for program in [leader, standby] { program.signal(SIGTERM) }
            for program in [leader, standby] { #expect(try program.exitStatus() == 0, "\(program.errors)") }
            let values = try scene.records(scene.positionsTopic).compactMap { $0.value }
            let events = try values.map { try StoredPosition(json: $0).position.events }
            // Not compared as lists: a difference of thousands takes minutes to print.
            let backwards = zip(events, events.dropFirst()).filter { $0 > $1 }.prefix(3).map { "\($0) before \($1)" }
            #expect(backwards.isEmpty)
            try Self.expectComplete(scene, exactly: false)
        }
    }

    /// A member of the stream's group that comes first by its rank, in the name of a process.
    private static func withMember(of scene: Scene, named instance: String, _ body: () throws -> Void) throws {
        var kafka = scene.kafka.settings
        kafka.consumer["session.timeout.ms"] = "6000"
        var properties = ConsumerProperties.leadership(
            kafka, group: GroupName.of("fruits", of: scene.name), rank: "-")
        properties["client.id"] = "-.\(instance)"
        let member = try GroupConsumer(topic: InternalTopics.control(of: scene.name), properties: properties, logger: .silent)
        let (hasLead, isOver) = (Monitor(false), Monitor(false))
        try member.subscribe()
        let thread = LoopThread.start(name: "member") {
            while !isOver.value {
                switch member.poll(timeout: .milliseconds(100)) {
                case .assigned(let partitions):
                    try? member.assign([:])
                    if !partitions.isEmpty { hasLead.update { $0 = true } }
                case .revoked(let partitions, _): try? member.unassign(partitions)
                default: break
                }
            }
            member.leave(until: .now + .seconds(5))
        }
        defer {
            isOver.update { $0 = true }
            thread.join()
        }
        try hasLead.wait(for: "the member to lead") { $0 ? () : nil }
        try body()
    }

    private static func withLivingMember(of scene: Scene, _ body: () throws -> Void) throws {
        let process = try ChildProcess("cat", input: .pipe)
        defer { process.end() }
        try withMember(of: scene, named: "\(ProcessInfo.processInfo.hostName)/\(process.processIdentifier)", body)
    }

    /// The third process of a lone bridge that was killed twice: the group counts the dead for a session time-out each.
    @Test(
        .disabled(if: !TestKafka.isReal, "the mock cluster does not tell who is in a group"),
        arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func aDeadProcessThatTheGroupStillCountsIsNotWaitedFor(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            let process = try ChildProcess("true")
            process.wait()
            let dead = "\(ProcessInfo.processInfo.hostName)/\(process.processIdentifier)"
            try Self.withMember(of: scene, named: dead) {
                let bridge = try scene.bridge([scene.stream { $0.delivery = delivery }])
                try scene.log.wait(for: "the group has given the lead to \(dead), which runs no more")
                try scene.insert(Scene.numbers(0..<5))
                try scene.follow().wait(count: 5)
                #expect(try bridge.status(of: "fruits").isLeader)
                #expect(try bridge.stop().isEmpty)
            }
            #expect(scene.log.lines(containing: "stands by").isEmpty)
        }
    }

    @Test(
        .disabled(if: !TestKafka.isReal, "the mock cluster does not tell who is in a group"),
        arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func aLivingProcessThatTheGroupChoseIsFollowed(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            var bridge: RunningBridge?
            try Self.withLivingMember(of: scene) {
                bridge = try scene.bridge([scene.stream { $0.delivery = delivery }])
                try scene.log.wait(for: "stands by")
            }
            try scene.insert(Scene.numbers(0..<5))
            try scene.follow().wait(count: 5)
            #expect(try bridge?.stop().isEmpty == true)
        }
    }

    /// No position tells of another process, and nothing fences this one. It asks the group before it begins, so not
    /// even what it publishes first is published twice.
    @Test(.disabled(if: !TestKafka.isReal, "the mock cluster does not tell who is in a group"))
    func aFirstStartPublishesNothingWhileAnotherMemberLives() async throws {
        try await Scene.play { scene in
            try scene.insert(Scene.numbers(0..<5))
            var bridge: RunningBridge?
            try Self.withLivingMember(of: scene) {
                bridge = try scene.bridge([scene.stream { $0.delivery = .atLeastOnce }])
                try scene.log.wait(for: "stands by")
                #expect(try scene.records().isEmpty)
                #expect(try scene.position() == nil)
            }
            try scene.follow().wait(count: 5)
            #expect(try bridge?.stop().isEmpty == true)
            #expect(try scene.records().count == 5)
        }
    }

    /// Nobody can be alive under that name, so there is nobody to wait for.
    @Test func aProcessThatDiedIsFollowedAtOnceByItsSuccessor() async throws {
        try await Scene.play { scene in
            let pair = try Pair(scene)
            let first = try pair.start()
            try scene.insert(Scene.numbers(0..<10))
            try scene.follow().wait(count: 10)
            first.signal(SIGKILL)
            #expect(try first.exitStatus() == -SIGKILL)
            let second = try pair.start()
            try scene.insert(Scene.numbers(10..<20))
            try scene.follow().wait(events: 20)
            #expect(!second.errors.contains("waiting for the group's word"))
            second.signal(SIGTERM)
            #expect(try second.exitStatus() == 0, "\(second.errors)")
        }
    }

    @Test func twoBridgesShareTheStreams() async throws {
        try await Scene.play { scene in
            for name in ["b", "c", "d"] { try scene.kafka.create(topic: scene.topic(name)) }
            let more = ["b", "c", "d"].map {
                "\n  - { name: \($0), watch: \(scene.database).fruits, topic: \(scene.topic($0)), fullDocument: default }"
            }.joined()
            let pair = try Pair(scene, more: more)
            let programs = [try pair.start(), try pair.start()]
            try pair.wait(for: "one stands by for each stream", of: programs) { _ in
                programs.reduce(into: Set()) { $0.formUnion(Self.standsBy($1)) }.count == 4
            }
            #expect(Self.standsBy(programs[0]).isDisjoint(with: Self.standsBy(programs[1])))
            // The mock cluster gives its members ids that say nothing of their rank.
            if TestKafka.isReal { #expect(programs.map { Self.standsBy($0).count } == [2, 2]) }
            try scene.insert(Scene.numbers(0..<10))
            for name in ["fruits", "b", "c", "d"] { try scene.follow(scene.topic(name)).wait(events: 10) }
            for program in programs { program.signal(SIGTERM) }
            for program in programs { #expect(try program.exitStatus() == 0, "\(program.errors)") }
        }
    }

    @Test(.disabled(if: TestKafka.isReal, "a topic that is gone is what the mock cluster can play"))
    func aControlTopicThatIsGoneIsMissedAndFoundAgain() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream { $0.delivery = .exactlyOnce }]) {
                $0.kafka.consumer["topic.metadata.refresh.interval.ms"] = "200"
            }
            try scene.follow(scene.positionsTopic).wait(count: 1)
            let control = InternalTopics.control(of: scene.name)
            scene.kafka.hide(topic: control)
            try scene.log.wait(for: "retrying: could not read topic \(control)")
            scene.kafka.show(topic: control)
            try scene.log.wait(for: "back after")
            try scene.insert(Scene.numbers(0..<1))
            try scene.follow().wait(events: 1)
            #expect(try bridge.stop().isEmpty)
        }
    }

    /// The streams that a bridge stands by for, as its log says.
    private static func standsBy(_ program: BridgeProgram) -> Set<String> {
        Set(program.errors.matches(of: /notice (\S+): stands by/).map { String($0.1) })
    }
}
