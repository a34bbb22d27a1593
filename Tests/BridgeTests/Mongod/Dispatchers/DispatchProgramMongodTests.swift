import Foundation
import Mongo
import Testing

@testable import StreamBridge

/// `bridge send`, `redrive` and `check` as a user runs them.
@Suite struct DispatchProgramMongodTests {
    /// The scene's dispatcher as a file.
    private struct Stage {
        let scene: Scene
        let folder: TemporaryFolder
        let file: String

        init(_ scene: Scene, kafka: String? = nil) throws {
            self.scene = scene
            folder = try TemporaryFolder()
            for topic in ["commands", "outcomes", "dead-letters"] { try scene.kafka.create(topic: "\(scene.name).\(topic)") }
            file = try folder.write(
                """
                name: \(scene.name)
                mongodb: { uri: "\(scene.uri)", serverSelectionTimeout: 2s }
                kafka: { bootstrap.servers: "\(kafka ?? scene.kafka.bootstrapServers)" }
                startupTimeout: 2s
                dispatchers:
                  - name: shipments
                    commands: \(scene.name).commands
                    outcomes: \(scene.name).outcomes
                    deadLetters: \(scene.name).dead-letters
                    collection: \(scene.database).shipments
                    fields: { product: string }
                    resource: { field: truck_id, label: Truck }
                    delivery: at-least-once
                """, to: "bridge.yaml")
        }

        func run(_ arguments: [String], input: String? = nil) throws -> (status: Int32, output: String, errors: String) {
            let program = try BridgeProgram(arguments + ["--config", file], input: input)
            let status = try program.exitStatus()
            return (status, program.output, program.errors)
        }

        func write(_ lines: [String]) throws -> String { try folder.write(lines.joined(separator: "\n"), to: "commands") }

        var commands: String { "\(scene.name).commands" }
    }

