import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// What strangers wrote into topics, on the terminal of an operator.
@Suite struct HostileDataProgramTests {
    /// Everything that a terminal obeys, in one text; `5` shows that it was printed at all.
    private static let hostile =
        "5\u{1b}[2J\u{9b}2J\u{202e}" + String(String.UnicodeScalarView(HarmlessTextTests.harmful)).replacing("\0", with: "") + "5"
    private static let inJSON = hostile.jsonQuoted.dropFirst().dropLast()

    private let topics: CommandTopics
    private let bridge = UniqueName.make("hostile")
    private let folder: TemporaryFolder
    private let file: String

    init() throws {
        topics = try CommandTopics()
        folder = try TemporaryFolder()
        file = try folder.write(
            """
            name: \(bridge)
            mongodb: { uri: "mongodb://127.0.0.1:1/?replicaSet=none", serverSelectionTimeout: 300ms }
            kafka: { bootstrap.servers: "\(topics.kafka.bootstrapServers)" }
            streams: [{ name: fruits, watch: lessons.fruits }]
            dispatchers:
              - name: shipments
                commands: \(topics.dispatcher.commands)
                outcomes: \(topics.dispatcher.outcomes)
                deadLetters: \(topics.dispatcher.deadLetters)
                collection: lessons.shipments
                fields: { product: string }
                resource: { field: truck_id }
            """, to: "bridge.yaml")
    }

    /// Runs the program, and looks at every character of what it prints.
    @discardableResult
    private func printed(_ arguments: [String], status: Int32 = 0, meanwhile: (BridgeProgram) throws -> Void = { _ in }) throws -> String {
        let program = try BridgeProgram(arguments + ["--config", file])
        try meanwhile(program)
        #expect(try program.exitStatus() == status, "\(arguments): \(program.errors)")
        let text = program.output + program.errors
        let obeyed = text.unicodeScalars.filter { HarmlessTextTests.harmful.contains($0) && $0 != "\n" && $0 != "\t" }
        #expect(obeyed.isEmpty, "\(arguments) prints \(Array(obeyed)) in \(text)")
        #expect(text.contains(#"\u001b"#) && text.contains(#"\u009b"#) && text.contains(#"\u202e"#), "\(arguments): \(text)")
        return text
    }

