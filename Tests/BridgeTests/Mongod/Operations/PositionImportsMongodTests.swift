import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// `bridge positions import` with the tokens of a real server.
@Suite struct PositionImportsMongodTests {
    /// The form of a connector's offset.
    enum Connector: String, CaseIterable, Sendable {
        case mongoDB, debezium

        var key: String {
            switch self {
            case .mongoDB: #"["old",{"ns":"mongodb://db1:27017/lessons.fruits"}]"#
            case .debezium: #"["old",{"server_id":"lessons"}]"#
            }
        }

        func value(_ token: ResumeToken) throws -> String {
            switch self {
            case .mongoDB:
                let offset: BSONDocument = ["_id": .string(try token.document.extendedJSON())]
                return try offset.extendedJSON()
            case .debezium:
                let offset: BSONDocument = [
                    "sec": -1, "ord": -1, "resume_token": .string(Data(token.document.bytes).base64EncodedString()),
                ]
                return try offset.extendedJSON()
            }
        }
    }

    /// A scene whose collection has events that no bridge has published; a connector has published some of them.
    private static func play(
        _ count: Int32, _ body: @escaping @Sendable (_ scene: Scene, _ stream: StreamSettings, _ tokens: [ResumeToken]) throws -> Void
    ) async throws {
        try await Scene.play { scene in
            try scene.makeEditsTopics()
            try scene.kafka.create(topic: scene.offsetsTopic, partitions: 3)
            try scene.insert(Scene.numbers(0..<count))
            let tokens = try scene.events().map { ResumeToken(document: try #require($0["_id"]?.documentValue)) }
            try body(scene, scene.exactlyOnceStream(), tokens)
        }
    }

    @Test(arguments: Connector.allCases)
    func theStreamGoesOnBehindTheConnectorsLastEvent(_ connector: Connector) async throws {
        try await Self.play(5) { scene, stream, tokens in
            try scene.writeOffsets([
                (connector.key, try connector.value(tokens[0])), (#"["other",{"ns":"x"}]"#, #"{"_id":"{}"}"#),
                (connector.key, try connector.value(tokens[2])),
            ])
            let dry = try scene.importOffset(of: stream, .init(by: "ann@desk", isDryRun: true))
            #expect(dry.change.edit == nil)
            #expect(try scene.position() == nil)
            let done = try scene.importOffset(of: stream, .init(by: "ann@desk", why: "ticket 17"))
            #expect(done.key == connector.key)
            #expect(done.change.trial.token == tokens[2].text)
            let edits = try scene.positions([stream]) { try await $0.history(of: stream.name) }
            #expect(edits.map(\.by) == ["ann@desk"])
            let why = try #require(edits.first?.why)
            #expect(why.hasPrefix("imported from \(done.offset.writer.rawValue), connector old, offset \(done.place)"))
            #expect(why.hasSuffix(": ticket 17"))
            #expect(Scene.tokens(try scene.publish([stream], count: 2)) == tokens[3...].map { $0.text ?? "" })
        }
    }

    /// Another deployment's, recorded: whatever the time is now, this server has no such place.
    @Test func aTokenThatTheServerDoesNotResumeChangesNothing() async throws {
        try await Self.play(1) { scene, stream, _ in
            let recorded = try ConnectOffsetCase("debezium-streaming")
            try scene.writeOffsets(
                recorded.records.map { record in
                    (String(decoding: record.key, as: UTF8.self), record.value.map { String(decoding: $0, as: UTF8.self) })
                })
            let halt = try #require(throws: Halt.self) { try scene.importOffset("dbz-stream", of: stream) }
            #expect(halt.status == .lostPosition)
            #expect(halt.reason.contains("\(scene.offsetsTopic)/"))
            #expect(halt.remedy.contains("`snapshot: initial`"))
            #expect(try scene.position() == nil)
        }
    }

    /// The server finds no event of this token among those of the stream.
    @Test func aConnectorOfAnotherCollectionIsRefused() async throws {
        try await Self.play(1) { scene, stream, _ in
            try scene.insert([["_id": 1]], into: "trucks")
            try scene.insert([["_id": 1]])
            let token = ResumeToken(document: try #require(try scene.events(of: "trucks").first?["_id"]?.documentValue))
            try scene.writeOffsets([(Connector.mongoDB.key, try Connector.mongoDB.value(token))])
            let halt = try #require(throws: Halt.self) { try scene.importOffset(of: stream) }
            #expect(halt.status == .lostPosition)
            #expect(halt.remedy.contains("The stream has to watch what the connector watched"))
        }
    }

    @Test func aTopicThatIsNotThereIsWrongUsage() async throws {
        try await Self.play(1) { scene, stream, _ in
            if TestKafka.isReal { try scene.kafka.delete(topic: scene.offsetsTopic) } else { scene.kafka.hide(topic: scene.offsetsTopic) }
            let usage = try #require(throws: WrongUsage.self) { try scene.importOffset(of: stream) }
            #expect(usage.description.contains("`offset.storage.topic` of the Connect worker"))
        }
    }

    @Test func theCommandLineShowsTheChoiceAndImports() async throws {
        try await Self.play(2) { scene, _, tokens in
            let folder = try TemporaryFolder()
            let file = try folder.write(scene.yaml(delivery: .exactlyOnce), to: "bridge.yaml")
            let newKey = #"["old",{"ns":"it's new"}]"#
            try scene.writeOffsets([
                (Connector.mongoDB.key, try Connector.mongoDB.value(tokens[0])), (newKey, try Connector.mongoDB.value(tokens[1])),
                (#"["copying",{"ns":"x"}]"#, #"{"_id":"{\"_id\": 7, \"copyingData\": true}","copy":"true"}"#),
            ])
            func program(_ arguments: String..., topic: String? = nil) throws -> BridgeProgram {
                try BridgeProgram(
                    ["positions", "import", "--stream", "fruits", "--connect-offsets", topic ?? scene.offsetsTopic, "--config", file]
                        + arguments)
            }
            let several = try program("--connector", "old")
            #expect(try several.exitStatus() == 64)
            #expect(several.errors.contains("\n    '\(Connector.mongoDB.key)'  written "), "\(several.errors)")
            #expect(several.errors.contains(#"    '["old",{"ns":"it'\''s new"}]'  written "#), "\(several.errors)")
            let copying = try program("--connector", "copying")
            #expect(try copying.exitStatus() == 78)
            #expect(copying.errors.contains("`snapshot: initial`"))
            let unknown = try program("--connector", "odl")
            #expect(try unknown.exitStatus() == 64)
            #expect(unknown.errors.contains("known: copying, old"), "\(unknown.errors)")
            let dry = try program("--connector", "old", "--offset-key", newKey, "--dry-run")
            #expect(try dry.exitStatus() == 0, "\(dry.errors)")
            #expect(dry.output.contains("dry run: nothing was changed"))
            let done = try program("--connector", "old", "--offset-key", newKey, "--why", "ticket 17")
            #expect(try done.exitStatus() == 0, "\(done.errors)")
            #expect(done.output.contains("the connector has to be stopped, which the topic does not show"), "\(done.output)")
            #expect(done.output.contains("/connectors/old/status"))
            #expect(done.output.contains("position of fruits: from none to "))
            #expect(try scene.position()?.position.token == tokens[1])
        }
    }
}

extension Scene {
    fileprivate var offsetsTopic: String { "\(name).offsets" }

    /// Writes what a Connect worker would write.
    fileprivate func writeOffsets(_ records: [(key: String, value: String?)]) throws {
        let producer = try ReportingProducer(kafka.settings)
        for (key, value) in records {
            #expect(
                try producer.produce(
                    offsetsTopic, key: Array(key.utf8), value: value.map { Array($0.utf8) }, timestamp: WallClock.milliseconds()))
        }
        try producer.wait(acknowledged: records.count)
    }

    fileprivate func importOffset(
        _ connector: String = "old", of stream: StreamSettings, _ request: Positions.Request = .init(by: "ann@desk")
    ) throws -> Positions.Import {
        let source = ConnectOffsetSource(topic: offsetsTopic, connector: connector, key: nil)
        return try positions([stream]) { try await $0.importOffset(source, of: stream, request) }
    }
}
