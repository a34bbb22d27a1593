import Foundation
import Mongo
import Testing

@testable import StreamBridge

/// `bridge replay --topic-from --topic-to` as a program: signals, kills, what it prints.
@Suite(.blocking) struct TopicCopyProgramTests {
    private let scene: CopyScene
    private let folder: TemporaryFolder
    private let file: String

    init() throws {
        scene = try CopyScene()
        folder = try TemporaryFolder()
        // No MongoDB is asked.
        file = try folder.write(
            """
            name: \(scene.bridge)
            mongodb: { uri: "mongodb://127.0.0.1:1/?replicaSet=none" }
            kafka: { bootstrap.servers: "\(scene.kafka.bootstrapServers)" }
            streams: [{ name: fruits, watch: lessons.fruits }]
            """, to: "bridge.yaml")
    }

    private func start(_ arguments: String...) throws -> BridgeProgram { try start(arguments) }

    private func start(_ arguments: [String]) throws -> BridgeProgram { try BridgeProgram(["replay"] + arguments + ["--config", file]) }

    private var topics: [String] { ["--topic-from", scene.source, "--topic-to", scene.target] }

    private func waitForProgress(_ count: Int64) throws {
        try TopicFollower("bridge.\(scene.bridge).replays", on: scene.kafka.settings).wait(for: "progress") { records in
            guard let record = try? records.last?.document() else { return false }
            return record["events"]?.int64Value ?? 0 >= count
        }
    }

    private func places(_ records: [TestRecord]) -> [String] {
        records.map { "\($0.headers["replay.partition"] ?? "")/\($0.headers["replay.offset"] ?? "")" }
    }

    /// On a real broker, which hides what was not committed, exactly once.
    @Test func aCopyThatIsKilledAgainAndAgainGoesOnWithoutARepeat() throws {
        try scene.send(200)
        for kill in 1...3 as ClosedRange<Int64> {
            let program = try start((kill == 1 ? topics + ["--id", "killed"] : ["--resume", "killed"]) + ["--rate", "50/s"])
            try waitForProgress(kill * 30)
            program.signal(SIGKILL)
            #expect(try program.exitStatus() == -SIGKILL)
        }
        let last = try start("--resume", "killed")
        #expect(try last.exitStatus() == 0, "\(last.errors)")
        #expect(last.output.contains("replay killed of topic \(scene.source): 200 records published to \(scene.target)"), "\(last.output)")
        let copies = try scene.records()
        #expect(Set(places(copies)).count == 200)
        if TestKafka.isReal { #expect(copies.count == 200) }
    }

    @Test func ctrlCCommitsWhatIsCopiedAndSaysHowToGoOn() throws {
        try scene.send(100)
        let program = try start(topics + ["--id", "stopped", "--rate", "40"])
        try waitForProgress(5)
        program.signal(SIGINT)
        #expect(try program.exitStatus() == 130, "\(program.errors)")
        #expect(program.errors.contains("continue with `bridge replay --resume stopped --rate 40/s`"), "\(program.errors)")
        #expect(try scene.records().count < 100)
        let last = try start("--resume", "stopped", "--format", "json")
        #expect(try last.exitStatus() == 0, "\(last.errors)")
        #expect(last.output.contains("\"events\":100"), "\(last.output)")
        let copies = places(try scene.records())
        #expect(copies.count == 100)
        #expect(Set(copies).count == 100)
    }

    @Test func theCommandLineSaysWhatIsWrong() throws {
        try scene.send(4)
        let wrong: [([String], String)] = [
            (["--topic-from", "a"], "both --topic-from and --topic-to"),
            (["--stream", "fruits"] + topics, "--stream is for a replay of a stream and --topic-from for one of a topic"),
            (topics + ["--from", "oldest"], "--from is for a replay of a stream"),
            (topics + ["--from-offset", "1"], "need --partition"),
            (topics + ["--from-time", "2026-01-31T00:00:00Z", "--from-offset", "1", "--partition", "0"], "not both"),
            (topics + ["--to-time", "2026-01-31T00:00:00Z", "--to-offset", "1", "--partition", "0"], "not both"),
            (topics + ["--partition", "0", "--from-offset", "3", "--to-offset", "1"], "is after --to-offset"),
            (topics + ["--from-time", "2026-01-31T00:00:01Z", "--to-time", "2026-01-31T00:00:00Z"], "--from-time is after --to-time"),
            (topics + ["--partition", "7"], "has the partitions 0 to 1"),
            (topics + ["--partition", "0", "--from-offset", "99"], "has the offsets from 0 to before 2"),
            (["--topic-from", scene.source, "--topic-to", scene.source], "within one topic needs an end"),
            (["--resume", "x", "--key", "k"], "takes no --key"),
        ]
        for (arguments, sentence) in wrong {
            let program = try start(arguments)
            #expect(try program.exitStatus() == 64, "\(arguments): \(program.errors)")
            #expect(program.errors.contains(sentence), "\(arguments): \(program.errors)")
        }
        let plan = try start(topics + ["--plan", "--key", "/[01]/"])
        #expect(try plan.exitStatus() == 0, "\(plan.errors)")
        #expect(plan.output.contains("1 records of \(scene.source)/0, offsets from 0 to before 2"), "\(plan.output)")
        #expect(plan.output.contains("nothing was changed"))
        #expect(try scene.records().isEmpty)
    }
}
