import CKafka
import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// Replays that errors, signals and kills interrupt.
@Suite struct ReplayInterruptionsMongodTests {
    /// A scene in which `count` inserts were published, and a file with its configuration.
    private static func play(
        _ count: Int32,
        _ body: @escaping @Sendable (_ scene: Scene, _ stream: StreamSettings, _ published: [TestRecord], _ file: String) throws -> Void
    ) async throws {
        try await Scene.play { scene in
            try scene.makeReplayTopics()
            try scene.insert((0..<count).map { ["_id": .int32($0)] })
            let stream = scene.stream { $0.delivery = .exactlyOnce }
            let published = try scene.publish([stream], count: Int(count))
            let folder = try TemporaryFolder()
            try body(scene, stream, published, try folder.write(scene.yaml(delivery: .exactlyOnce), to: "bridge.yaml"))
        }
    }

    private static func events(of id: String, _ scene: Scene) throws -> Int64 { try scene.replayRecord(id)?["events"]?.int64Value ?? 0 }

    @Test(.enabled(if: !TestKafka.isReal, "these errors are injected into the mock cluster"))
    func aProducerThatIsFinishedIsReplacedAndTheReplayGoesOn() async throws {
        try await Self.play(30) { scene, stream, published, _ in
            let brokers = try #require(scene.kafka.brokers)
            let request = try scene.replayRequest(stream) { $0.rate = 30 }
            let failures = Monitor(0)
            let summary = try scene.replays([stream]) { replay in
                try await replay.run(request) { progress in
                    guard progress.events >= 3, failures.value == 0 else { return }
                    failures.update { $0 += 1 }
                    brokers.fail(.endTxn, with: [RD_KAFKA_RESP_ERR_INVALID_TXN_STATE])
                }
            }
            #expect(failures.value == 1)
            #expect(summary.isDone)
            #expect(summary.events == 30)
            #expect(scene.log.lines(containing: "retrying: ").count == 1)
            // The mock cluster shows what was aborted, too.
            var seen: Set<String> = []
            #expect(try Scene.tokens(scene.records(scene.replayTopic)).filter { seen.insert($0).inserted } == Scene.tokens(published))
        }
    }

