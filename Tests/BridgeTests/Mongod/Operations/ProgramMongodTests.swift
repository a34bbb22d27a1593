import Foundation
import Mongo
import Testing

@testable import StreamBridge

/// The built executable as a user runs it.
@Suite struct ProgramMongodTests {
    private static func config(_ text: String) throws -> (folder: TemporaryFolder, path: String) {
        let folder = try TemporaryFolder()
        return (folder, try folder.write(text, to: "bridge.yaml"))
    }

    // MARK: run

    @Test func aSignalEndsARunWithItsPositionStored() async throws {
        try await Scene.play { scene in
            let (folder, file) = try Self.config(scene.yaml())
            defer { withExtendedLifetime(folder) {} }
            try scene.kafka.create(topic: scene.topic())
            for (round, signal) in [SIGTERM, SIGINT].enumerated() {
                try scene.insert((0..<100).map { ["_id": .int32(Int32(round * 100 + $0))] })
                let program = try BridgeProgram(["run", "--config", file])
                try scene.follow().wait(count: (round + 1) * 100)
                program.signal(signal)
                #expect(try program.exitStatus() == 0, "\(program.errors)")
                #expect(try scene.position()?.position.events == Int64((round + 1) * 100))
            }
            #expect(try scene.records().count == 200)
        }
    }

    /// A run that has published one event, cannot publish more because Kafka is away, and was asked to stop.
    private func stoppedWithoutKafka(_ scene: Scene, _ file: String) throws -> BridgeProgram {
        try scene.kafka.create(topic: scene.topic())
        try scene.insert([["_id": 1]])
        let program = try BridgeProgram(["run", "--config", file])
        try scene.follow().wait(count: 1)
        scene.kafka.setReachable(false)
        try program.wait(forError: "retrying: ")
        try scene.insert((2..<50).map { ["_id": .int32($0)] })
        program.signal(SIGTERM)
        return program
    }

    @Test(.disabled(if: TestKafka.isReal, "the broker is not ours to stop"))
    func aSecondSignalEndsARunAtOnce() async throws {
        try await Scene.play { scene in
            let (folder, file) = try Self.config(scene.yaml(top: "shutdownTimeout: 10m\n"))
            defer { withExtendedLifetime(folder) {} }
            let program = try stoppedWithoutKafka(scene, file)
            try program.wait(forError: "stopping: ")
            program.signal(SIGTERM)
            #expect(try program.exitStatus() == 128 + SIGTERM)
            #expect(program.errors.contains("stopping at once"))
            scene.kafka.setReachable(true)
        }
    }

    @Test(.disabled(if: TestKafka.isReal, "the broker is not ours to stop"))
    func aRunThatCannotFinishEndsWithItsGraceAndLosesNothing() async throws {
        try await Scene.play { scene in
            let (folder, file) = try Self.config(scene.yaml(top: "shutdownTimeout: 2s\n"))
            defer { withExtendedLifetime(folder) {} }
            let program = try stoppedWithoutKafka(scene, file)
            #expect(try program.exitStatus() == 0)
            scene.kafka.setReachable(true)
            let again = try BridgeProgram(["run", "--config", file])
            let follower = try scene.follow()
            try follower.wait(events: 49)
            again.signal(SIGTERM)
            #expect(try again.exitStatus() == 0)
        }
    }

    // MARK: Exit statuses

    @Test func wrongUsageIs64() async throws {
        try await blocking {
            for arguments in [["fly"], ["run", "--konfig", "x"], ["tail"], ["tail", "t", "--from", "yesterday"]] {
                let program = try BridgeProgram(arguments)
                #expect(try program.exitStatus() == 64, "\(arguments)")
                #expect(program.errors.contains("Error: "))
            }
        }
    }

    @Test func aProgramReadsTheFaultsOfAConfigurationInTheListOfFindings() async throws {
        try await blocking {
            let (folder, file) = try Self.config("name: lessons\nkafka: { bootstrap.servers: x }\nstreams: [{ name: a, wach: b.c }]\n")
            defer { withExtendedLifetime(folder) {} }
            for path in [file, "/nowhere/bridge.yaml"] {
                let check = try BridgeProgram(["check", "--config", path, "--format", "json"])
                #expect(try check.exitStatus() == 78)
                #expect(check.output.hasPrefix("[") && check.output.contains("configuration.fault"), "\(check.output)")
            }
        }
    }

