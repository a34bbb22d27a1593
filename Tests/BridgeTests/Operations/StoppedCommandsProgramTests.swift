import Foundation
import Testing

@testable import StreamBridge

/// Ctrl-C while a server is waited for: status 130, whatever the command; 0 of `run`, which ends by a signal.
@Suite struct StoppedCommandsProgramTests {
    @Test(arguments: [
        "positions list", "positions show fruits", "positions history", "positions reset fruits", "positions set fruits now",
        "positions import --stream fruits --connect-offsets offsets --connector c", "snapshot status", "snapshot start fruits",
        "snapshot stop fruits", "snapshot resume fruits", "verify --stream fruits",
        "replay --stream fruits --from oldest --topic again --plan",
        "replay --stream fruits --from oldest --topic again", "replay --topic-from a --topic-to b", "redrive shipments",
        "redrive shipments --send --all", "tail fruits", "send shipments -",
    ])
    func aSignalEndsACommandThatWaits(_ line: String) async throws {
        try await blocking {
            let (mongoDB, kafka) = (try SilentServer(), try SilentServer())
            let folder = try TemporaryFolder()
            let file = try folder.write(Self.configuration(mongoDB, kafka), to: "bridge.yaml")
            let arguments = line.split(separator: " ").map(String.init)
            let program = try BridgeProgram(arguments + ["--config", file], input: "{\"id\":\"c\",\"truck_id\":1,\"product\":\"x\"}\n")
            try SilentServer.awaitConnection(to: [mongoDB, kafka])
            program.signal(SIGINT)
            #expect(try program.exitStatus() == 130, "\(line): \(program.output)\(program.errors)")
            #expect(!program.errors.contains("Stopped("), "\(program.errors)")
        }
    }

    @Test func aSignalEndsALookAtBothSides() async throws {
        try await blocking {
            let (mongoDB, kafka) = (try SilentServer(), try SilentServer())
            let folder = try TemporaryFolder()
            let program = try BridgeProgram(
                ["init"] + Self.sides(mongoDB, kafka) + ["--output", folder.url.appending(path: "bridge.yaml").path])
            try SilentServer.awaitConnection(to: [mongoDB, kafka])
            program.signal(SIGINT)
            #expect(try program.exitStatus() == 130, "\(program.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
        }
    }

    /// A run has no end of its own: a signal is how it is done, with and without a file.
    @Test(arguments: [SIGINT, SIGTERM], [true, false])
    func aRunThatWaitsIsDoneWhenASignalComes(_ signal: Int32, _ hasFile: Bool) async throws {
        try await blocking {
            let (mongoDB, kafka) = (try SilentServer(), try SilentServer())
            let folder = try TemporaryFolder()
            let file = try folder.write(Self.configuration(mongoDB, kafka), to: "bridge.yaml")
            let program = try BridgeProgram(["run"] + (hasFile ? ["--config", file] : Self.sides(mongoDB, kafka)))
            try SilentServer.awaitConnection(to: [mongoDB, kafka])
            program.signal(signal)
            #expect(try program.exitStatus() == 0, "\(program.errors)")
            #expect(program.errors.contains("stopping: "), "\(program.errors)")
        }
    }

    private static func sides(_ mongoDB: SilentServer, _ kafka: SilentServer) -> [String] {
        ["--mongodb", "mongodb://127.0.0.1:\(mongoDB.port)", "--kafka", "127.0.0.1:\(kafka.port)", "--watch", "lessons"]
    }

    private static func configuration(_ mongoDB: SilentServer, _ kafka: SilentServer) -> String {
        """
        name: stopped
        mongodb: { uri: "mongodb://127.0.0.1:\(mongoDB.port)/?replicaSet=none", serverSelectionTimeout: 1m }
        kafka: { bootstrap.servers: "127.0.0.1:\(kafka.port)" }
        streams: [{ name: fruits, watch: lessons.fruits }]
        dispatchers:
          - name: shipments
            commands: commands
            outcomes: outcomes
            deadLetters: letters
            collection: lessons.shipments
            fields: { product: string }
            resource: { field: truck_id }
        startupTimeout: 5m
        """
    }
}