    @Test(.enabled(if: !TestKafka.isReal, "these errors are injected into the mock cluster"))
    func aReplayThatAnotherProcessGoesOnWithEndsAndSaysSo() async throws {
        try await Self.play(30) { scene, stream, _, _ in
            let brokers = try #require(scene.kafka.brokers)
            let request = try scene.replayRequest(stream) { $0.rate = 30 }
            let interrupted = try #require(throws: ReplayInterrupted.self) {
                try scene.replays([stream]) { replay in
                    try await replay.run(request) { progress in
                        if progress.events >= 3 { brokers.fail(.endTxn, with: [RD_KAFKA_RESP_ERR_PRODUCER_FENCED]) }
                    }
                }
            }
            #expect(interrupted.description.contains("another process continues with replay"), "\(interrupted)")
            #expect(interrupted.published >= 3)
        }
    }

    /// MongoDB answers, Kafka does not.
    @Test func aSignalEndsAReplayThatWaitsForKafka() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let kafka = try SilentServer()
            let folder = try TemporaryFolder()
            let yaml = scene.yaml(top: "startupTimeout: 5m\n", kafka: "127.0.0.1:\(kafka.port)")
            let file = try folder.write(yaml, to: "bridge.yaml")
            let program = try BridgeProgram(
                ["replay", "--stream", "fruits", "--from", "oldest", "--topic", "again", "--config", file])
            try SilentServer.awaitConnection(to: [kafka])
            program.signal(SIGINT)
            #expect(try program.exitStatus() == 130, "\(program.output)\(program.errors)")
        }
    }

    /// The same id was begun twice at the same moment: the other one's place, behind another filter, is none of this
    /// replay's.
    @Test func aReplayWhoseIdHasAnotherRecordMeanwhileEnds() async throws {
        try await Self.play(5) { scene, stream, published, _ in
            let deployment = try Deployment(of: scene.pool)
            let admin = try KafkaAdmin(settings: scene.kafka.settings, logger: .silent)
            let configuration = scene.configuration([stream])
            let range = EventRange(
                start: .after(ResumeToken(data: published[0].token)), from: .token(published[0].token), to: .token(published[4].token),
                newest: try deployment.clusterTime(pool: scene.pool))
            func record(filter: String?, at index: Int) -> StreamReplayRecord {
                StreamReplayRecord(
                    id: "twice", range: range, filter: filter, topic: scene.replayTopic, by: "ann@desk", startedAt: 0,
                    stored: StoredPosition(
                        stream: "fruits",
                        position: StreamPosition(token: ResumeToken(data: published[index].token), wallTime: nil, events: 0),
                        options: StoredPosition.definitionHash(of: stream), replicaSet: nil, writer: "", writtenAt: 0))
            }
            func run(_ record: StreamReplayRecord) throws -> Replay.Summary {
                let stop = StopSignal()
                return try StreamReplaySession(
                    configuration: configuration, settings: stream.replaying(filter: nil, topic: scene.replayTopic, bridge: scene.name),
                    options: ChangeStreamOptions(stream, on: deployment), range: range, record: record, rate: nil, deployment: deployment,
                    pool: scene.pool, topics: TopicCatalog(admin: admin, settings: configuration.topics, stop: stop, logger: .silent),
                    ledger: ReplayLedger(configuration, admin: admin, stop: stop), stop: stop, logger: .silent
                ).run { _ in }
            }
            let producer = try ReportingProducer(scene.kafka.settings)
            let other = record(filter: #"[{"$match":{"operationType":"update"}}]"#, at: 3)
            #expect(try producer.produce(scene.replaysTopic, key: Array("twice".utf8), value: other.json))
            try producer.wait(acknowledged: 1)
            let halt = try #require(throws: Halt.self) { try run(record(filter: nil, at: 0)) }
            #expect(halt.reason.contains("replay twice"), "\(halt)")
            #expect(try scene.records(scene.replayTopic).isEmpty)
            // One's own record, which an earlier session has left, is gone on from.
            #expect(try run(other).isDone)
            #expect(try Scene.tokens(scene.records(scene.replayTopic)) == [published[4].token])
        }
    }

    /// On a real broker, which hides what was not committed, exactly once.
    @Test func aReplayThatIsKilledAgainAndAgainGoesOnWithoutARepeat() async throws {
        try await Self.play(200) { scene, _, published, file in
            let begin = ["replay", "--stream", "fruits", "--from", "oldest", "--topic", scene.replayTopic, "--id", "killed"]
            for kill in 1...3 as ClosedRange<Int64> {
                let arguments = kill == 1 ? begin : ["replay", "--resume", "killed"]
                let program = try BridgeProgram(arguments + ["--rate", "50/s", "--config", file])
                let follower = try scene.follow(scene.replaysTopic)
                try follower.wait(for: "progress") { records in
                    guard let record = try? records.last?.document() else { return false }
                    return record["events"]?.int64Value ?? 0 >= kill * 30
                }
                program.signal(SIGKILL)
                #expect(try program.exitStatus() == -SIGKILL)
            }
            #expect(try Self.events(of: "killed", scene) < 200)
            let last = try BridgeProgram(["replay", "--resume", "killed", "--config", file])
            #expect(try last.exitStatus() == 0, "\(last.errors)")
            #expect(last.output.contains("replay killed of stream fruits: 200 events published to \(scene.replayTopic)"), "\(last.output)")
            var tokens = try Scene.tokens(scene.records(scene.replayTopic))
            if !TestKafka.isReal {
                var seen: Set<String> = []
                tokens = tokens.filter { seen.insert($0).inserted }
            }
            #expect(tokens == Scene.tokens(published))
            let again = try BridgeProgram(["replay", "--resume", "killed", "--config", file])
            #expect(try again.exitStatus() == 64)
            #expect(again.errors.contains("replay killed is done"), "\(again.errors)")
        }
    }

    @Test func ctrlCCommitsWhatIsPublishedAndSaysHowToGoOn() async throws {
        try await Self.play(100) { scene, _, published, file in
            let program = try BridgeProgram([
                "replay", "--stream", "fruits", "--from", "oldest", "--topic", scene.replayTopic, "--id", "stopped", "--rate", "40",
                "--config", file,
            ])
            try scene.follow(scene.replayTopic).wait(count: 5)
            program.signal(SIGINT)
            #expect(try program.exitStatus() == 130, "\(program.errors)")
            #expect(program.errors.contains("continue with `bridge replay --resume stopped --rate 40/s`"), "\(program.errors)")
            let count = try scene.records(scene.replayTopic).count
            #expect(count < 100)
            #expect(try Self.events(of: "stopped", scene) == Int64(count))
            let last = try BridgeProgram(["replay", "--resume", "stopped", "--format", "json", "--config", file])
            #expect(try last.exitStatus() == 0, "\(last.errors)")
            #expect(last.output.contains("\"events\":100"), "\(last.output)")
            #expect(try Scene.tokens(scene.records(scene.replayTopic)) == Scene.tokens(published))
        }
    }

    @Test func theCommandLineSaysWhatIsWrong() async throws {
        try await Self.play(2) { scene, _, published, file in
            func run(_ arguments: String...) throws -> (status: Int32, text: String) {
                let program = try BridgeProgram(["replay"] + arguments + ["--config", file])
                return (try program.exitStatus(), program.output + program.errors)
            }
            let wrong: [([String], String)] = [
                ([], "name what to replay: --stream STREAM --from PLACE"),
                (["--stream", "fruits"], "--stream needs --from"),
                (["--stream", "fruit", "--from", "oldest"], "did you mean"),
                (["--stream", "fruits", "--from", "yesterday"], "TOPIC/PARTITION/OFFSET"),
                (["--stream", "fruits", "--from", "oldest", "--rate", "fast"], "--rate is a whole number"),
                (["--stream", "fruits", "--from", published[1].token, "--to", published[0].token], "is after --to"),
                (["--stream", "fruits", "--from", "oldest", "--filter", "{$out: x}"], "--filter: "),
                (["--resume", "x", "--stream", "fruits"], "takes no --stream"),
                (["--resume", "x"], "there is no replay"),
            ]
            for (arguments, sentence) in wrong {
                let program = try BridgeProgram(["replay"] + arguments + ["--config", file])
                #expect(try program.exitStatus() == 64, "\(arguments)")
                #expect(program.errors.contains(sentence), "\(arguments): \(program.errors)")
            }
            #expect(try run("--stream", "fruits", "--from", published[0].inventedToken).status == 65)
            let plan = try run("--stream", "fruits", "--from", "oldest", "--plan", "--rate", "1")
            #expect(plan.status == 0)
            #expect(plan.text.contains("2 insert \(scene.database).fruits"), "\(plan.text)")
            #expect(plan.text.contains("their consumers see the events again"), "\(plan.text)")
            #expect(plan.text.contains("it takes 2 s"), "\(plan.text)")
            #expect(try run("--stream", "fruits", "--from", "oldest", "--plan", "--format", "json").text.contains("\"events\":2"))
            let done = try run("--stream", "fruits", "--from", "oldest", "--id", "r1")
            #expect(done.status == 0)
            #expect(done.text.contains("their consumers see the events again"))
            #expect(done.text.contains("replay r1 of stream fruits: 2 events published to \(scene.topic())"), "\(done.text)")
        }
    }
}
