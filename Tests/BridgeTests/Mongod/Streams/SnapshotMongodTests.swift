import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// The documents that are there already, beside the stream's events.
@Suite struct SnapshotMongodTests {
    static func fruits(_ range: Range<Int32>) -> [BSONDocument] {
        range.map { ["_id": .int32($0), "quantity": .int32(0), "text": .string(String(repeating: "x", count: 200))] }
    }

    /// A stream that begins with a snapshot, now.
    static func stream(_ scene: Scene, _ watch: WatchScope? = nil, _ change: (inout StreamSettings) -> Void = { _ in }) -> StreamSettings {
        scene.stream("fruits", watch) {
            $0.startAt = .now
            $0.snapshot.when = .initial
            change(&$0)
        }
    }

    static func awaitEnd(_ scene: Scene) throws -> SnapshotRecord {
        try scene.follow(InternalTopics.snapshots(of: scene.name)).wait(for: "the end of the snapshot") {
            $0.last?.value.flatMap { SnapshotRecord(json: $0) }.map { $0.state != .running } ?? false
        }
        return try #require(try scene.snapshot())
    }

    @Test(arguments: [Delivery.atLeastOnce, .exactlyOnce])
    func aStreamBeginsWithTheDocumentsThatAreThere(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            try scene.insert(Self.fruits(0..<1000))
            let bridge = try scene.bridge([Self.stream(scene) { $0.delivery = delivery }])
            let snapshot = try Self.awaitEnd(scene)
            #expect(snapshot.state == .done)
            #expect(snapshot.documents == 1000)
            #expect(snapshot.parts.map(\.state) == [.done])
            #expect(snapshot.parts.map(\.estimated) == [1000])
            try scene.insert(Self.fruits(1000..<1001))
            let records = try scene.follow().wait(count: 1001)
            #expect(try bridge.stop().isEmpty)
            #expect(records.prefix(1000).map(\.keyText) == (0..<1000).map { #"{"_id":{"$numberInt":"\#($0)"}}"# })
            #expect(
                records.prefix(1000).allSatisfy {
                    $0.headers["bridge.origin"] == "snapshot" && $0.headers["bridge.snapshot"] == snapshot.id
                })
            #expect(records.last?.headers["bridge.origin"] == "live")
            #expect(try CollectionMirror(records).documents == scene.contents())
            #expect(try scene.position()?.position.snapshot == nil)
            #expect(try scene.position()?.position.events == 1)
        }
    }

    @Test func aRecordIsTheEventThatAnInsertWouldHaveGiven() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": "pear", "quantity": 3]])
            let bridge = try scene.bridge([Self.stream(scene)])
            let snapshot = try Self.awaitEnd(scene)
            #expect(try bridge.stop().isEmpty)
            let record = try #require(try scene.records().first)
            let event = try record.document()
            #expect(event.keys == ["_id", "operationType", "clusterTime", "fullDocument", "ns", "documentKey"])
            let token = try #require(event["_id"]?.documentValue?["_data"]?.stringValue)
            let time = try #require(event["clusterTime"]?.timestampValue)
            #expect(event["operationType"] == "insert")
            #expect(event["fullDocument"] == ["_id": "pear", "quantity": 3])
            #expect(event["ns"] == ["db": .string(scene.database), "coll": "fruits"])
            #expect(event["documentKey"] == ["_id": "pear"])
            #expect(
                record.headers == [
                    "mongodb.token": token, "mongodb.op": "insert", "mongodb.ns": "\(scene.database).fruits",
                    "mongodb.clusterTime": "\(time)", "bridge.stream": "fruits", "bridge.origin": "snapshot",
                    "bridge.snapshot": snapshot.id,
                ])
        }
    }

    /// Deltas of documents that are copied before, meanwhile and afterwards.
    @Test(arguments: [Delivery.atLeastOnce, .exactlyOnce])
    func aConsumerThatAppliesDeltasHasWhatTheCollectionHas(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            try scene.insert(Self.fruits(0..<3000))
            let isOver = Monitor(false)
            let writer = LoopThread.start(name: "write") {
                var next: Int32 = 0
                while !isOver.value {
                    next += 1
                    let id = BSONValue.int32((next &* 7919) % 3000)
                    switch next % 10 {
                    case 0: try? scene.delete(id)
                    case 1: try? scene.insert([["_id": .int32(10_000 + next), "quantity": .int32(next)]])
                    default: try? scene.update(id, ["$inc": ["quantity": 1], "$set": ["by": .int32(next)]])
                    }
                }
            }
            defer {
                isOver.update { $0 = true }
                writer.join()
            }
            let bridge = try scene.bridge([Self.stream(scene) { $0.delivery = delivery }])
            let snapshot = try Self.awaitEnd(scene)
            isOver.update { $0 = true }
            writer.join()
            try scene.insert([["_id": "last"]])
            let records = try scene.follow().wait(for: "the last event") { $0.last?.keyText == #"{"_id":"last"}"# }
            #expect(try bridge.stop().isEmpty)
            #expect(snapshot.state == .done)
            let mirror = try CollectionMirror(records)
            let contents = try scene.contents()
            let different = Set(mirror.documents.keys).union(contents.keys).filter { mirror.documents[$0] != contents[$0] }
            #expect(different.isEmpty, "\(different.sorted().prefix(3))")
            #expect(mirror.copies.values.allSatisfy { $0 == 1 })
        }
    }

    @Test func everyTypeOfIdIsCopiedInTheOrderOfTheIndex() async throws {
        try await Scene.play { scene in
            let ids: [BSONValue] = [
                .minKey, .null, .double(.nan), .int32(1), .double(2.5), .int64(7),
                .decimal128(BSONDecimal128(high: 0x303e_0000_0000_0000, low: 85)), "a", "b",
                ["x": 1], .binary(subtype: 0, bytes: [1, 2]), .objectID(try #require(BSONObjectID("0123456789abcdef01234567"))), false,
                true, .date(milliseconds: 5),
                .timestamp(BSONTimestamp(seconds: 1, increment: 1)), .javascript("x"), .maxKey,
            ]
            try scene.insert(ids.reversed().map { ["_id": $0] })
            let bridge = try scene.bridge([Self.stream(scene)])
            #expect(try Self.awaitEnd(scene).documents == Int64(ids.count))
            #expect(try bridge.stop().isEmpty)
            // As documents: two NaN are not equal as numbers.
            let found = try scene.records().map {
                BSONDocument(fields: [("_id", try $0.document()["fullDocument"]?.documentValue?["_id"] ?? .null)])
            }
            #expect(found == ids.map { ["_id": $0] })
        }
    }

    @Test func aPipelineAndAFilterSeeDocumentsAsTheySeeInserts() async throws {
        try await Scene.play { scene in
            try scene.insert((0..<600).map { ["_id": .int32($0), "quantity": .int32($0 % 10), "secret": "x"] })
            let fruits = Namespace(database: scene.database, collection: "fruits")
            let bridge = try scene.bridge([
                Self.stream(scene) {
                    $0.pipeline = #"[{"$match": {"fullDocument.quantity": {"$gte": 5}}}, {"$unset": "fullDocument.secret"}]"#
                    $0.snapshot.filters = [fruits: #"{"quantity": {"$lte": 6}}"#]
                }
            ])
            let snapshot = try Self.awaitEnd(scene)
            #expect(try bridge.stop().isEmpty)
            #expect(snapshot.documents == 120)
            let documents = try scene.records().map { try #require($0.document()["fullDocument"]?.documentValue) }
            let expected: [BSONDocument] = (0..<600).filter { (5...6).contains($0 % 10) }.map {
                ["_id": .int32($0), "quantity": .int32($0 % 10)]
            }
            #expect(documents == expected)
        }
    }

    @Test func aPipelineThatDropsEveryDocumentEndsWithNone() async throws {
        try await Scene.play { scene in
            try scene.insert(Self.fruits(0..<500))
            let bridge = try scene.bridge([Self.stream(scene) { $0.pipeline = #"[{"$match": {"operationType": "delete"}}]"# }])
            let snapshot = try Self.awaitEnd(scene)
            #expect(try bridge.stop().isEmpty)
            #expect(snapshot.state == .done)
            #expect(snapshot.documents == 0)
        }
    }

    @Test(arguments: [2, 5])
    func severalCursorsGiveTheSameOrder(_ cursors: Int) async throws {
        try await Scene.play { scene in
            try scene.insert(Self.fruits(0..<2000))
            let bridge = try scene.bridge([Self.stream(scene) { $0.snapshot.cursors = cursors }])
            #expect(try Self.awaitEnd(scene).documents == 2000)
            #expect(try bridge.stop().isEmpty)
            #expect(try scene.records().map(\.keyText) == (0..<2000).map { #"{"_id":{"$numberInt":"\#($0)"}}"# })
        }
    }

    /// Views, capped collections and those of time series are left out; an empty collection is done at once.
    @Test func ofADatabaseAllCollectionsAreCopiedThatCanBe() async throws {
        try await Scene.play { scene in
            for collection in ["apples", "pears"] { try scene.insert(Self.fruits(0..<50), into: collection) }
            try scene.command(["create": "empty"])
            try scene.command(["create": "log", "capped": true, "size": 10_000])
            try scene.insert(Self.fruits(0..<5), into: "log")
            try scene.command(["create": "seen", "viewOn": "apples", "pipeline": []])
            try scene.command(["create": "times", "timeseries": ["timeField": "at"]])
            try scene.command(["create": "clustered", "clusteredIndex": ["key": ["_id": 1], "unique": true]])
            try scene.insert(Self.fruits(0..<20), into: "clustered")
            try scene.command(["create": "sorted", "collation": ["locale": "en", "strength": 2]])
            try scene.insert([["_id": "b"], ["_id": "A"], ["_id": "C"]], into: "sorted")
            let bridge = try scene.bridge([Self.stream(scene, .database(scene.database))])
            let snapshot = try Self.awaitEnd(scene)
            #expect(try bridge.stop().isEmpty)
            #expect(snapshot.parts.map(\.namespace.collection).sorted() == ["apples", "clustered", "empty", "pears", "sorted"])
            #expect(snapshot.parts.allSatisfy { $0.state == .done })
            #expect(snapshot.documents == 123)
            #expect(scene.log.lines(containing: "snapshots leave out capped collections").count == 1)
            let sorted = try scene.records().filter { $0.headers["mongodb.ns"] == "\(scene.database).sorted" }
            #expect(sorted.map(\.keyText) == [#"{"_id":"A"}"#, #"{"_id":"b"}"#, #"{"_id":"C"}"#])
        }
    }

    /// A collection that goes in the middle, another one whose catalog entry changes, and one that is made anew under
    /// its name.
    @Test func aCollectionThatChangesMeanwhileEndsOrGoesOn() async throws {
        try await Scene.play { scene in
            for collection in ["a", "b", "c"] { try scene.insert(Self.fruits(0..<800), into: collection) }
            let isOver = Monitor(false)
            let writer = LoopThread.start(name: "change") {
                var count: Int32 = 0
                while !isOver.value {
                    count += 1
                    _ = try? scene.command(["createIndexes": "a", "indexes": [["key": ["f\(count % 30)": 1], "name": "i\(count % 30)"]]])
                    _ = try? scene.command(["drop": "b"])
                    try? scene.insert(Self.fruits(0..<3), into: "b")
                }
            }
            defer {
                isOver.update { $0 = true }
                writer.join()
            }
            let watch = ["a", "b", "c"].map { Namespace(database: scene.database, collection: $0) }
            let bridge = try scene.bridge([Self.stream(scene, .collections(watch))])
            let snapshot = try Self.awaitEnd(scene)
            isOver.update { $0 = true }
            writer.join()
            #expect(try bridge.stop().isEmpty)
            #expect(snapshot.state == .done, "\(snapshot.reason ?? "")")
            let copied = try scene.records().filter { $0.headers["bridge.origin"] == "snapshot" }
            func count(_ name: String) -> Int { copied.count { $0.headers["mongodb.ns"] == "\(scene.database).\(name)" } }
            // Where the first drop comes late, all of it was copied before.
            let gone: SnapshotRecord.Part.State = count("b") == 800 ? .done : .ended
            #expect(snapshot.parts.map(\.state) == [.done, gone, .done])
            #expect(count("a") == 800 && count("c") == 800)
        }
    }

    /// The position has the progress while the snapshot runs, and the next session continues behind the last document.
    @Test(arguments: [Delivery.atLeastOnce, .exactlyOnce])
    func aSnapshotThatWasInterruptedGoesOn(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            try scene.insert(Self.fruits(0..<4000))
            let stream = Self.stream(scene) { $0.delivery = delivery }
            var stops = 0
            while try scene.snapshot()?.state != .done, stops < 50 {
                let bridge = try scene.bridge([stream])
                _ = try bridge.streams()
                let count = try scene.records().count
                try scene.follow().wait(for: "some more") { $0.count > count || count >= 4000 }
                #expect(try bridge.stop().isEmpty)
                stops += 1
                if let progress = try scene.position()?.position.snapshot {
                    #expect(progress.id == (try scene.snapshot()?.id))
                    #expect(progress.documents == Int64(Set(try scene.records().map(\.keyText)).count))
                }
            }
            #expect(try scene.records().map(\.keyText) == (0..<4000).map { #"{"_id":{"$numberInt":"\#($0)"}}"# })
            #expect(try scene.snapshot()?.documents == 4000)
        }
    }

    @Test func aDatabaseWithoutACollectionIsDoneAtOnce() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([Self.stream(scene, .database(scene.database))])
            let snapshot = try Self.awaitEnd(scene)
            #expect(snapshot.state == .done)
            #expect(snapshot.parts.isEmpty)
            try scene.insert(Self.fruits(0..<1))
            try scene.follow().wait(count: 1)
            #expect(try bridge.stop().isEmpty)
        }
    }
}
