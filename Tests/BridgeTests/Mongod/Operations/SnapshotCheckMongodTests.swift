import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// What `bridge check` says of a stream that begins with a snapshot.
@Suite struct SnapshotCheckMongodTests {
    /// What is found about the stream but for its beginning.
    private static func findings(
        _ scene: Scene, _ watch: WatchScope, _ filters: [String: String] = [:], stored: Bool = false
    ) throws -> [Finding] {
        let stream = scene.stream("fruits", watch) {
            $0.snapshot.when = .initial
            for (collection, query) in filters { $0.snapshot.filters[Namespace(database: scene.database, collection: collection)] = query }
        }
        if stored {
            try scene.storePosition(
                try #require(scene.events().last?["_id"]?.documentValue?["_data"]?.stringValue), of: stream, events: 1)
        }
        return try scene.configuration([stream]).check().filter { $0.subject == "stream fruits" && $0.level != .ok }
    }

    private static func play(_ body: @escaping @Sendable (Scene) throws -> Void) async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            try scene.command(["create": "capped", "capped": true, "size": 4096])
            try body(scene)
        }
    }

    @Test func whatCanBeCopiedIsNoFinding() async throws {
        try await Self.play { scene in
            let fruits = Namespace(database: scene.database, collection: "fruits")
            let findings = try Self.findings(scene, .collection(fruits), ["fruits": #"{"n":{"$gt":1}}"#])
            #expect(findings.isEmpty, "\(findings)")
        }
    }

    @Test func aCappedCollectionIsRefusedWhereItIsNamed() async throws {
        try await Self.play { scene in
            let watch = WatchScope.collections(["fruits", "capped"].map { Namespace(database: scene.database, collection: $0) })
            let finding = try #require(try Self.findings(scene, watch).first)
            #expect(finding.level == .error && finding.status.rawValue == 78)
            #expect(finding.text.hasPrefix("\(scene.database).capped is a capped collection"), "\(finding)")
            // One that has begun continues with its events.
            #expect(try Self.findings(scene, watch, stored: true).isEmpty)
        }
    }

    @Test func aCappedCollectionOfADatabaseIsLeftOutWithAWarning() async throws {
        try await Self.play { scene in
            let findings = try Self.findings(scene, .database(scene.database))
            #expect(findings.map(\.level) == [.warning])
            #expect(findings.first?.text.hasSuffix(": \(scene.database).capped") == true, "\(findings)")
        }
    }

    @Test func aFilterForACollectionThatIsNotThereIsAWarning() async throws {
        try await Self.play { scene in
            let findings = try Self.findings(scene, .database(scene.database), ["later": "{}"]).filter { $0.text.contains("later") }
            #expect(findings.map(\.level) == [.warning])
            #expect(findings.first?.text == "the snapshot has a filter for \(scene.database).later, which is not there")
        }
    }

    @Test func aFilterThatTheServerRefusesIsAnError() async throws {
        try await Self.play { scene in
            let fruits = Namespace(database: scene.database, collection: "fruits")
            let finding = try #require(try Self.findings(scene, .collection(fruits), ["fruits": #"{"$text":{"$search":"x"}}"#]).first)
            #expect(finding.level == .error)
            #expect(finding.text.hasPrefix("MongoDB refuses the snapshot's filter for \(fruits): "), "\(finding)")
        }
    }

    /// The account may read, and nothing else.
    @Test func theRightToListCollectionsIsAskedFor() async throws {
        try await GuardedMongod.play { guarded in
            let scene = guarded.scene
            try guarded.createAccount(
                "reader",
                privileges: [
                    ["resource": ["db": .string(scene.database), "collection": ""], "actions": ["find", "changeStream"]],
                    ["resource": ["db": "local", "collection": "oplog.rs"], "actions": ["find"]],
                ])
            scene.kafka.hide(topic: scene.positionsTopic)
            scene.kafka.hide(topic: scene.snapshotsTopic)
            func findings(_ when: SnapshotSettings.When) throws -> [Finding] {
                var configuration = scene.configuration([scene.stream { $0.snapshot.when = when }])
                configuration.topics.create = false
                configuration.mongodb.uri = guarded.uri(as: "reader:pw")
                return try configuration.check().filter { $0.subject == "stream fruits" && $0.text.contains("listCollections") }
            }
            let finding = try #require(try findings(.initial).first)
            #expect(finding.level == .error)
            #expect(finding.text == "the account lacks listCollections on all collections of \(scene.database)", "\(finding)")
            #expect(try findings(.never).isEmpty)

            // What the stream itself would say.
            let pool = try MongoClientPool(
                .init(uri: guarded.uri(as: "reader:pw"), maxPoolSize: 2, serverSelectionTimeout: Patience.limit, appName: "test"))
            let remarks = try SnapshotReview.remarks(on: scene.stream(), deployment: Deployment(of: pool), pool: pool)
            #expect(remarks.map(\.isFault) == [true])
            #expect(remarks.first?.remedy.contains("listCollections on all collections of \(scene.database)") == true, "\(remarks)")
        }
    }
}
