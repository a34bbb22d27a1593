import CKafka
import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// Answers and the offsets of their commands in one transaction. The mock cluster shows what was aborted, too, so
/// repeats are counted on a real broker only.
@Suite struct DispatchExactlyOnceMongodTests {
    private static func dispatching(_ scene: Scene) throws -> Dispatching {
        try Dispatching(scene, trucks: Dispatching.trucks(1...20), partitions: 4) { $0.delivery = .exactlyOnce }
    }

    /// Each record of the command topic has one answer; a command that was sent twice has the same one twice.
    private static func expectOnce(_ dispatching: Dispatching, _ flood: CommandFlood, sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        try dispatching.expectConsistent(flood, sourceLocation: sourceLocation)
        guard TestKafka.isReal else { return }
        #expect(try dispatching.allOutcomes().count == flood.commands.count, "seed \(flood.seed)", sourceLocation: sourceLocation)
    }

    private static func awaitAll(_ dispatching: Dispatching, _ flood: CommandFlood) throws {
        _ = try dispatching.outcomes(ids: flood.ids.count)
        if TestKafka.isReal { try dispatching.outcomes(count: flood.commands.count) }
    }

    @Test func aFloodIsAnsweredAndARestartAnswersNothingAgain() async throws {
        try await Scene.play { scene in
            let dispatching = try Self.dispatching(scene)
            let flood = CommandFlood(2000, trucks: 20)
            let first = try scene.bridge(dispatching)
            try dispatching.send(flood, 0..<1000)
            try dispatching.outcomes(count: 500)
            // Amid the flood: what is left is the next one's.
            #expect(try first.stop().isEmpty)
            let second = try scene.bridge(dispatching)
            try dispatching.send(flood, 1000..<flood.commands.count)
            try Self.awaitAll(dispatching, flood)
            #expect(try second.stop().isEmpty)
            try Self.expectOnce(dispatching, flood)
        }
    }

    @Test func aLoneCommandAndADeadLetterAreAnsweredAtOnce() async throws {
        try await Scene.play { scene in
            let dispatching = try Self.dispatching(scene)
            let bridge = try scene.bridge(dispatching)
            for number in 1...5 {
                #expect(try dispatching.answer(to: CommandText.dispatch("c-\(number)", number)).status == "dispatched")
                try dispatching.send(["no command"])
                try dispatching.deadLetters(count: number)
            }
            #expect(try bridge.stop().isEmpty)
            let status = try bridge.status(ofDispatcher: "shipments")
            #expect(status.outcomes["dispatched"] == 5)
            #expect(status.deadLetters == 5)
        }
    }

    @Test func aServerThatCrashesIsWaitedFor() async throws {
        try await Scene.playAlone { scene, server in
            let dispatching = try Self.dispatching(scene)
            let flood = CommandFlood(2000, trucks: 20)
            let bridge = try scene.bridge(dispatching)
            try dispatching.send(flood, 0..<1000)
            try dispatching.outcomes(count: 300)
            server.crash()
            // Those may have been done before.
            try dispatching.send(flood, 1000..<flood.commands.count)
            try scene.log.wait(for: "retrying: ")
            try server.restart()
            try Self.awaitAll(dispatching, flood)
            #expect(try bridge.stop().isEmpty)
            try Self.expectOnce(dispatching, flood)
        }
    }

    @Test(.disabled(if: TestKafka.isReal, "the broker is not ours to stop"))
    func aKafkaThatGoesAndComesBackGetsEveryOutcome() async throws {
        try await Scene.play { scene in
            let dispatching = try Self.dispatching(scene)
            let flood = CommandFlood(2000, trucks: 20)
            let bridge = try scene.bridge(dispatching)
            for round in 0..<2 {
                try dispatching.send(flood, round * 1000..<min(round * 1000 + 1000, flood.commands.count))
                try dispatching.outcomes(count: round * 1000 - round * 100 + 100)
                scene.kafka.setReachable(false)
                try scene.log.wait(for: "retrying: ", count: round + 1)
                scene.kafka.setReachable(true)
                try scene.log.wait(for: "back after", count: round + 1)
            }
            try Self.awaitAll(dispatching, flood)
            #expect(try bridge.stop().isEmpty)
            try Self.expectOnce(dispatching, flood)
        }
    }