    private func objects(_ text: String) throws -> [[String: Any]] {
        try text.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test func tailPrintsKeysHeadersAndValuesHarmlessly() async throws {
        try await blocking {
            let topic = UniqueName.make("hostile")
            try topics.kafka.make(topic: topic)
            try topics.write(
                [
                    OutgoingRecord(key: Self.hostile, text: Self.hostile, headers: [("n\(Self.hostile)", Self.hostile)]),
                    // Text that is no control of C0, which would be shown as bytes.
                    OutgoingRecord(
                        key: "\u{9b}2J\u{202e}", text: "{\"a\":\"\u{9b}2J\u{85}\u{202e}\"}",
                        headers: [("h\u{1b}[2J\ntopic/0@7", "v\u{9b}\n")]),
                ], to: topic)
            let text = try printed(["tail", topic, "--from", "beginning", "--no-follow"])
            // A line of a record is one of ours.
            #expect(text.split(separator: "\n").allSatisfy { $0.hasPrefix("\(topic)/0@") || $0.hasPrefix("  ") }, "\(text)")
            let json = try objects(try printed(["tail", topic, "--from", "beginning", "--no-follow", "--format", "json"]))
            #expect(json.map { $0["key"] as? String }.last == "\u{9b}2J\u{202e}")
            #expect(json.map { $0["value"] as? String }.last == "{\"a\":\"\u{9b}2J\u{85}\u{202e}\"}")
            #expect((json.last?["headers"] as? [String: String])?.keys.first == "h\u{1b}[2J\ntopic/0@7")
        }
    }

    @Test func redrivePrintsDeadLettersHarmlessly() async throws {
        try await blocking {
            let headers = [
                ("error.code", Self.hostile), ("error.message", Self.hostile), ("error.topic", topics.dispatcher.commands),
                ("error.at", Self.hostile), ("error.partition", "0"), ("error.offset", "7"), ("x\(Self.hostile)", Self.hostile),
            ]
            try topics.write(
                [
                    OutgoingRecord(key: Self.hostile, text: "{\"id\":\"\(Self.inJSON)\",\"bogus\":1}", headers: headers),
                    OutgoingRecord(
                        key: "\u{9b}", text: "\u{9b}\u{202e}",
                        headers: [("error.topic", topics.dispatcher.commands), ("error.message", "\u{1b}c\u{9b}")]),
                ], to: topics.dispatcher.deadLetters)
            try printed(["redrive", "shipments"])
            let json = try objects(try printed(["redrive", "shipments", "--format", "json"]))
            #expect(json.first?["id"] as? String == Self.hostile)
        }
    }

    @Test(arguments: ["text", "json"])
    func sendPrintsOutcomesHarmlessly(_ format: String) async throws {
        try await blocking {
            let commands = try folder.write("{\"id\":\"c\(Self.inJSON)\",\"truck_id\":1,\"product\":\"x\"}\n", to: "commands")
            let text = try printed(["send", "shipments", commands, "--wait", "--format", format]) { program in
                if format == "text" { try program.wait(forOutput: "sent 1 command") } else { try program.wait(forError: "sent 1 command") }
                try topics.write(
                    [
                        OutgoingRecord(
                            text: "{\"id\":\"c\(Self.inJSON)\",\"status\":\"\(Self.inJSON)\",\"message\":\"\(Self.inJSON)\u{9b}\u{202e}\"}")
                    ], to: topics.dispatcher.outcomes)
            }
            #expect(text.split(separator: "\n").count == 2, "\(text)")
        }
    }

    @Test func faultyLinesAreToldHarmlessly() async throws {
        try await blocking {
            let commands = try folder.write("{\"id\":\"c\",\"truck_id\":1,\"\(Self.inJSON)\":1}\n", to: "commands")
            try printed(["send", "shipments", commands], status: 78)
        }
    }

    @Test(arguments: ["text", "json"])
    func positionsPrintsWhatIsStoredHarmlessly(_ format: String) async throws {
        try await blocking {
            for topic in ["positions", "position-edits"] { try topics.kafka.make(topic: "bridge.\(bridge).\(topic)") }
            let position = """
                {"version":1,"stream":"fruits","token":{"_data":"82"},"clusterTime":"1.1","events":1,"options":"\(Self.inJSON)",\
                "replicaSet":"\(Self.inJSON)","writer":"\(Self.inJSON)","writtenAt":"2026-01-31T00:00:00.000Z"}
                """
            try topics.write([OutgoingRecord(key: "fruits", text: position)], to: "bridge.\(bridge).positions")
            let edit = """
                {"stream":"\(Self.inJSON)","old":null,"new":{"x":"\(Self.inJSON)"},"by":"\(Self.inJSON)","why":"\(Self.inJSON)",\
                "at":"2026-01-31T00:00:00.000Z"}
                """
            try topics.write([OutgoingRecord(key: "fruits", text: edit)], to: "bridge.\(bridge).position-edits")
            try printed(["positions", "list", "--format", format])
            try printed(["positions", "history", "--format", format])
        }
    }

    @Test func namesThatAreKnownAreToldHarmlessly() async throws {
        try await blocking {
            try topics.kafka.make(topic: "bridge.\(bridge).replays")
            try topics.write([OutgoingRecord(key: Self.hostile, text: "{}")], to: "bridge.\(bridge).replays")
            try printed(["replay", "--resume", "nope"], status: 64)
            try printed(["tail", "x\(Self.hostile)", "--from", "y\(Self.hostile)"], status: 64)
        }
    }
}