    private static func command(_ id: String) -> String { #"{"id":"\#(id)","truck_id":4,"product":"socks"}"# }

    @Test func sendTakesAFileAndStandardInput() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene)
            let file = try stage.run(["send", "shipments", stage.write([Self.command("c-1"), Self.command("c-2")])])
            #expect(file.status == 0, "\(file.errors)")
            #expect(file.output == "sent 2 commands to \(stage.commands)\n")
            #expect(file.errors.isEmpty)
            let input = try stage.run(["send", "shipments", "-"], input: Self.command("c-3"))
            #expect(input.status == 0, "\(input.errors)")
            #expect(input.output == "sent 1 command to \(stage.commands)\n")
            #expect(try scene.records(stage.commands).compactMap(\.keyText) == ["c-1", "c-2", "c-3"])
        }
    }

    @Test func sendRefusesFaultyLines() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene)
            let lines = [Self.command("c-1"), "nonsense", #"{"id":"c-2"}"#]
            let path = try stage.write(lines)
            let file = try stage.run(["send", "shipments", path])
            #expect(file.status == 78)
            #expect(file.output.isEmpty)
            #expect(file.errors.contains("\(path):2: the record is not JSON"))
            #expect(file.errors.contains("\(path):3: truck_id is missing"))
            #expect(file.errors.contains("nothing was sent"))
            #expect(try scene.records(stage.commands).isEmpty)
            let input = try stage.run(["send", "shipments", "-"], input: lines.joined(separator: "\n"))
            #expect(input.status == 78)
            #expect(input.errors.contains("standard input:2: "))
            #expect(input.errors.contains("sent 1 command to \(stage.commands), up to the faulty line"))
            let unchecked = try stage.run(["send", "shipments", path, "--unchecked"])
            #expect(unchecked.status == 0)
            #expect(try scene.records(stage.commands).count == 4)
        }
    }

    @Test func sendSaysWhatIsWrongWithItsArguments() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene)
            let name = try stage.run(["send", "shipment", "-"])
            #expect(name.status == 64)
            #expect(name.errors.contains("there is no dispatcher `shipment`; did you mean `shipments`? known: shipments"))
            let missing = try stage.run(["send", "shipments", "/nowhere/commands"])
            #expect(missing.status == 64)
            #expect(missing.errors.contains("cannot read /nowhere/commands: No such file or directory"))
            let away = try Stage(scene, kafka: "127.0.0.1:1").run(["send", "shipments", "-"], input: Self.command("c-1"))
            #expect(away.status == 69)
            #expect(away.errors.contains("Kafka could not be reached"))
        }
    }

    /// From the commands to the outcomes and dead letters, and back.
    @Test func commandsAreSentAnsweredAndRedriven() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene)
            let run = try BridgeProgram(["run", "--config", stage.file])
            let sent = try stage.run(["send", "shipments", "-", "--wait", "--timeout", "60s"], input: Self.command("c-1"))
            #expect(sent.status == 0, "\(sent.errors)\(run.errors)")
            #expect(sent.output == "sent 1 command to \(stage.commands)\nc-1 dispatched: Truck #4 has been sent out.\n")
            let json = try stage.run(
                [
                    "send", "shipments", stage.write([#"{"id":"c-2","truck_id":4}"#]), "--wait", "--timeout", "60s", "--unchecked",
                    "--format", "json",
                ])
            #expect(json.status == 0, "\(json.errors)")
            #expect(json.output.hasPrefix(#"{"id":"c-2","status":"invalid""#), "\(json.output)")

            let listed = try stage.run(["redrive", "shipments"])
            #expect(listed.status == 0, "\(listed.errors)")
            for text in ["0/0  ", "  invalid  c-2\n", "product is missing", #"{"id":"c-2","truck_id":4}"#, "1 dead letter of shipments"] {
                #expect(listed.output.contains(text), "\(listed.output)")
            }
            #expect(try scene.records(stage.commands).count == 2)
            let redriven = try stage.run(["redrive", "shipments", "--send", "--at", "0/0"])
            #expect(redriven.status == 0, "\(redriven.errors)")
            #expect(redriven.output.contains("sent 1 back to \(stage.commands)"))
            // It is as faulty as it was.
            try scene.follow("\(scene.name).dead-letters").wait(count: 2)
            let record = try #require(try scene.records(stage.commands).last)
            #expect(record.headers["bridge.redriven"] == "\(scene.name).dead-letters/0/0")
            run.signal(SIGTERM)
            #expect(try run.exitStatus() == 0)
        }
    }

    @Test func redriveSendsNothingWithoutAChoice() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene)
            for arguments in [["--send"], ["--all", "--id", "x"], ["--at", "x"], ["--since", "yesterday"]] {
                #expect(try stage.run(["redrive", "shipments"] + arguments).status == 64, "\(arguments)")
            }
            #expect(try stage.run(["redrive", "trucks"]).status == 64)
            let none = try stage.run(["redrive", "shipments", "--send", "--all"])
            #expect(none.status == 0)
            #expect(none.output == "0 dead letters of shipments in \(scene.name).dead-letters; sent 0 back to \(stage.commands)\n")
            let missing = try stage.run(["redrive", "shipments", "--at", "0/7", "--format", "json"])
            #expect(missing.status == 64)
            #expect(missing.output.isEmpty)
            #expect(missing.errors.contains("no dead letter of shipments at 0/7"))
        }
    }

    @Test func checkLooksAtDispatchers() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene)
            let check = try stage.run(["check"])
            #expect(check.status == 0, "\(check.output)\(check.errors)")
            for text in [
                "ok       topic \(scene.name).outcomes: ",
                "ok       dispatcher shipments: group bridge.\(scene.name).shipments: 0 commands waiting",
                "it will be made: db.", "without a pool a conflict is answered, never reassigned",
            ] {
                #expect(check.output.contains(text), "\(check.output)")
            }
        }
    }
}