    /// It has no place in the group any more, and nobody to give it one: its answers are the next owner's to give.
    @Test(.disabled(if: TestKafka.isReal, "the broker is not ours to command"))
    func aMemberThatIsGivenUpWhileItStopsLetsGoOfItsAnswers() async throws {
        try await Scene.play { scene in
            let brokers = try #require(scene.kafka.brokers)
            let dispatching = try Self.dispatching(scene)
            // Longer than anything is waited for here.
            let bridge = try scene.bridge(dispatching) { $0.shutdownTimeout = Patience.limit * 5 }
            _ = try dispatching.answer(to: CommandText.dispatch("c-1", 1))
            brokers.fail(.txnOffsetCommit, with: Array(repeating: RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, count: 100_000))
            try dispatching.send([CommandText.dispatch("c-2", 2)])
            // Given and taken back, which only the mock cluster shows.
            try dispatching.outcomes(count: 3)
            bridge.requestStop()
            brokers.fail(.heartbeat, with: Array(repeating: RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, count: 100))
            #expect(try bridge.halts().isEmpty)
            brokers.stopFailing(.txnOffsetCommit)
            brokers.stopFailing(.heartbeat)
            let next = try scene.bridge(dispatching)
            try dispatching.send([CommandText.dispatch("c-3", 3)])
            #expect(try dispatching.outcomes(ids: 3).last?.id == "c-3")
            #expect(try next.stop().isEmpty)
        }
    }

    /// Members come and go amid a flood.
    @Test func aRebalanceAnswersNothingTwice() async throws {
        try await Scene.play { scene in
            let dispatching = try Self.dispatching(scene)
            let flood = CommandFlood(3000, trucks: 20)
            let first = try scene.bridge(dispatching)
            try dispatching.send(flood, 0..<1000)
            try dispatching.outcomes(count: 200)
            let second = try scene.bridge(dispatching)
            try dispatching.send(flood, 1000..<2000)
            try dispatching.outcomes(count: 1200)
            #expect(try first.stop().isEmpty)
            try dispatching.send(flood, 2000..<flood.commands.count)
            let third = try scene.bridge(dispatching)
            try Self.awaitAll(dispatching, flood)
            #expect(try second.stop().isEmpty)
            #expect(try third.stop().isEmpty)
            try Self.expectOnce(dispatching, flood)
        }
    }

    // MARK: Topics that are deleted

    @Test(.enabled(if: TestKafka.isReal, "the mock cluster deletes no topics"))
    func outcomesWhoseTopicIsDeletedGoToANewOne() async throws {
        try await Scene.play { scene in
            let dispatching = try Self.dispatching(scene)
            let bridge = try scene.bridge(dispatching)
            #expect(try dispatching.answer(to: CommandText.dispatch("c-1", 1)).status == "dispatched")
            try scene.kafka.delete(topic: dispatching.settings.outcomes)
            try dispatching.send([CommandText.dispatch("c-2", 2)])
            try scene.log.wait(for: "retrying: ")
            try scene.log.wait(for: "back after")
            #expect(try scene.follow(dispatching.settings.outcomes).wait(count: 1).map(\.keyText) == ["c-2"])
            #expect(try bridge.stop().isEmpty)
        }
    }

