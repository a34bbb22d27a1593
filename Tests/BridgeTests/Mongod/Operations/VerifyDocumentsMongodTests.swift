import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// `bridge verify --documents`: the newest record of each key beside the document that the collection has.
@Suite struct VerifyDocumentsMongodTests {
    private static func mirror(_ scene: Scene, _ change: (inout StreamSettings) -> Void = { _ in }) -> StreamSettings {
        scene.stream {
            $0.delivery = .exactlyOnce
            $0.fullDocument = .updateLookup
            $0.content = .fullDocument
            $0.tombstones = true
            change(&$0)
        }
    }

    /// What texts tell apart with difficulty, or not at all.
    private static let documents: [BSONDocument] = [
        ["_id": 1, "n": 1], ["_id": "two", "n": .int64(5_000_000_000), "text": "a \"quote\" and ü"],
        ["_id": .int64(3), "d": 0.1, "w": 2.0], ["_id": 4.0, "n": 1], ["_id": 7.25], ["_id": ["n": .int64(5)]],
        ["_id": ["a": 1, "b": "x"], "at": .date(milliseconds: 1_769_817_600_123), "list": [1, ["x": .null]], "empty": [:]],
        [
            "_id": .binary(subtype: 4, bytes: [UInt8](repeating: 7, count: 16)),
            "time": .timestamp(BSONTimestamp(seconds: 1, increment: 2)), "is": true,
        ],
    ]

    /// A stream whose records are all there, and a position that covers them.
    private static func play(
        _ change: @escaping @Sendable (inout StreamSettings) -> Void = { _ in },
        _ body: @escaping @Sendable (_ scene: Scene, _ stream: StreamSettings) throws -> Void
    ) async throws {
        try await Scene.play { scene in
            let stream = mirror(scene, change)
            try scene.insert(documents)
            try scene.insert([["_id": "gone"]])
            try scene.update(1, ["$set": ["n": 2]])
            try scene.delete("gone")
            // A delete has a tombstone besides its event.
            _ = try scene.publish([stream], count: documents.count + 3 + (stream.content == .event && stream.tombstones ? 1 : 0))
            try body(scene, stream)
        }
    }

    /// As if everything so far had been published.
    private static func pretendPublished(_ scene: Scene, _ stream: StreamSettings) throws {
        let token = try #require(try scene.events().last?["_id"]?.documentValue?["_data"]?.stringValue)
        try scene.storePosition(token, of: stream, events: 100)
    }

    /// A stream that began after the documents were written has no other records of them.
    @Test func recordsOfSnapshotsCount() async throws {
        try await Self.play { scene, stream in
            let published = try scene.records(scene.topic())
            var later = stream
            later.topic = TextTemplate(segments: [.literal("copied.\(scene.name)")])
            let topic = "copied.\(scene.name)"
            try scene.kafka.create(topic: topic)
            #expect(try scene.verifyDocuments(later).missing == Self.documents.count)
            let copies = published.filter { $0.operation != "delete" }.map { $0.with(headers: ["bridge.origin": "snapshot"]) }
            try scene.forge(copies, on: topic)
            let report = try scene.verifyDocuments(later)
            #expect(report.missing == 0 && report.different == 0 && report.compared == Self.documents.count, "\(report)")
        }
    }

    @Test(arguments: [RecordFormat.relaxed, .canonical, .simple, .bson], [RecordContent.event, .fullDocument])
    func aMirrorOfEveryFormatIsAsItShouldBe(format: RecordFormat, content: RecordContent) async throws {
        try await Self.play {
            $0.format = format
            $0.content = content
        } _: { scene, stream in
            let report = try scene.verifyDocuments(stream)
            #expect(report.isClean, "\(report)")
            #expect(report.expected == Self.documents.count)
            #expect(report.compared == Self.documents.count)
            #expect(report.undecided == 0)
            // A check that finds nothing must have been able to.
            try scene.update("two", ["$set": ["text": "another"]])
            try Self.pretendPublished(scene, stream)
            #expect(try scene.verifyDocuments(stream).different == 1)
        }
    }

    @Test(
        arguments: [
            .debezium(DebeziumSettings(topicPrefix: "shop")), .debezium(DebeziumSettings(topicPrefix: "shop", document: .object)),
            .cloudevents(.binary), .cloudevents(.structured),
        ] as [RecordFormat])
    func soIsAMirrorOfAnEnvelope(format: RecordFormat) async throws {
        try await aMirrorOfEveryFormatIsAsItShouldBe(format: format, content: .event)
    }

