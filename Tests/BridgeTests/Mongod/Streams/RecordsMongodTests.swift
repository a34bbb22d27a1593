import Foundation
import Mongo
import Testing

@testable import StreamBridge

/// What a record is: topic, key, value, headers, timestamp.
@Suite struct RecordsMongodTests {
    // MARK: Topics

    @Test func eachDatabaseAndCollectionHasItsTopic() async throws {
        try await Scene.play { scene in
            let topics = ["fruits", "trucks", "fr_chte___mehr"].map { "mongo.\(scene.database).\($0)" } + ["mongo.\(scene.database)"]
            for topic in topics { try scene.kafka.create(topic: topic) }
            try scene.insert([["_id": 1]], into: "fruits")
            try scene.insert([["_id": 2]], into: "trucks")
            // Names that MongoDB allows and Kafka does not.
            try scene.insert([["_id": 3]], into: "früchte & mehr")
            try scene.command(["dropDatabase": 1, "writeConcern": ["w": "majority"]])
            let template = try TextTemplate.parsing("mongo.{db}.{coll}")
            let bridge = try scene.bridge([scene.stream("all", .database(scene.database)) { $0.topic = template }])
            // A drop of each collection, then dropDatabase and invalidate, which name no collection.
            for (topic, count) in zip(topics, [2, 2, 2, 2]) { try scene.follow(topic).wait(count: count) }
            #expect(try bridge.stop().isEmpty)
            #expect(try scene.records(topics[0]).map(\.operation) == ["insert", "drop"])
            #expect(try scene.records(topics[1]).map(\.operation) == ["insert", "drop"])
            let illegal = try scene.records(topics[2])
            #expect(illegal.map(\.operation) == ["insert", "drop"])
            #expect(illegal[0].headers["mongodb.ns"] == "\(scene.database).früchte & mehr")
            #expect(try scene.records(topics[3]).map(\.operation) == ["dropDatabase", "invalidate"])
        }
    }

    // MARK: Keys

    @Test func oneDocumentHasOneKeyAndOnePartition() async throws {
        try await Scene.play { scene in
            for id in 0..<Int32(12) { try scene.insert([["_id": .int32(id)]]) }
            for id in 0..<Int32(12) { try scene.update(.int32(id), ["$set": ["n": 1]]) }
            for id in 0..<Int32(12) { try scene.delete(.int32(id)) }
            let bridge = try scene.bridge([scene.stream()], partitions: 3)
            try scene.follow(partitions: 3).wait(count: 36)
            #expect(try bridge.stop().isEmpty)
            let records = try scene.records(partitions: 3)
            #expect(Set(records.map(\.partition)).count == 3)
            for (_, of) in Dictionary(grouping: records, by: \.keyText) {
                #expect(Set(of.map(\.partition)).count == 1)
                #expect(of.map(\.operation) == ["insert", "update", "delete"])
            }
        }
    }

