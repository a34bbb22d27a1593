import Foundation
import Mongo
import Testing

@testable import StreamBridge

/// `bridge init` and `bridge run` without a file, as programs on real servers.
@Suite struct InitMongodTests {
    private static func sides(_ scene: Scene, uri: String? = nil) -> [String] {
        ["--mongodb", uri ?? scene.uri, "--kafka", scene.kafka.bootstrapServers, "--watch", "\(scene.database).fruits"]
    }

    private static func mode(of path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test func whatItWritesPassesTheCheckAndIsNeverOverwritten() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1], ["_id": 2]])
            let folder = try TemporaryFolder()
            let path = folder.url.appending(path: "bridge.yaml").path
            let program = try BridgeProgram(["init", "--output", path] + Self.sides(scene))
            #expect(try program.exitStatus() == 0, "\(program.output)\(program.errors)")
            #expect(program.output.contains("next: bridge run --config \(path)"))
            #expect(try Self.mode(of: path) == 0o600)
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.contains("About 2 documents are there"))
            #expect(try BridgeProgram(["check", "--config", path]).exitStatus() == 0)

            let again = try BridgeProgram(["init", "--output", path] + Self.sides(scene))
            #expect(try again.exitStatus() == 64)
            #expect(again.errors.contains("exists already"))
            #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
            let refused = try #require(throws: ConfigurationFile.Refused.self) { try ConfigurationFile.create("name: other", at: path) }
            #expect(refused.isTaken)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["bridge.yaml"])

            let printed = try BridgeProgram(["init", "--output", "-"] + Self.sides(scene))
            #expect(try printed.exitStatus() == 0)
            #expect(
                printed.output.contains("watch: \(scene.database).fruits") || printed.output.contains("watch: \"\(scene.database).fruits\"")
            )
        }
    }

    @Test func mistakesAreToldAndNothingIsWritten() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            try scene.command(["create": "seen", "viewOn": "fruits", "pipeline": []])
            let folder = try TemporaryFolder()
            let path = folder.url.appending(path: "bridge.yaml").path
            func expect(_ status: Int32, _ words: String, _ arguments: [String]) throws {
                let program = try BridgeProgram(["init", "--output", path] + arguments)
                #expect(try program.exitStatus() == status, "\(arguments): \(program.errors)")
                #expect(program.errors.contains(words), "\(arguments): \(program.errors)")
            }
            try expect(64, "missing: --kafka HOST:PORT, --watch DB.COLL", ["--mongodb", scene.uri])
            try expect(64, "--output is empty", Self.sides(scene) + ["--output", ""])
            try expect(64, "--mongodb: found", Self.sides(scene, uri: "mongo://h"))
            try expect(69, "MongoDB could not be reached", Self.sides(scene, uri: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=300"))
            let view = Self.sides(scene).dropLast() + ["\(scene.database).seen"]
            try expect(78, "is a view", Array(view))
            try expect(74, "cannot be created", Self.sides(scene) + ["--output", folder.url.appending(path: "nowhere/b.yaml").path])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
            let typo = try BridgeProgram(["init", "--output", "-"] + Self.sides(scene).dropLast() + ["\(scene.database).fruit"])
            #expect(try typo.exitStatus() == 0)
            #expect(typo.errors.contains("did you mean `\(scene.database).fruits`?"), "\(typo.errors)")
        }
    }

    @Test func aPasswordIsNeitherWrittenNorPrinted() async throws {
        try await GuardedMongod.play { guarded in
            let scene = guarded.scene
            try scene.command(
                [
                    "createUser": "gardener", "pwd": "s3cret-q7zx", "roles": [.document(["role": "read", "db": .string(scene.database)])],
                ], on: "admin")
            let folder = try TemporaryFolder()
            let path = folder.url.appending(path: "bridge.yaml").path
            let program = try BridgeProgram(
                ["init", "--output", path] + Self.sides(scene, uri: guarded.uri(as: "gardener:s3cret-q7zx")))
            _ = try program.exitStatus()
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.contains("gardener:${MONGODB_PASSWORD}@"), "\(text)\(program.errors)")
            #expect(program.errors.contains("set MONGODB_PASSWORD"))
            for output in [text, program.output, program.errors] { #expect(!output.contains("s3cret")) }
            let check = try BridgeProgram(["check", "--config", path], environment: ["MONGODB_PASSWORD": "s3cret-q7zx"])
            _ = try check.exitStatus()
            #expect(check.output.contains("ok       MongoDB: "), "\(check.output)\(check.errors)")
            let wrong = try BridgeProgram(
                ["init", "--output", "-"] + Self.sides(scene, uri: guarded.uri(as: "gardener:wr0ng-q7zx")))
            #expect(try wrong.exitStatus() == 78)
            #expect(wrong.errors.contains("refused the credentials") && !wrong.errors.contains("wr0ng"))
        }
    }

    @Test func aTerminalIsAskedForWhatIsMissing() async throws {
        // A server with so few collections that all of them are listed.
        try await Scene.playAlone { scene, _ in
            try scene.insert([["_id": 1]])
            let folder = try TemporaryFolder()
            let path = folder.url.appending(path: "bridge.yaml").path
            let terminal = try Terminal()
            let program = try BridgeProgram(["init", "--output", path], terminal: terminal)
            try program.wait(forError: "URI of MongoDB [")
            terminal.type(scene.uri)
            try program.wait(forError: "bootstrap servers of Kafka [")
            terminal.type(scene.kafka.bootstrapServers)
            try program.wait(forError: "\(scene.database).fruits")
            try program.wait(forError: "watch (")
            terminal.type("\(scene.database).")
            try program.wait(forError: "name a collection after the dot")
            terminal.type("\(scene.database).fruits")
            try program.wait(forError: "name of the bridge [\(scene.database)]")
            terminal.type("")
            #expect(try program.exitStatus() == 0, "\(program.output)\(program.errors)")
            #expect(try ConfigurationLoader.load(path: path, environment: [:]).configuration.name == scene.name)
        }
    }

    @Test func aSignalAtAQuestionWritesNothing() async throws {
        try await blocking {
            let folder = try TemporaryFolder()
            let program = try BridgeProgram(
                ["init", "--output", folder.url.appending(path: "bridge.yaml").path], terminal: try Terminal())
            try program.wait(forError: "URI of MongoDB [")
            program.signal(SIGINT)
            #expect(try program.exitStatus() == 130)
            #expect(program.errors.contains("nothing was written"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
        }
    }

    /// The snapshot comes once, and a second start continues behind it; so does a bridge with the file.
    @Test func aRunWithoutAFileContinues() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1], ["_id": 2]])
            let topic = "mongo.\(scene.database).fruits"
            try scene.kafka.create(topic: topic)
            func run(until count: Int, words: String) throws {
                let program = try BridgeProgram(["run"] + Self.sides(scene))
                try program.wait(forError: words)
                try scene.follow(topic).wait(count: count)
                program.signal(SIGINT)
                #expect(try program.exitStatus() == 0, "\(program.errors)")
                #expect(program.errors.contains("bridge init --mongodb"))
            }
            try run(until: 2, words: "a first look")
            try scene.insert([["_id": 3]])
            try run(until: 3, words: "resuming after the stored position")
            #expect(try scene.records(topic).map(\.operation) == ["insert", "insert", "insert"])
            #expect(Set(try scene.records(topic).compactMap(\.keyText)).count == 3)
            let folder = try TemporaryFolder()
            let path = folder.url.appending(path: "bridge.yaml").path
            let program = try BridgeProgram(["init", "--output", path] + Self.sides(scene))
            #expect(try program.exitStatus() == 0, "\(program.output)\(program.errors)")
            #expect(program.output.contains("stored position at cluster time"))
        }
    }

    @Test func optionsThatDoNotGoTogetherAreWrongUsage() async throws {
        try await blocking {
            for (arguments, words) in [
                (["--mongodb", "mongodb://h", "--watch", "a.b"], "missing: --kafka HOST:PORT"),
                (["--config", "x.yaml", "--watch", "a.b"], "--config names a configuration"),
            ] {
                let program = try BridgeProgram(["run"] + arguments)
                #expect(try program.exitStatus() == 64)
                #expect(program.errors.contains(words), "\(program.errors)")
            }
        }
    }

    // MARK: Lines below the log

    @Test(arguments: [(["--log-format", "text"], "xterm", true), (["--log-format", "json"], "xterm", false), ([], "dumb", false)])
    func aTerminalShowsWhatHappens(_ options: [String], _ kind: String, _ isShown: Bool) async throws {
        try await Scene.play { scene in
            try scene.kafka.create(topic: scene.topic())
            let folder = try TemporaryFolder()
            let file = try folder.write(scene.yaml(), to: "bridge.yaml")
            let program = try BridgeProgram(
                ["run", "--config", file] + options, environment: ["TERM": kind, "NO_COLOR": ""], terminal: try Terminal())
            try scene.insert([["_id": 1]])
            try scene.follow().wait(count: 1)
            if isShown { try program.wait(forError: "fruits  idle ") }
            program.signal(SIGTERM)
            #expect(try program.exitStatus() == 0, "\(program.errors)")
            #expect(program.errors.contains("\u{1b}[J") == isShown, "\(program.errors)")
            // The last thing is that they are wiped out.
            if isShown { #expect(program.errors.hasSuffix("\u{1b}[J")) }
        }
    }
}
