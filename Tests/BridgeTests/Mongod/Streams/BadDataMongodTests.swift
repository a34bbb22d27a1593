import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// Documents at the edge of what MongoDB takes: none traps, none is dropped.
@Suite struct BadDataMongodTests {
    /// `{_id, text}` with bytes in the text that are not UTF-8, which the server stores as they are.
    private static func invalid(_ id: UInt8, _ text: [UInt8]) throws -> BSONDocument {
        let string: [UInt8] = [UInt8(text.count + 1), 0, 0, 0] + text + [0]
        let fields: [UInt8] = [0x10] + Array("_id".utf8) + [0, id, 0, 0, 0] + [0x02] + Array("text".utf8) + [0] + string
        let length = UInt8(fields.count + 5)
        let bytes: [UInt8] = [length, 0, 0, 0] + fields + [0]
        return try bytes.withUnsafeBytes { try BSONDocument(copying: $0) }
    }

    @Test func invalidUTF8HaltsTextAndPassesAsBSON() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 0]])
            try scene.insert([Self.invalid(1, [0x62, 0xff, 0xfe]), Self.invalid(2, [0xed, 0xa0, 0x80]), Self.invalid(3, [0xc0, 0x80])])
            try scene.insert([["_id": 4]])
            let bridge = try scene.bridge([scene.stream(), scene.stream("bytes") { $0.format = .bson }])
            try scene.follow(scene.topic("bytes")).wait(count: 5)
            try scene.log.wait(for: "halted: ")
            let halts = try bridge.stop()
            #expect(halts.map(\.status) == [.configuration])
            #expect(halts.first?.remedy.contains("format: bson") == true)
            let expected = try scene.events()
            let token = try #require(expected[1]["_id"]?.documentValue?["_data"]?.stringValue)
            #expect(halts.first?.reason.contains(token) == true)
            #expect(try scene.records(scene.topic("bytes")).map { $0.value ?? [] } == expected.map(\.bytes))
            // What came before it is published and covered; the event itself is not passed by.
            #expect(try scene.records().count == 1)
            #expect(try scene.position()?.position.events == 1)
            // The fix that the sentence offers.
            let records = try scene.publish([scene.stream { $0.format = .bson }], count: 5)
            #expect(records.map(\.token) == expected.compactMap { $0["_id"]?.documentValue?["_data"]?.stringValue })
        }
    }

    @Test func aDocumentOfSixteenMegabytesPassesWhenKafkaMayTakeIt() async throws {
        try await Scene.playAlone(arguments: ["--oplogSize", "400"]) { scene, _ in
            try scene.insert([["_id": 1]])
            // With the event around it, the event itself stays within the server's 16 MB.
            try scene.insert([["_id": 2, "text": .string(String(repeating: "é", count: 8_380_000))]])
            try scene.insert([["_id": 3]])
            let bridge = try scene.bridge([scene.stream()]) { $0.kafka.common["message.max.bytes"] = "40000000" }
            try scene.follow(scene.positionsTopic).wait(for: "the position after all three") { records in
                (records.last?.value).map { (try? StoredPosition(json: $0))?.position.events == 3 } ?? false
            }
            #expect(try bridge.status(of: "fruits").recordsPublished == 3)
            #expect(try bridge.stop().isEmpty)
            // The embedded cluster takes such a record but cannot give it out again.
            guard TestKafka.isReal else { return }
            var large = scene.kafka.settings
            large.consumer["fetch.message.max.bytes"] = "40000000"
            let records = try TopicFollower(scene.topic(), on: large).wait(count: 3)
            #expect(try records.map { try $0.document() } == scene.events())
        }
    }

    @Test func aRecordThatIsTooLargeHaltsAndIsTheFirstAfterTheMend() async throws {
        try await Scene.playAlone { scene, _ in
            try scene.insert((0..<5).map { ["_id": .int32($0)] })
            try scene.insert([["_id": "large", "text": .string(String(repeating: "x", count: 3_000_000))]])
            try scene.insert((5..<10).map { ["_id": .int32($0)] })
            let halts = try scene.bridge([scene.stream()]).halts()
            #expect(halts.map(\.status) == [.configuration])
            let reason = try #require(halts.first?.reason)
            #expect(reason.contains("a record of 3000"), "the size")
            #expect(reason.contains(#"{"_id":"large"}"#), "the key")
            #expect(halts.first?.remedy.contains("kafka.message.max.bytes") == true)
            #expect(try scene.records().count == 5)
            #expect(try scene.position()?.position.events == 5)

            // Halting again and again loses nothing either.
            #expect(try scene.bridge([scene.stream()]).halts().count == 1)

            let bridge = try scene.bridge([scene.stream()]) { $0.kafka.common["message.max.bytes"] = "4000000" }
            try scene.follow().wait(count: 11)
            #expect(try bridge.stop().isEmpty)
            let expected = try scene.events().compactMap { $0["_id"]?.documentValue?["_data"]?.stringValue }
            #expect(try scene.records().map(\.token) == expected)
            #expect(try scene.position()?.position.events == 11)
        }
    }

    @Test func theDeepestDocumentThatTheServerTakesPasses() async throws {
        try await Scene.play { scene in
            func nested(_ levels: Int) -> BSONDocument { (0..<levels).reduce(["n": 1]) { inner, _ in ["a": .document(inner)] } }
            // The server's own limit is 180 levels for a stored document.
            var deepest = 0
            for levels in stride(from: 100, to: 200, by: 1) {
                var document: BSONDocument = ["_id": .int32(Int32(levels))]
                document.append("a", .document(nested(levels)))
                do { try scene.insert([document]) } catch { break }
                deepest = levels
            }
            #expect(deepest >= 100)
            let count = deepest - 99
            let streams = [scene.stream(), scene.stream("simple") { $0.format = .simple }, scene.stream("bson") { $0.format = .bson }]
            let bridge = try scene.bridge(streams)
            for stream in streams { try scene.follow(scene.topic(stream.name)).wait(count: count) }
            #expect(try bridge.stop().isEmpty)
            let tokens = try scene.records(scene.topic("bson")).map(\.token)
            #expect(try scene.records().map(\.token) == tokens)
            let last = try #require(try scene.records().last?.text)
            #expect(last.filter { $0 == "{" }.count > deepest)
        }
    }
}
