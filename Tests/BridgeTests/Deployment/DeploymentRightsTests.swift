import Testing

@testable import StreamBridge

/// The rights that deploy/ gives are those that the bridge prints.
@Suite struct DeploymentRightsTests {
    private static func configuration() throws -> BridgeConfiguration {
        let path = "deploy/compose/bridge.yaml"
        return try ConfigurationLoader.load(
            yaml: ConfigurationText.file(path), source: path, environment: [:], readFile: { _ in "a-secret-of-many-letters" },
            checks: .drivers
        ).configuration
    }

    private static func lines(_ text: String) -> [Substring] { text.split(separator: "\n") }

    @Test func theRoleIsWhatGrantsPrints() throws {
        let printed = try MongoGrants(Self.configuration(), makesIndexes: false).shell
        #expect(Self.lines(try ConfigurationText.file("deploy/mongodb/role.js")) == Self.lines(printed))
    }

    @Test func theACLsAreWhatGrantsPrints() throws {
        let printed = try KafkaGrants(Self.configuration(), principal: "User:bridge", includesTools: false).shell
        let written = Self.lines(try ConfigurationText.file("deploy/kafka/acls.sh"))
        #expect(written.prefix(2) == ["#!/bin/sh", "set -eu"])
        #expect(Array(written.dropFirst(2)) == Self.lines(printed))
    }
}
