import Foundation
import Testing

@testable import Runtime
@testable import StreamBridge

/// Passwords of any characters in the program's output and its log, where nobody answers.
@Suite struct SecretsProgramTests {
    private static let commands = [
        ["config"], ["config", "--format", "json"], ["check"], ["run"], ["tail", "a"], ["verify", "--stream", "fruits"],
        ["positions", "list"],
        ["positions", "set", "fruits", "oldest"], ["replay", "--stream", "fruits", "--from", "oldest"], ["redrive", "shipments"],
        ["grants", "mongodb"], ["grants", "kafka"],
    ]

    @Test(arguments: 0..<4)
    func noCommandPrintsFourCharactersOfASecret(seed: Int) async throws {
        try await blocking {
            var random = ConfigurationText.Random(seed: UInt64(seed) + 7)
            let password = SecretText.password(using: &random)
            let form = seed % 2 == 0 ? SecretText.percentEncoded(password) : password
            let token = "T0ken." + SecretText.percentEncoded(SecretText.password(using: &random))
            let kafka = SecretText.password(using: &random)
            let folder = try TemporaryFolder()
            let keyFile = try folder.write("\(kafka)\n", to: "secret")
            let port = try FreePort.find()
            let file = try folder.write(
                """
                name: lessons
                mongodb: { uri: \("mongodb://us:\(form)@127.0.0.1:1/?replicaSet=rs0".jsonQuoted), serverSelectionTimeout: 300ms }
                kafka:
                  bootstrap.servers: 127.0.0.1:1
                  security.protocol: SASL_PLAINTEXT
                  sasl.mechanism: SCRAM-SHA-256
                  sasl.username: bridge
                  sasl.password: \(kafka.jsonQuoted.replacing("${", with: "$${"))
                  ssl.key.password: ${file:\(keyFile)}
                  sasl.oauthbearer.client.secret: ${KAFKA_SECRET}
                  debug: all
                streams: [{ name: fruits, watch: lessons.fruits }]
                dispatchers:
                  - name: shipments
                    commands: c
                    outcomes: o
                    deadLetters: d
                    collection: lessons.shipments
                    fields: { quantity: int }
                    resource: { field: truck_id }
                http: { listen: "127.0.0.1:\(port)", token: \(token.jsonQuoted) }
                startupTimeout: 1s
                """, to: "bridge.yaml")
            for (index, command) in Self.commands.enumerated() {
                let format = index % 2 == 0 ? "text" : "json"
                let program = try BridgeProgram(
                    command + ["--config", file, "--log-level", "trace", "--log-format", format], environment: ["KAFKA_SECRET": kafka])
                if command == ["run"] { Self.ask(port, token) }
                _ = try program.exitStatus()
                let printed = program.output + program.errors
                #expect(!printed.isEmpty)
                for secret in [password, kafka, token] {
                    if let leak = SecretText.leak(of: secret, in: printed) {
                        Issue.record("\(command) prints `\(leak)` of `\(secret)`: \(printed.prefix(20_000))")
                    }
                }
            }
        }
    }

    /// A request that presents the token, as soon as somebody listens; the run ends by itself.
    private static func ask(_ port: UInt16, _ token: String) {
        let deadline = ContinuousClock.now + .seconds(1)
        var backoff = Backoff(initial: .milliseconds(10), cap: .milliseconds(100))
        while .now < deadline {
            if (try? HTTPReply(of: port, "/status", headers: [("Authorization", "Bearer \(token)")])) != nil { return }
            backoff.pause()
        }
    }
}