    @Test func aConfigurationWithFaultsIs78WithAllOfThem() async throws {
        try await blocking {
            let text = """
                name: lessons
                mongodb: { uri: "mongodb://127.0.0.1:port/" }
                kafka: { bootstrap.server: x }
                streams:
                  - name: inventory
                    wach: lessons.inventory
                    format: xml
                    delivery: at-least-once
                """
            let (folder, file) = try Self.config(text)
            defer { withExtendedLifetime(folder) {} }
            for command in ["run", "check", "config"] {
                let program = try BridgeProgram([command, "--config", file])
                #expect(try program.exitStatus() == 78)
                for fault in ["bootstrap.server", "wach", "xml", "mongodb.uri"] {
                    #expect(program.errors.contains(fault), "\(command): \(program.errors)")
                }
            }
            let missing = try BridgeProgram(["run", "--config", "/nowhere/bridge.yaml"])
            #expect(try missing.exitStatus() == 78)
        }
    }

    @Test func aServerThatIsNotThereIs69() async throws {
        try await Scene.play { scene in
            let top = "startupTimeout: 1s\n"
            for yaml in [
                scene.yaml(top: top, uri: "mongodb://127.0.0.1:1/?replicaSet=rs0&serverSelectionTimeoutMS=300"),
                scene.yaml(top: top, kafka: "127.0.0.1:1"),
            ] {
                let (folder, file) = try Self.config(yaml)
                defer { withExtendedLifetime(folder) {} }
                let program = try BridgeProgram(["run", "--config", file])
                #expect(try program.exitStatus() == 69, "\(program.errors)")
                #expect(program.errors.contains("could not be reached"))
                let check = try BridgeProgram(["check", "--config", file])
                #expect(try check.exitStatus() == 69, "\(check.output)")
            }
        }
    }

