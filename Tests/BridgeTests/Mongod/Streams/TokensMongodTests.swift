import Mongo
import Testing

@testable import StreamBridge

/// Every record's token can be given back, wherever a token is taken.
@Suite struct TokensMongodTests {
    /// Ids whose KeyString alone does not tell their type: the server sends `_typeBits` beside it.
    private static let ids: [BSONValue] = [
        1, .double(7.25), .double(-0.0), .int64(1 << 60 + 1),
        // 15 times ten to the power of -1.
        .decimal128(BSONDecimal128(high: 0x303E_0000_0000_0000, low: 15)), "text", ["a": .double(2), "b": [.int64(3)]],
    ]

    /// A record for each id, as the bridge published them.
    private static func publish(_ scene: Scene) throws -> [TestRecord] {
        try scene.insert(ids.map { ["_id": $0] })
        return try scene.publish([scene.stream()], count: ids.count)
    }

    @Test func theHeaderHasAllOfTheToken() async throws {
        try await Scene.play { scene in
            let records = try Self.publish(scene)
            let tokens = try scene.events().compactMap { $0["_id"]?.documentValue }
            #expect(records.map { ResumeToken(text: $0.token).document.bytes } == tokens.map(\.bytes))
            #expect(tokens.count { $0["_typeBits"] != nil } >= 4)
            #expect(records.map(\.token) == tokens.map { ResumeToken(document: $0).text })
        }
    }

    @Test func aStreamBeginsBehindEachOfThem() async throws {
        try await Scene.play { scene in
            let records = try Self.publish(scene)
            let streams = try records.enumerated().map { index, record in
                let point = try StartPoint(token: record.token)
                return scene.stream("from\(index)") { $0.startAt = point }
            }
            try scene.insert([["_id": "last"]])
            let bridge = try scene.bridge(streams)
            for (index, stream) in streams.enumerated() {
                let found = try scene.follow(scene.topic(stream.name)).wait(count: Self.ids.count - index)
                #expect(found.map(\.token).prefix(Self.ids.count - index - 1) == records.dropFirst(index + 1).map(\.token)[...])
            }
            #expect(try bridge.stop().isEmpty)
        }
    }

    /// By the token, in lower-case letters, and by the record's coordinates.
    @Test func aPositionIsSetBehindEachOfThem() async throws {
        try await Scene.play { scene in
            try scene.makeEditsTopics()
            let records = try Self.publish(scene)
            for record in records {
                for place in [record.token, record.token.lowercased(), "\(scene.topic())/\(record.partition)/\(record.offset)"] {
                    let change = try scene.setPosition(of: scene.stream(), to: place, .init(by: "ann@desk", isDryRun: true))
                    #expect(change.trial.token == record.token)
                }
            }
            // Stored with both parts, and read with both.
            let last = try #require(records.last { $0.token.contains(":") })
            _ = try scene.setPosition(of: scene.stream(), to: last.token, .init(by: "ann@desk", isForced: true))
            #expect(try scene.position()?.position.token.text == last.token)
        }
    }

    @Test func aReplayBeginsAndEndsAtEachOfThem() async throws {
        try await Scene.play { scene in
            try scene.makeReplayTopics()
            let records = try Self.publish(scene)
            for (first, last) in zip(records, records.dropFirst()) {
                let summary = try scene.replay(scene.stream(), from: first.token, to: last.token)
                #expect(summary.events == 1, "from \(first.token) to \(last.token)")
            }
            #expect(try scene.records(scene.replayTopic).map(\.token) == records.dropFirst().map(\.token))
        }
    }

    @Test func aVerificationKnowsThem() async throws {
        try await Scene.play { scene in
            let records = try Self.publish(scene)
            let report = try scene.verify(scene.stream())
            #expect(report.isClean && report.found == Self.ids.count, "\(report)")
            // An earlier version left the type bits out.
            let old = scene.stream("old")
            try scene.kafka.create(topic: scene.topic("old"))
            try scene.forge(
                records.map {
                    $0.with(headers: ["mongodb.token": ResumeToken(text: $0.token).data ?? "", "bridge.stream": "old"])
                }, on: scene.topic("old"))
            try scene.storePosition(try #require(records.last?.token), of: old, events: 7)
            let before = try scene.verify(old)
            #expect(before.isClean && before.found == Self.ids.count, "\(before)")
        }
    }
}
