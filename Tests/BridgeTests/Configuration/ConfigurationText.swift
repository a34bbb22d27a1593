import Foundation

@testable import StreamBridge

/// Texts of configurations for tests.
enum ConfigurationText {
    /// The smallest one that loads, eight lines, with lines added at its end and to its only stream.
    static func minimal(stream: String = "", top: String = "") -> String {
        """
        name: lessons
        mongodb:
          uri: mongodb://127.0.0.1/?replicaSet=rs0
        kafka:
          bootstrap.servers: 127.0.0.1:9092
        streams:
          - name: inventory
            watch: lessons.inventory
        \(stream.isEmpty ? "" : indented(stream, by: 4) + "\n")\(top)
        """
    }

    private static func indented(_ text: String, by count: Int) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { String(repeating: " ", count: count) + $0 }
            .joined(separator: "\n")
    }

    /// The folder of the package.
    static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    struct NoSuchFile: Error {}

    /// Loads a text, with an environment and files given as dictionaries.
    static func load(
        _ yaml: String, environment: [String: String] = [:], files: [String: String] = [:], checks: ConfigurationChecks = .none
    ) throws(ConfigurationFaults) -> LoadedConfiguration {
        try ConfigurationLoader.load(
            yaml: yaml, source: "bridge.yaml", environment: environment,
            readFile: { path in
                guard let content = files[path] else { throw NoSuchFile() }
                return content
            }, checks: checks)
    }

    /// A file of the package.
    static func file(_ path: String) throws -> String { try String(contentsOf: package.appending(path: path), encoding: .utf8) }

    /// The dispatcher that deploy/bridge.example.yaml has in comments.
    static func exampleDispatcher() throws -> String {
        try file("deploy/bridge.example.yaml").split(separator: "\n", omittingEmptySubsequences: false)
            .drop { !$0.hasPrefix("# dispatchers:") }.prefix { $0.hasPrefix("# ") }.map { $0.dropFirst(2) }.joined(separator: "\n")
    }

    /// The stream of a text that has one.
    static func stream(_ lines: String) throws -> StreamSettings {
        let streams = try load(minimal(stream: lines)).configuration.streams
        return streams[0]
    }

    /// The faults of a text, one line each; empty when it loads.
    static func faults(
        _ yaml: String, environment: [String: String] = [:], files: [String: String] = [:], checks: ConfigurationChecks = .none
    ) -> [String] {
        do throws(ConfigurationFaults) {
            _ = try load(yaml, environment: environment, files: files, checks: checks)
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }
}
