import Foundation
import Testing

@testable import StreamBridge

/// The configurations of deploy/ load, find their secrets, and fit the file that starts the process.
@Suite struct DeploymentConfigurationTests {
    /// One way to run the bridge.
    struct Way: CustomTestStringConvertible {
        let configuration: String
        /// The files that the process is given as secrets.
        let secrets: @Sendable () throws -> Set<String>
        /// How long it may take to stop before it is killed.
        let stopTime: @Sendable () throws -> String
        /// The memory that it may have.
        let memory: @Sendable () throws -> String

        var testDescription: String { configuration }
    }

    private static let unit = "deploy/systemd/bridge.service"

    private static func setting(_ name: String) throws -> [String] {
        try ConfigurationText.file(unit).split(separator: "\n").filter { $0.hasPrefix("\(name)=") }.map {
            String($0.dropFirst(name.count + 1))
        }
    }

    private static func composed() throws -> DeploymentTree { try DeploymentTree(path: "deploy/compose.yaml")["services"]["bridge"] }

    private static func pod() throws -> DeploymentTree {
        try DeploymentTree(path: "deploy/kubernetes/deployment.yaml")["spec"]["template"]["spec"]
    }

    private static func container() throws -> DeploymentTree { try #require(try pod()["containers"].list.first) }

    static let ways = [
        Way(
            configuration: "deploy/compose/bridge.yaml",
            secrets: { Set(try composed()["secrets"].list.map { "/run/secrets/\($0.text)" }) },
            stopTime: { try composed()["stop_grace_period"].text }, memory: { try composed()["mem_limit"].text }),
        Way(
            configuration: "deploy/kubernetes/bridge.yaml",
            secrets: {
                let mount = try #require(try container()["volumeMounts"].list.first { $0["name"].text == "secrets" })["mountPath"].text
                return Set(try DeploymentTree(path: "deploy/kubernetes/secret.example.yaml")["stringData"].keys.map { "\(mount)/\($0)" })
            },
            stopTime: { try pod()["terminationGracePeriodSeconds"].text + "s" },
            memory: { try container()["resources"]["limits"]["memory"].text }),
        Way(
            configuration: "deploy/systemd/bridge.yaml",
            secrets: {
                Set(try setting("LoadCredential").map { "/run/credentials/bridge.service/\($0.prefix { $0 != ":" })" })
            },
            stopTime: { try #require(try setting("TimeoutStopSec").first) }, memory: { try #require(try setting("MemoryMax").first) }),
    ]

    private static let secret = "secret-of-many-letters"

    @Test(arguments: ways) func loadsWithTheSecretsThatTheProcessIsGiven(way: Way) throws {
        let secrets = try way.secrets()
        let loaded = try ConfigurationLoader.load(
            yaml: try ConfigurationText.file(way.configuration), source: way.configuration, environment: [:],
            readFile: { path in
                guard secrets.contains(path) else { throw ConfigurationText.NoSuchFile() }
                return Self.secret
            }, checks: .drivers)
        #expect(loaded.configuration.http?.token == Self.secret)
        #expect(loaded.configuration.mongodb.uri.contains(":\(Self.secret)@"))
    }

    @Test(arguments: ways) func hasTimeToStop(way: Way) throws {
        let yaml = try ConfigurationText.file(way.configuration)
        let loaded = try ConfigurationLoader.load(yaml: yaml, source: "", environment: [:], readFile: { _ in Self.secret })
        #expect(try DurationText.parse(way.stopTime()) > loaded.configuration.shutdownTimeout)
    }

    /// The alert's figure is the one that each of them has.
    @Test(arguments: ways) func hasTheMemoryThatTheAlertKnows(way: Way) throws {
        #expect(try way.memory().hasPrefix("512M") || way.memory() == "512m")
        #expect(try ConfigurationText.file("\(AlertTests.folder)/bridge.rules.yml").contains("0.9 * 512 * 1024 * 1024"))
    }
}
