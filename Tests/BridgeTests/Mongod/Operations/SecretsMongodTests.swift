import Foundation
import Testing

@testable import StreamBridge

/// No secret is in anything that the program prints, whatever goes wrong.
@Suite struct SecretsMongodTests {
    /// As they are, and as the URI writes the first one.
    private static let secrets = ["s3cr@t", "s3cr%40t", "k4fk4_q7zx9v", "t0ken-q7zx9v", "f1l3_q7zx9v"]

    /// Both sides refuse the login, and everybody logs as much as there is.
    private static func yaml(_ scene: Scene, uri: String, kafka: String) throws -> String {
        """
        name: \(scene.name)
        mongodb:
          uri: \(uri)
          serverSelectionTimeout: 1s
        kafka:
          bootstrap.servers: \(kafka)
          security.protocol: SASL_PLAINTEXT
          sasl.mechanism: PLAIN
          sasl.username: bridge
          sasl.password: k4fk4_q7zx9v
          ssl.key.password: ${file:secret}
          debug: all
        streams: [{ name: fruits, watch: \(scene.database).fruits }]
        dispatchers:
          - name: shipments
            commands: \(scene.name).commands
            outcomes: \(scene.name).outcomes
            deadLetters: \(scene.name).letters
            collection: \(scene.database).shipments
            fields: { quantity: int }
            resource: { field: truck_id }
        http: { listen: "127.0.0.1:\(try FreePort.find())", token: t0ken-q7zx9v-0f-m4ny }
        startupTimeout: 2s
        """
    }

    @Test(arguments: ["text", "json"])
    func nothingThatIsPrintedHasASecret(format: String) async throws {
        try await GuardedMongod.play { guarded in
            let scene = guarded.scene
            let folder = try TemporaryFolder()
            _ = try folder.write("f1l3_q7zx9v\n", to: "secret")
            let commands = try folder.write("{\"id\":\"c-1\",\"truck_id\":1,\"quantity\":1}\n", to: "commands.jsonl")
            func expectSilence(_ uri: String, kafka: String, _ runs: [[String]]) throws {
                let file = try folder.write(try Self.yaml(scene, uri: uri, kafka: kafka), to: "bridge.yaml")
                for arguments in runs {
                    let program = try BridgeProgram(arguments + ["--config", file, "--log-level", "trace", "--log-format", format])
                    let status = try program.exitStatus()
                    let printed = program.output + program.errors
                    #expect(!printed.isEmpty, "\(arguments)")
                    #expect(["config", "grants"].contains(arguments[0]) == (status == 0), "\(arguments): \(status) \(printed)")
                    for secret in Self.secrets {
                        let leak = SecretText.leak(of: secret, in: printed)
                        #expect(leak == nil, "\(arguments) prints \(leak ?? "") of \(secret): \(printed.prefix(10_000))")
                    }
                }
            }
            let everything = [
                ["run"], ["check"], ["config"], ["tail", "a-topic"], ["verify", "--stream", "fruits"], ["send", "shipments", commands],
                ["redrive", "shipments"], ["grants", "mongodb"], ["grants", "kafka"],
            ]
            // The server refuses the password, and the broker knows no logins.
            try expectSilence(guarded.uri(as: "us:s3cr%40t"), kafka: scene.kafka.bootstrapServers, everything)
            // Nobody answers at all.
            try expectSilence("mongodb://us:s3cr%40t@127.0.0.1:1/?replicaSet=rs0", kafka: "127.0.0.1:1", [["run"], ["check"]])
            // A URI that is none.
            try expectSilence("mongodb://us:s3cr%40t@@127.0.0.1/?replicaSet=rs0", kafka: "127.0.0.1:1", [["run"], ["check"]])
        }
    }
}