    @Test func aLostPositionIs65() async throws {
        try await Scene.play { scene in
            let yaml = scene.yaml(top: "startupTimeout: 2s\n").replacing(#/startAt: .*/#, with: "startAt: { token: \"82ABCDEF\" }")
            let (folder, file) = try Self.config(yaml)
            defer { withExtendedLifetime(folder) {} }
            try scene.kafka.create(topic: scene.topic())
            let program = try BridgeProgram(["run", "--config", file])
            #expect(try program.exitStatus() == 65, "\(program.errors)")
            #expect(program.errors.contains("halted: "))
            let check = try BridgeProgram(["check", "--config", file])
            #expect(try check.exitStatus() == 65, "\(check.output)")
        }
    }

    @Test func aStandaloneServerIs78WithTheReason() async throws {
        try await Scene.play { scene in
            let server = try MongodProcess()
            defer { server.stop() }
            let (folder, file) = try Self.config(scene.yaml(uri: server.uri))
            defer { withExtendedLifetime(folder) {} }
            let program = try BridgeProgram(["run", "--config", file])
            #expect(try program.exitStatus() == 78)
            #expect(program.errors.contains("change streams need a replica set, because they read its oplog"))
        }
    }

    // MARK: check, tail, config, demo

    @Test func checkTellsWhatItFoundAndChangesNothing() async throws {
        try await Scene.play { scene in
            // How long the check waits for an answer: the embedded cluster gives none about settings.
            let (folder, file) = try Self.config(scene.yaml(top: "startupTimeout: 2s\n"))
            defer { withExtendedLifetime(folder) {} }
            try scene.kafka.create(topic: scene.topic())
            let check = try BridgeProgram(["check", "--config", file])
            #expect(try check.exitStatus() == 0, "\(check.output)\(check.errors)")
            for text in ["ok       MongoDB: ", "replica set shared", "ok       Kafka: ", "ok       oplog: ", "stream fruits: opens at"] {
                #expect(check.output.contains(text), "\(check.output)")
            }
            #expect(try scene.records(scene.positionsTopic).isEmpty)

            try scene.insert([["_id": 1]])
            _ = try scene.publish([scene.stream()], count: 1)
            let json = try BridgeProgram(["check", "--config", file, "--format", "json"])
            #expect(try json.exitStatus() == 0)
            let findings = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
            #expect(findings.contains { ($0["text"] as? String)?.contains("1 events so far") == true }, "\(json.output)")
        }
    }

    @Test func tailPrintsWhatIsThere() async throws {
        try await Scene.play { scene in
            let (folder, file) = try Self.config(scene.yaml())
            defer { withExtendedLifetime(folder) {} }
            try scene.insert([["_id": 1, "type": "bananas"], ["_id": 2]])
            let records = try scene.publish([scene.stream()], count: 2)
            let tail = try BridgeProgram([
                "tail", scene.topic(), "--config", file, "--no-follow", "--from", "beginning", "--format", "json",
            ])
            #expect(try tail.exitStatus() == 0, "\(tail.errors)")
            let lines = try tail.output.split(separator: "\n").map { line in
                try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            }
            #expect(lines.map { $0["value"] as? String } == records.map(\.text))
            #expect(lines.map { $0["key"] as? String } == records.map(\.keyText))
            #expect(lines.map { $0["headers"] as? [String: String] } == records.map(\.headers))
            #expect(lines.map { $0["offset"] as? Int } == [0, 1])

            let text = try BridgeProgram(["tail", scene.topic(), "--config", file, "--no-follow", "--from", "1"])
            #expect(try text.exitStatus() == 0)
            #expect(text.output.contains("\(scene.topic())/0@1"))
            #expect(!text.output.contains("bananas"))
        }
    }

    @Test func configShowsEveryDefaultAndNoSecret() async throws {
        try await blocking {
            let text = """
                name: lessons
                mongodb: { uri: "mongodb://user:${MONGO_PASSWORD}@127.0.0.1/?replicaSet=rs0" }
                kafka: { bootstrap.servers: "127.0.0.1:9092", sasl.password: "${KAFKA_PASSWORD}" }
                streams:
                  - { name: inventory, watch: lessons.inventory, delivery: at-least-once }
                """
            let (folder, file) = try Self.config(text)
            defer { withExtendedLifetime(folder) {} }
            let program = try BridgeProgram(
                ["config", "--config", file], environment: ["MONGO_PASSWORD": "hush1", "KAFKA_PASSWORD": "hush2"])
            #expect(try program.exitStatus() == 0, "\(program.errors)")
            #expect(!program.output.contains("hush"))
            for text in ["startupTimeout: 30s", "fullDocument: default", "tombstones: false"] {
                #expect(program.output.contains(text), "\(program.output)")
            }
        }
    }

    @Test func theDemoTellsItsStoryAndCounts() async throws {
        try await blocking {
            let program = try BridgeProgram(["demo"])
            #expect(try program.exitStatus() == 0, "\(program.errors)")
            for text in [
                "There are only 19 units left of bananas!", "dispatched: Truck #4 has been sent out.",
                "reassigned: Truck #4 is currently performing a shipment. Truck #", "invalid: quantity", "50 of 50 trucks are out.",
                "rejected: Truck #9 is currently performing a shipment. Could not find another truck.",
                "completed: Truck #4 is free again.",
                "reassigned: Truck #9 is currently performing a shipment. Truck #4 has been sent out instead.",
                "56 commands in Kafka, 56 outcomes, 1 dead letter; 50 active shipments in MongoDB, 50 different trucks.",
                "Nothing is missing. Nothing is repeated.",
            ] { #expect(program.output.contains(text), "\(program.output)") }
        }
    }

    @Test func aSignalEndsTheDemoInTheMiddle() async throws {
        try await blocking {
            for text in ["The inventory was there", "c-1 asks for truck #4"] {
                let program = try BridgeProgram(["demo"])
                try program.wait(forOutput: text)
                program.signal(SIGINT)
                #expect(try program.exitStatus() == 0, "\(program.errors)")
                #expect(program.output.contains("Stopped before the end of the story"), "\(program.output)")
                #expect(!program.output.contains("Counted"))
            }
        }
    }
}