    /// The keys are Debezium's there.
    @Test func whatIsWrongWithDebeziumsRecordsIsFoundWithItsKey() async throws {
        try await Self.play {
            $0.content = .event
            $0.format = .debezium(DebeziumSettings(topicPrefix: "shop"))
        } _: { scene, stream in
            try scene.insert([["_id": "new"]])
            try scene.update(1, ["$set": ["n": 3]])
            try scene.delete("two")
            try Self.pretendPublished(scene, stream)
            let report = try scene.verifyDocuments(stream)
            let keys = Dictionary(report.findings.map { ($0.kind, $0.key) }) { first, _ in first }
            #expect(keys == [.missing: #"{"id":"\"new\""}"#, .different: #"{"id":"1"}"#, .notDeleted: #"{"id":"\"two\""}"#])
        }
    }

    @Test(arguments: [RecordContent.event, .fullDocument])
    func whatIsMissingDifferentOrNotDeletedIsFoundWithItsKey(content: RecordContent) async throws {
        try await Self.play {
            $0.content = content
        } _: { scene, stream in
            try scene.insert([["_id": "new"]])
            try scene.update(1, ["$set": ["n": 3]])
            try scene.delete("two")
            try Self.pretendPublished(scene, stream)
            let report = try scene.verifyDocuments(stream)
            #expect(!report.isClean)
            #expect(report.missing == 1, "\(report)")
            #expect(report.different == 1)
            #expect(report.notDeleted == 1)
            let keys = Dictionary(uniqueKeysWithValues: report.findings.map { ($0.kind, $0.key) })
            #expect(keys[.missing] == #"{"_id":"new"}"#)
            #expect(keys[.different] == #"{"_id":{"$numberInt":"1"}}"#)
            #expect(keys[.notDeleted] == #"{"_id":"two"}"#)
        }
    }

    /// The stream does not run: nobody can say of these whether they will be published.
    @Test func whatChangedBehindTheStoredPositionIsNotJudged() async throws {
        try await Self.play { scene, stream in
            try scene.insert([["_id": "new"]])
            try scene.update(1, ["$set": ["n": 3]])
            try scene.delete("two")
            let report = try scene.verifyDocuments(stream) { $0.startupTimeout = .seconds(5) }
            #expect(report.isClean, "\(report)")
            #expect(report.undecided == 3)
            #expect(report.notes.contains { $0.contains("were not judged") })
        }
    }

