import Mongo
import Testing

@testable import StreamBridge

/// Events that are larger than MongoDB's documents may be: an update of 9 MB with its pre- and post-image.
@Suite struct LargeEventsMongodTests {
    private static func stream(_ scene: Scene) -> StreamSettings {
        scene.stream {
            $0.delivery = .exactlyOnce
            $0.fullDocument = .required
            $0.fullDocumentBeforeChange = .required
        }
    }

    private static func write(_ scene: Scene) throws {
        try scene.command(["create": "fruits", "changeStreamPreAndPostImages": ["enabled": true]])
        try scene.insert([["_id": 1, "text": .string(String(repeating: "x", count: 9_000_000))]])
        try scene.update(1, ["$set": ["n": 2]])
        try scene.insert([["_id": 2]])
    }

    private static func bridge(_ scene: Scene) throws -> RunningBridge {
        try scene.bridge([Self.stream(scene)]) { $0.kafka.producer["message.max.bytes"] = "40000000" }
    }

    /// With a server from 6.0.9 on the event is one record; an older one cannot give it, and the stream says which can.
    @Test func aLargeEventIsOneRecordOrAHaltThatNamesTheVersions() async throws {
        try await Scene.play { scene in
            try Self.write(scene)
            let bridge = try Self.bridge(scene)
            guard try Deployment(of: scene.pool).splitsLargeEvents else {
                let halts = try bridge.halts()
                #expect(halts.map(\.status) == [.configuration])
                #expect(halts.first?.reason.contains("10334") == true, "\(halts)")
                #expect(halts.first?.mend.contains("6.0.9, 7.0") == true, "\(halts)")
                #expect(try (scene.position()?.position.events ?? 0) <= 1)
                return
            }
            // The embedded cluster drops so large a record as soon as the next one comes.
            guard TestKafka.isReal else { return }
            let records = try scene.follow().wait(count: 3)
            #expect(records.map(\.operation) == ["insert", "update", "insert"])
            let event = try records[1].document()
            #expect(
                event.keys == [
                    "_id", "operationType", "clusterTime", "wallTime", "fullDocument", "ns", "documentKey", "updateDescription",
                    "fullDocumentBeforeChange",
                ])
            #expect(event["_id"]?.documentValue?["_data"]?.stringValue == records[1].token)
            #expect(event["fullDocument"]?.documentValue?["text"]?.stringValue?.utf8.count == 9_000_000)
            #expect(event["fullDocument"]?.documentValue?["n"]?.int64Value == 2)
            #expect(event["fullDocumentBeforeChange"]?.documentValue?["text"]?.stringValue?.utf8.count == 9_000_000)
            #expect(event["fullDocumentBeforeChange"]?.documentValue?["n"] == nil)
            #expect(try bridge.stop().isEmpty)
            #expect(try scene.position()?.position.events == 3)
            // No position lies between two fragments: each covers whole events.
            let tokens = records.map(\.token)
            for record in try scene.records(scene.positionsTopic) {
                let position = try StoredPosition(json: try #require(record.value)).position
                #expect(try tokens.count { $0 <= (try #require(position.token.data)) } == Int(position.events))
            }
        }
    }

    @Test func aStreamResumesAfterALargeEvent() async throws {
        try await Scene.play { scene in
            guard TestKafka.isReal, try Deployment(of: scene.pool).splitsLargeEvents else { return }
            try Self.write(scene)
            let first = try Self.bridge(scene)
            let update = try scene.follow().wait(count: 2)[1]
            #expect(try first.stop().isEmpty)
            try scene.insert([["_id": 3]])
            let settings = scene.stream("rest") {
                $0 = Self.stream(scene)
                $0.name = "rest"
                $0.topic = TextTemplate(segments: [.literal(scene.topic("rest"))])
                $0.startAt = .token(update.token)
            }
            #expect(try scene.publish([settings], count: 2).map(\.operation) == ["insert", "insert"])
        }
    }

    @Test(arguments: [
        ("4.4.29", false), ("5.0.31", false), ("6.0.5", false), ("6.0.8", false), ("6.0.9", true), ("6.0.27", true), ("6.3.1", false),
        ("7.0.0", true), ("8.0.4", true), ("unknown", false),
    ])
    func theStageIsThereFrom6_0_9And7_0On(_ version: String, _ splits: Bool) {
        #expect(Deployment(replicaSet: "rs0", isSharded: false, version: version).splitsLargeEvents == splits)
    }
}