    /// librdkafka continues at the old offset, without a word.
    @Test(.enabled(if: TestKafka.isReal, "the mock cluster deletes no topics"), arguments: [true, false])
    func commandsOfANewTopicThatTookTheOldOnesPlaceAreNotPassedOver(isRunning: Bool) async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...20)) { $0.delivery = .exactlyOnce }
            let folder = try TemporaryFolder()
            let file = try folder.write(dispatching.yaml(), to: "bridge.yaml")
            let program = try BridgeProgram(["run", "--config", file])
            try program.wait(forError: "took over partitions")
            try dispatching.send((0..<50).map { CommandText.dispatch("old-\($0)", 1) })
            try dispatching.outcomes(count: 50)
            try dispatching.waitUntilCommitted(50)
            if isRunning { program.signal(SIGSTOP) } else { program.signal(SIGKILL) }
            try scene.kafka.delete(topic: dispatching.settings.commands)
            try scene.kafka.create(topic: dispatching.settings.commands)
            let sender = try CommandSender(dispatching.settings.commands, on: scene.kafka.settings)
            try sender.send((0..<300).map { (OutgoingRecord(value: Array(CommandText.dispatch("new-\($0)", 1).utf8)), 0) })
            let next: BridgeProgram
            if isRunning {
                program.signal(SIGCONT)
                #expect(try program.exitStatus() == 65, "\(program.errors)")
                #expect(program.errors.contains("is not the one that commands were read from before"), "\(program.errors)")
                next = try BridgeProgram(["run", "--config", file])
            } else {
                next = try BridgeProgram(["run", "--config", file])
            }
            // The group's offsets went with the old topic.
            try dispatching.outcomes(count: 350)
            next.signal(SIGTERM)
            #expect(try next.exitStatus() == 0, "\(next.errors)")
        }
    }

    /// As many as were read, so that no offset is out of place.
    @Test(.enabled(if: TestKafka.isReal, "the mock cluster deletes no topics"))
    func asManyCommandsOfANewTopicDoNotWaitInSilence() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...20)) { $0.delivery = .exactlyOnce }
            let folder = try TemporaryFolder()
            let program = try BridgeProgram(["run", "--config", folder.write(dispatching.yaml(), to: "bridge.yaml")])
            try program.wait(forError: "took over partitions")
            try dispatching.send((0..<50).map { CommandText.dispatch("old-\($0)", 1) })
            try dispatching.outcomes(count: 50)
            try dispatching.waitUntilCommitted(50)
            program.signal(SIGSTOP)
            try scene.kafka.delete(topic: dispatching.settings.commands)
            try scene.kafka.create(topic: dispatching.settings.commands)
            let sender = try CommandSender(dispatching.settings.commands, on: scene.kafka.settings)
            try sender.send((0..<50).map { (OutgoingRecord(value: Array(CommandText.dispatch("new-\($0)", 1).utf8)), 0) })
            program.signal(SIGCONT)
            #expect(try program.exitStatus() == 65, "\(program.errors)")
            #expect(program.errors.contains("is not the one that commands were read from before"), "\(program.errors)")
        }
    }

    // MARK: Processes

    @Test(arguments: [SIGKILL, SIGSTOP])
    func aMemberThatDiesOrStandsStillAnswersNothingTwice(signal: Int32) async throws {
        try await Scene.play { scene in
            let dispatching = try Self.dispatching(scene)
            let flood = CommandFlood(4000, trucks: 20)
            let folder = try TemporaryFolder()
            // A broker allows no shorter sessions.
            let file = try folder.write(dispatching.yaml(), to: "bridge.yaml")
            let heir = try BridgeProgram(["run", "--config", file])
            let share = flood.commands.count / 4
            for round in 0..<3 {
                let member = try BridgeProgram(["run", "--config", file])
                try member.wait(forError: "took over partitions")
                try dispatching.send(flood, round * share..<(round + 1) * share)
                try dispatching.outcomes(count: round * share + share / 3)
                member.signal(signal)
                if signal == SIGSTOP {
                    // Until the others have its partitions and have answered what it had in hand.
                    try dispatching.outcomes(count: (round + 1) * share)
                    member.signal(SIGCONT)
                    member.signal(SIGTERM)
                    #expect(try member.exitStatus() == 0, "\(member.errors)")
                }
            }
            try dispatching.send(flood, 3 * share..<flood.commands.count)
            try Self.awaitAll(dispatching, flood)
            heir.signal(SIGTERM)
            #expect(try heir.exitStatus() == 0, "\(heir.errors)")
            try Self.expectOnce(dispatching, flood)
        }
    }
}