    /// MongoDB compares numbers by their value, and events name the `_id` as the document has it at their time.
    @Test(arguments: [FullDocument.default, .batchedLookup])
    func aDocumentKeepsItsKeyWhenItsIDChangesItsType(_ lookup: FullDocument) async throws {
        try await Scene.play { scene in
            let one = try SampleValues.decimal("1.00")
            func replace(_ id: BSONValue, by document: BSONDocument) throws {
                try scene.command([
                    "update": "fruits", "updates": [["q": ["_id": id], "u": .document(document)]], "writeConcern": ["w": "majority"],
                ])
            }
            try scene.insert([["_id": 1], ["_id": 2], ["_id": ["shop": 3]]])
            try replace(1, by: ["_id": 1.0, "t": "b"])
            try scene.update(.int64(1), ["$set": ["t": "c"]])
            try replace(1, by: ["_id": one, "t": "d"])
            try scene.update(1, ["$set": ["t": "e"]])
            try replace(["shop": 3], by: ["_id": ["shop": 3.0], "t": "f"])
            try scene.update(["shop": 3], ["$set": ["t": "g"]])
            let events = try scene.events(options: lookup == .batchedLookup ? ["fullDocument": "updateLookup"] : [:])
            let stream = scene.stream { $0.fullDocument = lookup }
            let bridge = try scene.bridge([stream], partitions: 3)
            try scene.follow(partitions: 3).wait(count: events.count)
            #expect(try bridge.stop().isEmpty)
            let records = try scene.records(partitions: 3)
            let partitions = Dictionary(grouping: records, by: \.keyText).mapValues { Set($0.map(\.partition)).count }
            #expect(
                partitions == [
                    #"{"_id":{"$numberInt":"1"}}"#: 1, #"{"_id":{"$numberInt":"2"}}"#: 1, #"{"_id":{"shop":{"$numberInt":"3"}}}"#: 1,
                ])
            // And the documents are those that the server looks up itself.
            let found = try records.sorted { $0.token < $1.token }.map { try $0.document() }
            #expect(found == events)
        }
    }

    @Test func aKeyIsTheDocumentKeyAFieldOrNothing() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1, "type": "apples", "where": ["shelf": 7]], ["_id": 2]])
            let streams = [
                scene.stream("id"), scene.stream("none") { $0.key = .none },
                scene.stream("type") { $0.key = .field(["fullDocument", "type"]) },
                scene.stream("shelf") { $0.key = .field(["fullDocument", "where", "shelf"]) },
            ]
            let bridge = try scene.bridge(streams)
            for stream in streams { try scene.follow(scene.topic(stream.name)).wait(count: 2) }
            #expect(try bridge.stop().isEmpty)
            let keys = try streams.map { try scene.records(scene.topic($0.name)).map(\.keyText) }
            #expect(
                keys == [
                    [#"{"_id":{"$numberInt":"1"}}"#, #"{"_id":{"$numberInt":"2"}}"#], [nil, nil], [#""apples""#, nil],
                    [#"{"$numberInt":"7"}"#, nil],
                ])
        }
    }

    // MARK: Values

    private static let everyType = """
        {"_id":{"$oid":"5f9b3b3b9d3b3b3b3b3b3b3b"},"double":{"$numberDouble":"-0.0"},"nan":{"$numberDouble":"NaN"},"text":"ü \\u0001 \\" \\\\ 🍌",
        "document":{"b":{"$numberInt":"1"},"a":{"$numberLong":"2"}},"array":[{"$numberInt":"1"},[],{}],
        "binary":{"$binary":{"base64":"AQID","subType":"80"}},"uuid":{"$uuid":"73ffd264-44b3-4c69-90e8-e7d1dfc035d4"},"yes":true,"no":false,
        "date":{"$date":{"$numberLong":"-62135593139000"}},"null":null,"regex":{"$regularExpression":{"pattern":"a/b","options":"ix"}},
        "code":{"$code":"f()"},"scoped":{"$code":"f()","$scope":{"x":{"$numberInt":"1"}}},"int":{"$numberInt":"-2147483648"},
        "timestamp":{"$timestamp":{"t":1,"i":2}},"long":{"$numberLong":"9223372036854775807"},"decimal":{"$numberDecimal":"1.20E+10"},
        "min":{"$minKey":1},"max":{"$maxKey":1},"symbol":{"$symbol":"s"},"undefined":{"$undefined":true},
        "pointer":{"$dbPointer":{"$ref":"a.b","$id":{"$oid":"5f9b3b3b9d3b3b3b3b3b3b3b"}}}}
        """

    @Test func canonicalAndBSONKeepEveryTypeByteForByte() async throws {
        try await Scene.play { scene in
            try scene.insert([BSONDocument(extendedJSON: Self.everyType)])
            let streams = [scene.stream("canonical"), scene.stream("bson") { $0.format = .bson }]
            let bridge = try scene.bridge(streams)
            for stream in streams { try scene.follow(scene.topic(stream.name)).wait(count: 1) }
            #expect(try bridge.stop().isEmpty)
            let expected = try scene.events()
            #expect(try scene.records(scene.topic("canonical")).map { try $0.document() } == expected)
            #expect(try scene.records(scene.topic("bson")).map { $0.value ?? [] } == expected.map(\.bytes))
        }
    }

    @Test func relaxedIsReadableAndParsesBack() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1, "type": "bananas", "quantity": 19, "price": 1.5, "ok": true, "list": [1, "two", nil]]])
            let records = try scene.publish([scene.stream { $0.format = .relaxed }], count: 1)
            #expect(
                records[0].text?.contains(
                    #""fullDocument":{"_id":1,"type":"bananas","quantity":19,"price":1.5,"ok":true,"list":[1,"two",null]}"#) == true)
            #expect(try records.map { try $0.document() } == scene.events())
        }
    }

    @Test func simpleIsPlainJSON() async throws {
        try await Scene.play { scene in
            try scene.insert([BSONDocument(extendedJSON: Self.everyType)])
            let records = try scene.publish([scene.stream { $0.format = .simple }], count: 1)
            let text = try #require(records[0].text)
            #expect(text.contains(#""_id":"5f9b3b3b9d3b3b3b3b3b3b3b""#))
            #expect(text.contains(#""long":9223372036854775807"#))
            #expect(text.contains(#""decimal":"1.20E+10""#))
            #expect(!text.contains("$number"))
        }
    }

    @Test func aTemplateIsASentence() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1, "type": "bananas", "quantity": 19], ["_id": 2, "type": "pears"]])
            let template = try TextTemplate.parsing("There are only {fullDocument.quantity} units left of {fullDocument.type}!")
            let records = try scene.publish([scene.stream { $0.format = .template(template) }], count: 2)
            #expect(records.map(\.text) == ["There are only 19 units left of bananas!", "There are only  units left of pears!"])
        }
    }

    // MARK: Content

    @Test func contentFullDocumentIsTheDocumentAlone() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1, "n": 1]])
            try scene.update(1, ["$set": ["n": 2]])
            try scene.delete(1)
            let stream = scene.stream {
                $0.content = .fullDocument
                $0.format = .relaxed
            }
            let records = try scene.publish([stream], count: 3)
            #expect(records.map(\.text) == [#"{"_id":1,"n":1}"#, "null", "null"])
        }
    }

    @Test func aTombstoneFollowsADelete() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            try scene.delete(1)
            let stream = scene.stream { $0.tombstones = true }
            let documents = scene.stream("documents") {
                $0.tombstones = true
                $0.content = .fullDocument
            }
            let bridge = try scene.bridge([stream, documents])
            try scene.follow().wait(count: 3)
            try scene.follow(scene.topic("documents")).wait(count: 2)
            #expect(try bridge.stop().isEmpty)
            let events = try scene.records()
            #expect(events.map { $0.value == nil } == [false, false, true])
            #expect(Set(events.map(\.keyText)).count == 1)
            #expect(events[1].token == events[2].token)
            // Two records of one event are one event.
            #expect(try scene.position()?.position.events == 2)
            // Where the value is the document, the tombstone is the delete's only record.
            #expect(try scene.records(scene.topic("documents")).map { $0.value == nil } == [false, true])
        }
    }

    // MARK: Headers

    @Test func headersTraceARecordToItsEvent() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let record = try scene.publish([scene.stream()], count: 1)[0]
            let event = try scene.events()[0]
            let time = try #require(event["clusterTime"]?.timestampValue)
            let wallTime = try #require(event["wallTime"]?.dateValue)
            #expect(
                record.headers == [
                    "mongodb.token": event["_id"]?.documentValue?["_data"]?.stringValue, "mongodb.op": "insert",
                    "mongodb.ns": "\(scene.database).fruits", "mongodb.clusterTime": "\(time)", "mongodb.wallTime": "\(wallTime)",
                    "bridge.stream": "fruits", "bridge.origin": "live",
                ])
            #expect(record.timestamp == Int64(time.seconds) * 1000)
        }
    }
}