    @Test func aLiveSystemRaisesNoFalseAlarm() async throws {
        try await Scene.play { scene in
            let stream = Self.mirror(scene)
            let load = Load(documents: 50, rounds: 40, on: scene)
            let bridge = try scene.bridge([stream])
            load.start()
            try scene.follow().wait(count: 100)
            for _ in 0..<3 {
                let report = try scene.verifyDocuments(stream)
                #expect(report.isClean, "\(report)")
            }
            try load.waitForEnd()
            let report = try scene.verifyDocuments(stream)
            #expect(report.isClean, "\(report)")
            #expect(report.undecided == 0, "\(report)")
            #expect(report.expected > 0)
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test func aReplayedOldRecordIsTheNewestForReadersOfTheTopic() async throws {
        try await Self.play { scene, stream in
            try scene.makeReplayTopics()
            let first = try scene.records()[0]
            try scene.replay(stream, to: first.token) { $0.topic = nil }
            let report = try scene.verifyDocuments(stream)
            #expect(report.different == 1)
            #expect(report.findings.first?.key == first.keyText)
        }
    }

    @Test func collectionsOfADatabaseMayShareATopicAndBeDropped() async throws {
        try await Scene.play { scene in
            let stream = Self.mirror(scene) {
                $0.watch = .database(scene.database)
                // Records that say which collection they are of.
                $0.content = .event
                $0.tombstones = false
            }
            for collection in ["fruits", "plants", "stones"] { try scene.insert([["_id": 1], ["_id": 2]], into: collection) }
            try scene.command(["drop": "stones"])
            try scene.delete(2, from: "plants")
            _ = try scene.publish([stream], count: 8)
            let report = try scene.verifyDocuments(stream)
            #expect(report.isClean, "\(report)")
            #expect(report.expected == 3)
            #expect(report.compared == 3)
        }
    }

    @Test(arguments: ["template", "default", "pipeline", "key"])
    func aStreamWhoseRecordsCarryNoDocumentsIsRefusedWithTheReason(what: String) throws {
        var stream = StreamSettings.sample()
        let sentence: String
        switch what {
        case "template": (stream.format, sentence) = (.template(.sample), "a template does not carry the document")
        case "default": (stream.fullDocument, sentence) = (.default, "an update carries no document")
        case "pipeline": (stream.pipeline, sentence) = (#"[{"$project": {"x": 0}}]"#, "its pipeline chooses or changes documents")
        default: (stream.key, sentence) = (.none, "not keyed by the documentKey")
        }
        let halt = try #require(throws: Halt.self) { try DocumentImage(of: stream) }
        #expect(halt.reason.contains(sentence), "\(halt)")
        #expect(halt.status == .configuration)
    }

    @Test(arguments: [
        "[]", #"[{"$match": {"operationType": {"$in": ["insert", "update", "replace", "delete"]}}}]"#,
        #"[{"$match": {"operationType": {"$ne": "drop"}}}, {"$match": {"operationType": {"$nin": ["rename", "dropDatabase"]}}}]"#,
    ])
    func aPipelineThatLetsEveryChangeOfADocumentPassIsAccepted(pipeline: String) throws {
        _ = try DocumentImage(of: .sample { $0.pipeline = pipeline })
    }

    /// Whatever such a pipeline leaves out would look like a fault.
    @Test(arguments: [
        #"{"operationType": "insert"}"#, #"{"operationType": {"$in": ["insert", "update", "replace"]}}"#,
        #"{"operationType": {"$ne": "delete"}}"#, #"{"operationType": {"$nin": ["drop", "update"]}}"#,
        #"{"operationType": {"$ne": "drop", "$eq": "insert"}}"#, #"{"operationType": {"$gt": "a"}}"#, #"{"operationType": {}}"#,
        #"{"operationType": {"$ne": "drop"}, "ns.coll": "fruits"}"#,
    ])
    func aPipelineThatMayLeaveOutChangesOfADocumentIsRefused(match: String) throws {
        let stream = StreamSettings.sample { $0.pipeline = #"[{"$match": {"operationType": {"$ne": "drop"}}}, {"$match": \#(match)}]"# }
        let halt = try #require(throws: Halt.self) { try DocumentImage(of: stream) }
        #expect(halt.reason.contains("insert, update, replace and delete"), "\(halt)")
    }

    /// What was not read to its end does not say that nothing changed.
    @Test func aStopWhileTheChangeStreamIsReadJudgesNothing() async throws {
        try await Self.play { scene, stream in
            let token = try #require(try scene.position(of: stream.name)).position.token
            let stop = StopSignal()
            var verification = try DocumentVerification(
                scene.configuration([stream]), stream: stream, admin: KafkaAdmin(settings: scene.kafka.settings, logger: .silent),
                pool: scene.pool, deployment: Deployment(of: scene.pool), limit: 20, stop: stop, show: { _ in })
            let suspect = [1].withUnsafeBytes { DocumentIdentity(namespace: "", key: $0) }
            verification.suspects[suspect] = .init(kind: .missing, namespace: nil, key: nil)
            let now = try verification.deployment.clusterTime(pool: scene.pool)
            #expect(try verification.changed(behind: token, upTo: now).isEmpty)
            stop.request(grace: .zero)
            #expect(try verification.changed(behind: token, upTo: now) == [suspect])
        }
    }

    @Test func theCommandLineTellsAndEndsWithStatusOne() async throws {
        try await Scene.play { scene in
            let folder = try TemporaryFolder()
            let yaml = scene.yaml(delivery: .exactlyOnce).replacing("fullDocument: default", with: "fullDocument: updateLookup")
            let file = try folder.write(yaml, to: "bridge.yaml")
            let stream = Self.mirror(scene) {
                $0.content = .event
                $0.tombstones = false
            }
            try scene.insert([["_id": 1], ["_id": 2]])
            _ = try scene.publish([stream], count: 2)
            let well = try BridgeProgram(["verify", "--stream", "fruits", "--documents", "--config", file])
            #expect(try well.exitStatus() == 0, "\(well.errors)")
            #expect(well.output.contains("2 documents, 2 of them with a record that has one"), "\(well.output)")
            try scene.insert([["_id": 3]])
            try Self.pretendPublished(scene, stream)
            let ill = try BridgeProgram(["verify", "--stream", "fruits", "--documents", "--config", file])
            #expect(try ill.exitStatus() == 1, "\(ill.errors)")
            #expect(ill.output.contains("missing 1, different 0, not deleted 0"), "\(ill.output)")
            let json = try BridgeProgram(["verify", "--stream", "fruits", "--documents", "--format", "json", "--config", file])
            #expect(try json.exitStatus() == 1)
            #expect(json.output.contains("\"notDeleted\" : 0"), "\(json.output)")
            let wrong = try BridgeProgram(["verify", "--stream", "fruits", "--documents", "--from", "oldest", "--config", file])
            #expect(try wrong.exitStatus() == 64)
        }
    }
}
