import Foundation
import Testing

@testable import StreamBridge

/// One after the other, because some of them can write the document.
@Suite(.serialized) struct ConfigurationDocumentationTests {
    private static let begin = "<!-- keys: begin -->\n"
    private static let end = "\n<!-- keys: end -->"

    /// `BRIDGE_UPDATE_DOCS=1` writes the table instead of comparing it.
    @Test func documentationHasExactlyTheTableOfTheKeys() throws {
        let file = ConfigurationText.package.appending(path: "docs/CONFIGURATION.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let start = try #require(text.range(of: Self.begin)).upperBound
        let end = try #require(text.range(of: String(Self.end.dropFirst()))).lowerBound
        let table = ConfigurationKey.markdownTable + "\n"
        if ProcessInfo.processInfo.environment["BRIDGE_UPDATE_DOCS"] == "1" {
            try (text[..<start] + table + text[end...]).write(to: file, atomically: true, encoding: .utf8)
        } else {
            #expect(text[start..<end] == table, "run BRIDGE_UPDATE_DOCS=1 swift test --filter documentation")
        }
    }

    @Test func documentationNamesEveryRefusedProperty() throws {
        let text = try String(contentsOf: ConfigurationText.package.appending(path: "docs/CONFIGURATION.md"), encoding: .utf8)
        for name in KafkaPropertyRule.all.compactMap(\.names.first) { #expect(text.contains("`\(name)`"), "\(name)") }
    }

    @Test func exampleLoadsWithoutFaultsAndWarnings() throws {
        let file = ConfigurationText.package.appending(path: "deploy/bridge.example.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        // The one file that its comments name is not read, because a comment is no value.
        let loaded = try ConfigurationLoader.load(path: file.path, environment: [:])
        #expect(loaded.warnings.isEmpty)
        for key in ConfigurationKey.all where !key.isWildcard {
            #expect(text.contains("\(key.name):"), "\(key.path)")
        }
    }

    @Test func exampleSaysNothingButTheDefaults() throws {
        let file = ConfigurationText.package.appending(path: "deploy/bridge.example.yaml")
        var example = try ConfigurationLoader.load(path: file.path, environment: [:]).configuration
        example.mongodb.uri = "mongodb://127.0.0.1/?replicaSet=rs0"
        #expect(try example == ConfigurationText.load(ConfigurationText.minimal()).configuration)
    }

    @Test func dispatchersOfTheDocumentationAndTheExampleLoad() throws {
        let document = try ConfigurationText.file("docs/CONFIGURATION.md")
        let sample = try #require(
            document.split(separator: "```yaml\n").first { $0.hasPrefix("dispatchers:") }?.split(separator: "```").first)
        for text in try [String(sample), ConfigurationText.exampleDispatcher()] {
            let loaded = try ConfigurationText.load(ConfigurationText.minimal(top: text))
            #expect(loaded.configuration.dispatchers.map(\.name) == ["shipments"])
            #expect(loaded.warnings.isEmpty)
        }
    }

    /// The names that a field may not have are in the documentation.
    @Test func documentationNamesEveryTakenField() throws {
        let text = try ConfigurationText.file("docs/CONFIGURATION.md")
        for name in CommandField.namesOfCommands + CommandField.namesOfBridge { #expect(text.contains("`\(name)`"), "\(name)") }
    }

    @Test func everyKeyHasItsParentInTheTable() {
        let paths = Set(ConfigurationKey.all.map(\.path))
        for key in ConfigurationKey.all where !key.parent.isEmpty {
            #expect(paths.contains(key.parent.hasSuffix("[]") ? String(key.parent.dropLast(2)) : key.parent), "\(key.path)")
        }
        #expect(paths.count == ConfigurationKey.all.count)
    }
}
