import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// Either side goes away and comes back in the middle of a flood of commands: each has one outcome in the end, and the
/// documents say the same.
@Suite struct DispatchOutagesMongodTests {
    @Test func aServerThatCrashesTwiceIsWaitedFor() async throws {
        try await Scene.playAlone { scene, server in
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...20), partitions: 4)
            let flood = CommandFlood(3000, trucks: 20)
            let bridge = try scene.bridge(dispatching)
            try dispatching.send(flood, 0..<1000)
            for crash in 1...2 {
                try dispatching.outcomes(count: 1000 * crash - 900)
                server.crash()
                let rest = 1000 * crash..<min(1000 * crash + 1000, flood.commands.count)
                try dispatching.send(flood, rest)
                try scene.log.wait(for: "retrying: ", count: crash)
                try server.restart()
                try scene.log.wait(for: "back after", count: crash)
            }
            try dispatching.outcomes(count: flood.commands.count)
            #expect(try bridge.stop().isEmpty)
            try dispatching.expectConsistent(flood)
            #expect(try dispatching.allOutcomes().count == flood.commands.count)
        }
    }

    @Test func aFrozenServerCostsNeitherMembershipNorCommands() async throws {
        try await Scene.playAlone { scene, server in
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...20), partitions: 4)
            let flood = CommandFlood(2000, trucks: 20)
            let bridge = try scene.bridge(dispatching) {
                $0.mongodb.uri += "&socketTimeoutMS=4000"
                // A member that did not poll or beat for as long as MongoDB says nothing would be put out.
                $0.kafka.consumer.merge(["session.timeout.ms": "3000", "max.poll.interval.ms": "3000", "heartbeat.interval.ms": "300"]) {
                    $1
                }
            }
            try dispatching.send(flood, 0..<1000)
            try dispatching.outcomes(count: 100)
            server.signal(SIGSTOP)
            try dispatching.send(flood, 1000..<flood.commands.count)
            try scene.log.wait(for: "retrying: ")
            #expect(try bridge.status(ofDispatcher: "shipments").state == .retrying)
            server.signal(SIGCONT)
            try dispatching.outcomes(count: flood.commands.count)
            try scene.log.wait(for: "back after")
            #expect(try bridge.status(ofDispatcher: "shipments").state == .streaming)
            #expect(scene.log.lines(containing: "gave up partitions").isEmpty)
            #expect(try bridge.stop().isEmpty)
            try dispatching.expectConsistent(flood)
            #expect(try dispatching.allOutcomes().count == flood.commands.count)
        }
    }

    @Test func aWorkerThatLetsGoOfItsCommandsDuringAnOutageHasNoTroubleLeft() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [])
            // Nothing listens there.
            let pool = try MongoClientPool(
                .init(
                    uri: "mongodb://127.0.0.1:1/?replicaSet=none", maxPoolSize: 2, serverSelectionTimeout: .milliseconds(200),
                    appName: scene.name))
            let status = DispatchStatus(dispatcher: "shipments", logger: .silent)
            let context = DispatchContext(
                settings: dispatching.settings, pool: pool,
                deployment: Deployment(replicaSet: "none", isSharded: false, version: "6.0.5"),
                writeConcern: .init(w: .majority, wtimeout: .seconds(5), journal: true),
                guardIndex: GuardIndex(kind: .partial, field: "truck_id", names: []), instance: scene.name, status: status,
                stop: StopSignal())
            let consumer = try GroupConsumer(
                topic: dispatching.settings.commands,
                properties: ConsumerProperties.make(scene.kafka.settings, group: scene.name, queueBytes: 1 << 20), logger: .silent)
            let (ledger, end) = (OffsetLedger(), SessionEnd())
            let worker = DispatchWorker(
                number: 0, queue: RecordQueue(of: consumer.client), context: context, ledger: ledger,
                continuity: CommandContinuity(
                    of: dispatching.settings, bridge: scene.name, kafka: scene.kafka.settings, requests: consumer.client.requests,
                    stop: context.stop, isCompacted: { nil }),
                handoff: BatchHandoff(maximumBytes: 1 << 20, maximumItems: 8, wakeTaker: {}), session: end,
                heartbeat: Watchdog().heartbeat(of: "work"))
            worker.queue.receive(topic: consumer.topic, partition: 0)
            ledger.begin([0: nil])
            try consumer.assign([0: nil])
            status.owns(partitions: 1)
            let thread = LoopThread.start(name: "work") { try? worker.run() }
            defer {
                end.end()
                worker.wake()
                thread.join(within: Patience.limit)
            }
            try dispatching.send([CommandText.dispatch("c-1", 4)])
            try Self.wait(for: status, "the trouble") { $0.state == .retrying && !$0.condition.silent.isEmpty }

            // As when the partition goes to another member.
            consumer.pause([0])
            worker.hands.abandon([0])
            try Self.wait(for: status, "its end") { $0.state == .streaming && $0.condition.silent.isEmpty }
        }
    }

    /// Waits until the dispatcher is as wanted.
    private static func wait(for status: DispatchStatus, _ what: String, until isWanted: (DispatchStatus.Snapshot) -> Bool) throws {
        let deadline = ContinuousClock.now + Patience.limit
        var backoff = Backoff(initial: .milliseconds(10), cap: .milliseconds(200))
        while true {
            let snapshot = status.snapshot
            if isWanted(snapshot) { return }
            guard .now < deadline else {
                throw WaitedInVain(what: "\(what); it is \(snapshot.state): \(snapshot.reason ?? "no reason")")
            }
            backoff.pause()
        }
    }

    @Test func aStopDoesNotWaitForAFrozenServerAndLeavesTheCommandsToTheNext() async throws {
        try await Scene.playAlone { scene, server in
            let dispatching = try Dispatching(scene, trucks: [4, 48])
            let first = try scene.bridge(dispatching) { $0.shutdownTimeout = .seconds(2) }
            let done = try dispatching.answer(to: CommandText.dispatch("c-1", 4))
            server.signal(SIGSTOP)
            try dispatching.send([CommandText.dispatch("c-2", 4), CommandText.complete("r-1", "c-1")])
            // The driver alone would wait for its answer much longer.
            #expect(try first.stop().isEmpty)
            server.signal(SIGCONT)
            let second = try scene.bridge(dispatching)
            let outcomes = try dispatching.outcomes(ids: 3)
            #expect(outcomes.first == done)
            #expect(outcomes.last?.message == "Truck #4 is free again.")
            #expect(try second.stop().isEmpty)
            try dispatching.expectConsistent(["c-1", "c-2", "r-1"])
        }
    }

    @Test(.disabled(if: TestKafka.isReal, "the broker is not ours to stop"))
    func aKafkaThatGoesAndComesBackGetsEveryOutcome() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...20), partitions: 4)
            let flood = CommandFlood(3000, trucks: 20)
            let bridge = try scene.bridge(dispatching)
            for round in 0..<3 {
                try dispatching.send(flood, round * 1000..<min(round * 1000 + 1000, flood.commands.count))
                try dispatching.outcomes(count: round * 1000 - round * 100 + 100)
                scene.kafka.setReachable(false)
                // The last outage may not be over yet for the bridge, which tells one trouble once.
                try scene.log.waitForTrouble()
                scene.kafka.setReachable(true)
            }
            _ = try dispatching.outcomes(ids: flood.ids.count)
            #expect(try bridge.stop().isEmpty)
            try dispatching.expectConsistent(flood)
        }
    }

    @Test func aSetOfThreeThatLosesItsPrimaryTwiceDecidesEachCommandOnce() async throws {
        try await blocking {
            let set = try ThreeMembers()
            let scene = try Scene(uri: set.uri)
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...20), partitions: 4)
            let flood = CommandFlood(3000, trucks: 20)
            let bridge = try scene.bridge(dispatching)
            try dispatching.send(flood, 0..<1000)
            try dispatching.outcomes(count: 100)
            // The answer may be lost with the connection that the step-down closes.
            _ = try? scene.command(["replSetStepDown": 20, "secondaryCatchUpPeriodSecs": 10], on: "admin")
            try dispatching.send(flood, 1000..<2000)
            try dispatching.outcomes(count: 1100)
            let primary = try set.primary(of: scene)
            primary.crash()
            try dispatching.send(flood, 2000..<flood.commands.count)
            try dispatching.outcomes(count: 2100)
            try primary.restart()
            try dispatching.outcomes(count: flood.commands.count)
            #expect(try bridge.stop().isEmpty)
            try dispatching.expectConsistent(flood)
            #expect(try dispatching.allOutcomes().count == flood.commands.count)
            #expect(scene.log.lines(containing: "halted").isEmpty)
        }
    }

    @Test func aWriteConcernThatCannotBeMetKeepsTheCommandsWaiting() async throws {
        try await blocking {
            let set = try ThreeMembers()
            let scene = try Scene(uri: set.uri)
            let dispatching = try Dispatching(scene, trucks: [4, 48])
            let bridge = try scene.bridge(dispatching) {
                $0.mongodb.writeConcern = .init(w: .nodes(3), wtimeout: .milliseconds(200), journal: true)
            }
            #expect(try dispatching.answer(to: CommandText.dispatch("c-1", 4)).assigned == 4)

            let primary = try set.primary(of: scene)
            let absent = try #require(set.members.first { $0.host != primary.host })
            absent.signal(SIGSTOP)
            try dispatching.send([CommandText.dispatch("c-2", 48)])
            try scene.log.wait(for: "retrying: ")
            #expect(scene.log.lines(containing: "retrying: ").first?.message.contains("server code 64") == true)
            // The document is there, with the outcome that nobody hears of as long as it may be lost. No other truck is
            // tried meanwhile.
            let reply = try scene.command(["find": "shipments", "filter": ["_id": "c-2"]])
            let pending = try #require(reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.first?.documentValue)
            #expect(pending["truck_id"] == 48)
            #expect(try dispatching.allOutcomes().count == 1)
            absent.signal(SIGCONT)

            let outcome = try dispatching.outcomes(count: 2)[1]
            #expect(outcome.message == "Truck #48 has been sent out.")
            #expect(try dispatching.shipments()["c-2"] == pending)
            #expect(try bridge.stop().isEmpty)
            try dispatching.expectConsistent(["c-1", "c-2"])
        }
    }

    /// Nobody knows whether a document has arrived: another truck would be a second one.
    @Test(
        arguments: [
            ["closeConnection": true], ["errorCode": 112],
            ["writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"]],
        ] as [BSONDocument])
    func noOtherTruckIsTriedBeforeTheServerHasDecided(_ failure: BSONDocument) async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            let dispatching = try Dispatching(scene, trucks: [4, 48])
            let bridge = try scene.bridge(dispatching)
            // The driver makes each call twice.
            try FailPoint.fail(["insert"], times: 6, with: failure, on: scene)
            let outcome = try dispatching.answer(to: CommandText.dispatch("c-1", 4))
            #expect(outcome.message == "Truck #4 has been sent out.")
            #expect(outcome.attempts == 1)
            #expect(try bridge.stop().isEmpty)
            try dispatching.expectConsistent(["c-1"])
        }
    }

    @Test func aSetWithoutAMajorityKeepsTheCommandsWaiting() async throws {
        try await blocking {
            let set = try ThreeMembers()
            let scene = try Scene(uri: set.uri)
            let dispatching = try Dispatching(scene, trucks: [4, 48])
            let bridge = try scene.bridge(dispatching) { $0.mongodb.writeConcern.wtimeout = .milliseconds(200) }
            #expect(try dispatching.answer(to: CommandText.dispatch("c-1", 4)).assigned == 4)
            let primary = try set.primary(of: scene)
            let others = set.members.filter { $0.host != primary.host }
            for member in others { member.signal(SIGSTOP) }
            try dispatching.send([
                CommandText.dispatch("c-2", 4), CommandText.complete("r-1", "c-1"), CommandText.dispatch("c-3", 4),
                CommandText.dispatch("c-4", 4),
            ])
            try scene.log.wait(for: "retrying: ")
            for member in others { member.signal(SIGCONT) }
            let outcomes = try dispatching.outcomes(count: 5)
            #expect(outcomes.map(\.status) == ["dispatched", "reassigned", "completed", "dispatched", "rejected"])
            #expect(try bridge.stop().isEmpty)
            try dispatching.expectConsistent(["c-1", "c-2", "c-3", "c-4", "r-1"])
            #expect(try dispatching.allOutcomes().count == 5)
        }
    }
}
