import Foundation
import Testing

@testable import StreamBridge

/// Mistakes on the command line: each is told with what to write instead, and with the right status.
@Suite struct MistakesProgramTests {
    private let topics: CommandTopics
    private let folder: TemporaryFolder
    private let file: String

    init() throws {
        topics = try CommandTopics()
        folder = try TemporaryFolder()
        // Kafka is there, MongoDB is not asked.
        file = try folder.write(
            """
            name: \(UniqueName.make("mistakes"))
            mongodb: { uri: "mongodb://127.0.0.1:1/?replicaSet=none", serverSelectionTimeout: 300ms }
            kafka: { bootstrap.servers: "\(topics.kafka.bootstrapServers)" }
            streams: [{ name: fruits, watch: lessons.fruits }]
            dispatchers:
              - name: shipments
                commands: \(topics.dispatcher.commands)
                outcomes: \(topics.dispatcher.outcomes)
                deadLetters: \(topics.dispatcher.deadLetters)
                collection: lessons.shipments
                fields: { product: string }
                resource: { field: truck_id }
            startupTimeout: 5s
            """, to: "bridge.yaml")
        _ = try folder.write("", to: "empty")
        _ = try folder.write("\n \n", to: "blank")
        _ = try folder.write("just text", to: "text")
        try Data([0xff, 0x00, 0xfe]).write(to: folder.url.appending(path: "binary"))
    }

    private func expect(_ line: String, status: Int32, _ words: String..., isConfigured: Bool = true) throws {
        let arguments = line.split(separator: " ").map { String($0).replacing("FOLDER", with: folder.url.path) }
        let program = try BridgeProgram(arguments + (isConfigured ? ["--config", file] : []))
        #expect(try program.exitStatus() == status, "\(line): \(program.output)\(program.errors)")
        for words in words { #expect(program.errors.contains(words), "\(line): \(program.errors)") }
        #expect(program.output.isEmpty, "\(line): \(program.output)")
    }

    @Test func commandsThatAreMisspelt() async throws {
        try await blocking {
            try expect("runn", status: 64, "there is no command `runn`; did you mean `run`? known: run, check, ", isConfigured: false)
            try expect("tial x", status: 64, "there is no command `tial`; did you mean `tail`?")
            try expect("fly", status: 64, "there is no command `fly`; known: run, ")
            try expect(
                "positions lsit", status: 64,
                "there is no command `lsit`; did you mean `list`? known: list, show, history, set, reset, import")
            try expect("positions", status: 64, "name a command of `bridge positions` before its options: list, ")
            try expect("snapshot begin", status: 64, "there is no command `begin`; known: start, status, stop, resume")
            try expect("grants mongo", status: 64, "there is no command `mongo`; known: mongodb, kafka")
            try expect("run --konfig x", status: 64, "Unknown option '--konfig'. Did you mean '--config'?")
        }
    }

    @Test func helpAndVersionAreNoMistakes() async throws {
        try await blocking {
            for line in [
                ["--help"], ["help", "tail"], ["tail", "--help"], ["positions", "--help"], ["help", "positions", "set"],
                ["snapshot", "--help"], ["help", "snapshot", "start"], ["help", "snapshot", "status"], ["--version"], [],
            ] {
                let program = try BridgeProgram(line)
                #expect(try program.exitStatus() == 0, "\(line)")
                #expect(!program.output.isEmpty && program.errors.isEmpty, "\(line): \(program.errors)")
            }
        }
    }

    @Test func configurationsThatAreNone() async throws {
        try await blocking {
            for (name, words) in [
                ("nowhere", "No such file or directory; create one with `bridge init`"), ("", "Is a directory"),
                ("empty", "the file is empty"), ("text", "where the whole file is one mapping"), ("binary", "not UTF-8 text"),
            ] {
                try expect("config --config FOLDER/\(name)", status: 78, words, isConfigured: false)
            }
        }
    }

    @Test func numbersAndTimesThatAreNone() async throws {
        try await blocking {
            try expect("tail t --count -5", status: 64, "--count must be at least 1")
            try expect(
                "tail t --from -5", status: 64, "--from takes beginning, end, an offset, or a time such as 2026-01-31T00:00:00Z; found -5")
            try expect("tail t --from 99999999999999999999", status: 64, "--from takes beginning, end")
            try expect("verify --stream fruits --limit -1", status: 64, "--limit must be at least 0")
            try expect("send shipments - --timeout -5s", status: 64, "write a whole number with its unit, at most 24h")
            try expect("send shipments - --timeout 99999h", status: 64, "write a whole number with its unit, at most 24h")
            try expect("replay --stream fruits --from oldest --rate -5", status: 64, "--rate is a whole number of events per second")
            let copy = "replay --topic-from a --topic-to b"
            try expect("\(copy) --partition -1", status: 64, "a partition is 0 or more; found -1")
            try expect("\(copy) --partition 0 --from-offset -3", status: 64, "an offset is 0 or more; found -3")
            try expect("\(copy) --partition 0 --from-offset 5 --to-offset 2", status: 64, "--from-offset 5 is after --to-offset 2")
            try expect("redrive shipments --since yesterday", status: 64, "2026-01-31T00:00:00Z")
        }
    }

    /// Whether servers are there or not.
    @Test func rangesThatNothingCanLieIn() async throws {
        try await blocking {
            let range = "--stream fruits --from 2026-02-01T00:00:00Z --to 2026-01-31"
            for command in ["replay", "verify"] {
                try expect("\(command) \(range)", status: 64, "--from, cluster time ", "is after --to, cluster time ")
                try expect("\(command) --stream fruits --from now", status: 64, "--from takes no now: nothing has happened since")
                try expect("\(command) --stream fruits --from oldest --to oldest", status: 64, "--to takes no oldest")
            }
        }
    }

    @Test func namesThatAreNotThere() async throws {
        try await blocking {
            // What is wrong, and no usage: that was right.
            try expect(
                "send shipmentz -", status: 64, "Error: there is no dispatcher `shipmentz`; did you mean `shipments`? known: shipments\n")
            try expect("positions show fruitz", status: 64, "Error: there is no stream `fruitz`; did you mean `fruits`? known: fruits\n")
            // The embedded cluster makes every topic that is asked for.
            if TestKafka.isReal {
                try expect("tail \(UniqueName.make("no-topic")) --no-follow", status: 64, "there is no topic `", "correct the name")
            }
            try expect("replay --resume nope", status: 64, "there is no replay `nope`: topic bridge.", "has none")
            try expect("send shipments FOLDER/nowhere", status: 64, "cannot read", "No such file or directory")
            try expect("send shipments FOLDER", status: 64, "Is a directory")
            for name in ["empty", "blank"] {
                try expect("send shipments FOLDER/\(name)", status: 64, "there is no command in ", "/\(name)")
            }
        }
    }

    @Test func aDateIsATime() async throws {
        try await blocking {
            for time in ["2026-01-31", "2026-01-31T00:00Z", "2026-01-31T00:00:00Z"] {
                let program = try BridgeProgram(["tail", topics.dispatcher.commands, "--no-follow", "--from", time, "--config", file])
                #expect(try program.exitStatus() == 0, "\(time): \(program.errors)")
            }
        }
    }
}
