import Logging
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// Events that cannot be written as records: how they are found, and how everything else continues without them.
@Suite struct UnwritableEventsMongodTests {
    /// `{_id, text}` with an `_id` or a text that is not UTF-8, which the server stores as it is.
    private static func document(id: BSONDocument, text: [UInt8]) throws -> BSONDocument {
        let document = BSONDocument { buffer in
            buffer.append(contentsOf: Array(id.bytes.dropFirst(4).dropLast()))
            buffer.appendArray("texts", of: [[0x02, UInt8(text.count + 1), 0, 0, 0] + text + [0]])
        }
        return try document.withUnsafeBytes { try BSONDocument(copying: $0) }
    }

    private static let badText: [UInt8] = [0x62, 0xff, 0xfe]

    /// `{_id: <not UTF-8>}`
    private static func badID() throws -> BSONDocument {
        let bytes: [UInt8] = [17, 0, 0, 0, 0x02] + Array("_id".utf8) + [0, 3, 0, 0, 0, 0xc0, 0x80, 0] + [0]
        return try bytes.withUnsafeBytes { try BSONDocument(copying: $0) }
    }

    @Test func theHaltNamesTheCollectionAndTheDocument() async throws {
        try await Scene.play { scene in
            try scene.insert([try Self.document(id: ["_id": "pear"], text: Self.badText)])
            let halt = try #require(try scene.bridge([scene.stream()]).halts().first)
            #expect(halt.reason.contains("the insert of \(scene.database).fruits, {\"_id\":\"pear\"}, with token 82"), "\(halt)")
            #expect(halt.remedy.contains("format: bson"), "\(halt)")
        }
    }

    /// Whatever the format, the key is JSON.
    @Test(arguments: [RecordFormat.bson, .relaxed])
    func aKeyThatCannotBeWrittenIsNotBlamedOnTheFormat(_ format: RecordFormat) async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            try scene.insert([try Self.badID()])
            var failing = scene.stream()
            failing.format = format
            let halt = try #require(try scene.bridge([failing]).halts().first)
            #expect(halt.reason.contains("cannot be written: its key: "), "\(halt)")
            #expect(halt.remedy.contains("key: none") && !halt.remedy.contains("format: bson"), "\(halt)")
            #expect(halt.status == .configuration)
            var stream = scene.stream("keyless")
            stream.format = .bson
            stream.key = .none
            #expect(try scene.publish([stream], count: 2).map { $0.value ?? [] } == scene.events().map(\.bytes))
        }
    }

    @Test func aLookupFindsADocumentWhoseIDIsNotUTF8() async throws {
        try await Scene.play { scene in
            try scene.insert([try Self.badID()])
            try scene.command(["update": "fruits", "updates": [["q": [:], "u": ["$set": ["n": 1]]]]])
            var stream = scene.stream()
            stream.format = .bson
            stream.key = .none
            stream.fullDocument = .batchedLookup
            let records = try scene.publish([stream], count: 2)
            #expect(try records.map { $0.value ?? [] } == scene.events(options: ["fullDocument": "updateLookup"]).map(\.bytes))
        }
    }

    /// The command that the halt prints, and what is told of the event as long as the oplog has it.
    @Test func anEventThatWasLeftOutIsMissingAndNoReplayEndsAtIt() async throws {
        try await Scene.play { scene in
            try scene.makeEditsTopics()
            try scene.makeReplayTopics()
            try scene.insert([["_id": 1]])
            try scene.insert([try Self.document(id: ["_id": 2], text: Self.badText)])
            try scene.insert([["_id": 3]])
            let halt = try #require(try scene.bridge([scene.stream()]).halts().first)
            let command = try #require(halt.remedy.firstMatch(of: /`bridge positions set fruits ([0-9A-F:]+)`/)?.1)
            _ = try scene.setPosition(of: scene.stream(), to: String(command), .init(by: "ann@desk", isForced: true))
            #expect(
                try scene.publish([scene.stream()], count: 2).map(\.keyText) == [
                    #"{"_id":{"$numberInt":"1"}}"#, #"{"_id":{"$numberInt":"3"}}"#,
                ])

            let report = try scene.verify(scene.stream())
            #expect(report.missing == 1 && report.expected == 3 && report.unexpected == 0, "\(report)")
            let finding = try #require(report.findings.first { $0.kind == .missing }, "\(report)")
            #expect(finding.token == String(command))
            #expect(
                finding.detail?.contains("cannot be written") == true && finding.key?.contains(#"{"_id":{"$numberInt":"2"}}"#) == true,
                "\(finding)")

            let summary = try scene.replay(scene.stream())
            #expect(summary.isDone && summary.events == 2 && summary.leftOut == 1, "\(summary)")
            #expect(try scene.records(scene.replayTopic).count == 2)
            let line = try #require(scene.log.lines(containing: "left out: ").first)
            #expect(line.message.contains(String(command)) && line.level == .warning)
            let request = try scene.replayRequest(scene.stream())
            let plan = try scene.replays([scene.stream()]) { try await $0.plan(request) }
            #expect(plan.events == 2 && plan.leftOut == 1)
        }
    }
}
