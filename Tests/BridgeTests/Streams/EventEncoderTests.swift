import Testing

@testable import Kafka
@testable import Mongo
@testable import Runtime
@testable import StreamBridge

@Suite struct EventEncoderTests {
    private func record(of event: BSONDocument, _ change: (inout StreamSettings) -> Void = { _ in }) throws -> EncodedRecord {
        let records = try EventEncoder(.sample(change)).records(of: event)
        return try #require(records.count == 1 ? records[0] : nil)
    }

    private static let token = "82" + "6274DD9F" + "00000001" + "2B022C0100296E5A1004"

    // MARK: Keys

    @Test(
        arguments: [
            (.int32(5), #"{"_id":{"$numberInt":"5"}}"#),
            (.int64(1 << 40), #"{"_id":{"$numberLong":"1099511627776"}}"#),
            (.double(7.25), #"{"_id":{"$numberDouble":"7.25"}}"#),
            (.string("a\"b"), #"{"_id":"a\"b"}"#),
            (["a": 1, "b": 2], #"{"_id":{"a":{"$numberInt":"1"},"b":{"$numberInt":"2"}}}"#),
            (.date(milliseconds: 0), #"{"_id":{"$date":{"$numberLong":"0"}}}"#),
        ] as [(BSONValue, String)])
    func theKeyIsTheDocumentKeyAsCanonicalJSON(_ id: BSONValue, _ key: String) throws {
        for format in [.relaxed, .simple, .bson] as [RecordFormat] {
            #expect(try record(of: SampleEvent.insert(1, id: id)) { $0.format = format }.keyText == key)
        }
    }

    @Test func oneDocumentHasTheSameKeyInEveryEvent() throws {
        #expect(try record(of: SampleEvent.insert(1, id: 9)).key == record(of: SampleEvent.delete(2, id: 9)).key)
    }

    /// MongoDB takes these for one document.
    @Test(
        arguments: [
            ([5, .int64(5), .double(5), .decimal128(BSONDecimal128(high: 0x303E << 48, low: 50))], #"{"$numberInt":"5"}"#),
            (["a", .symbol("a")], #""a""#),
            ([["shop": 5], ["shop": 5.0], ["shop": .int64(5)]], #"{"shop":{"$numberInt":"5"}}"#),
            ([["in": [["shop": 5]]], ["in": [["shop": 5.0]]]], #"{"in":[{"shop":{"$numberInt":"5"}}]}"#),
        ] as [([BSONValue], String)])
    func theSameDocumentHasTheSameKeyHoweverItsIDIsWritten(_ ids: [BSONValue], _ key: String) throws {
        for id in ids {
            #expect(try record(of: SampleEvent.insert(1, id: id)).keyText == #"{"_id":\#(key)}"#)
            // The same for a field.
            let event = SampleEvent.insert(1) { $0.set("fullDocument", ["_id": 1, "type": id]) }
            #expect(try record(of: event) { $0.key = .field(["fullDocument", "type"]) }.keyText == key)
        }
    }

    @Test(arguments: [SampleEvent.drop(1), SampleEvent.dropDatabase(1), SampleEvent.invalidate(1)])
    func anEventWithoutDocumentKeyHasNoKey(_ event: BSONDocument) throws {
        #expect(try record(of: event).key == nil)
    }

    @Test func noKeyWhereNoneIsWanted() throws {
        #expect(try record(of: SampleEvent.insert(1)) { $0.key = .none }.key == nil)
    }

    @Test(
        arguments: [
            (["fullDocument", "type"], #""apple""#),
            (["fullDocument", "quantity"], #"{"$numberInt":"1"}"#),
            (["ns", "coll"], #""inventory""#),
            (["fullDocument", "colour"], nil),
            (["fullDocument", "type", "deeper"], nil),
        ] as [([String], String?)])
    func aFieldPathIsTheKey(_ path: [String], _ key: String?) throws {
        #expect(try record(of: SampleEvent.insert(1)) { $0.key = .field(path) }.keyText == key)
    }

    // MARK: Headers and timestamp

    @Test func headersNameTokenOperationNamespaceTimesStreamAndOrigin() throws {
        #expect(
            try record(of: SampleEvent.insert(1)).headers == [
                "mongodb.token=\(Self.token)", "mongodb.op=insert", "mongodb.ns=lessons.inventory",
                "mongodb.clusterTime=1651826079.1", "mongodb.wallTime=1651826079001", "bridge.stream=inventory", "bridge.origin=live",
            ])
    }

    @Test func aDroppedDatabaseIsNamedAlone() throws {
        #expect(try record(of: SampleEvent.dropDatabase(1)).headers.contains("mongodb.ns=lessons"))
    }

    @Test func whatTheServerDoesNotGiveIsLeftOut() throws {
        var event = SampleEvent.invalidate(1)
        event.set("wallTime", nil)
        #expect(
            try record(of: event).headers == [
                "mongodb.token=\(Self.token)", "mongodb.op=invalidate", "mongodb.clusterTime=1651826079.1", "bridge.stream=inventory",
                "bridge.origin=live",
            ])
    }

    @Test func theTimestampIsTheClusterTime() throws {
        #expect(try record(of: SampleEvent.insert(1)).timestamp == 1_651_826_079_000)
    }

    // MARK: Values

    @Test func theWholeEventIsTheValue() throws {
        let event = SampleEvent.insert(1)
        #expect(try record(of: event).valueText == event.extendedJSON(.relaxed))
        #expect(try record(of: event) { $0.format = .canonical }.valueText == event.extendedJSON(.canonical))
        #expect(try record(of: event) { $0.format = .simple }.valueText == event.extendedJSON(.simple))
    }

    @Test func bsonIsTheServersBytes() throws {
        let event = SampleEvent.insert(1)
        #expect(try record(of: event) { $0.format = .bson }.value == event.bytes)
    }

    @Test func theDocumentAloneIsTheValue() throws {
        func record(_ event: BSONDocument, _ format: RecordFormat) throws -> EncodedRecord {
            try self.record(of: event) {
                $0.content = .fullDocument
                $0.format = format
            }
        }
        let document: BSONDocument = ["_id": 1, "type": "apple", "quantity": 1]
        #expect(try record(SampleEvent.insert(1), .relaxed).valueText == #"{"_id":1,"type":"apple","quantity":1}"#)
        #expect(try record(SampleEvent.insert(1), .bson).value == document.bytes)
        // There is no document: not the same as a tombstone.
        #expect(try record(SampleEvent.delete(1), .relaxed).valueText == "null")
        #expect(try record(SampleEvent.delete(1), .bson).value == [])
        #expect(try record(SampleEvent.insert(1) { $0.set("fullDocument", .null) }, .canonical).valueText == "null")
    }

    @Test func aTemplateIsFilledWithTheEventsFields() throws {
        let template = try TextTemplate(parsing: "There are only {fullDocument.quantity} units left of {fullDocument.type}!{nothing}")
        func text(_ event: BSONDocument, _ content: RecordContent = .event) throws -> String? {
            try record(of: event) {
                $0.format = .template(template)
                $0.content = content
            }.valueText
        }
        #expect(try text(SampleEvent.insert(4)) == "There are only 4 units left of apple!")
        #expect(try text(SampleEvent.insert(4), .fullDocument) == "There are only 4 units left of apple!")
        #expect(try text(SampleEvent.delete(4)) == "There are only  units left of !")
        let nested = SampleEvent.insert(1, document: ["type": "a\"b\n", "quantity": ["n": 1]])
        #expect(try text(nested) == "There are only {\"n\":1} units left of a\"b\n!")
    }

    /// What is text in plain JSON stands in a text without quotes.
    @Test func aTemplateWritesEveryTypeForPeople() throws {
        let id = try #require(BSONObjectID("0123456789abcdef01234567"))
        let template = try TextTemplate(parsing: "<{fullDocument.v}>")
        func text(_ value: BSONValue) throws -> String? {
            try record(of: SampleEvent.insert(1, document: ["v": value])) { $0.format = .template(template) }.valueText
        }
        let written: [(BSONValue, String)] = [
            ("a\"b", "a\"b"), (.symbol("s"), "s"), (.javascript("f()"), "f()"), (.objectID(id), "0123456789abcdef01234567"),
            (try SampleValues.decimal("1.50"), "1.50"), (.date(milliseconds: 0), "1970-01-01T00:00:00.000Z"),
            (.date(milliseconds: .max), "\(Int64.max)"), (.binary(subtype: 0, bytes: [1, 2, 3]), "AQID"),
            (.binary(subtype: 2, bytes: [3, 0, 0, 0, 1, 2, 3]), "AQID"), (.regularExpression(pattern: "a\"/b", options: "i"), "/a\"/b/i"),
            (.minKey, "MinKey"), (.maxKey, "MaxKey"), (7, "7"), (2.5, "2.5"), (true, "true"), (nil, "null"), (.double(.nan), "null"),
            (["a": "x"], #"{"a":"x"}"#), ([1, "x"], #"[1,"x"]"#),
        ]
        for (value, expected) in written { #expect(try text(value) == "<\(expected)>") }
    }

    @Test func textThatIsNotUTF8IsRefusedInATemplateToo() throws {
        let template = try TextTemplate(parsing: "{fullDocument.v}")
        for value in [.string("~~"), .symbol("~~"), .javascript("~~")] as [BSONValue] {
            let bytes = SampleEvent.insert(1, document: ["v": value]).bytes.map { $0 == UInt8(ascii: "~") ? 0xFF : $0 }
            let event = try BSONDocument(copying: bytes.span.bytes)
            let failure = #expect(throws: BSONError.self) { try record(of: event) { $0.format = .template(template) } }
            #expect(failure?.kind == .invalidUTF8)
        }
    }

    // MARK: Tombstones

    @Test func aDeleteIsFollowedByATombstone() throws {
        let event = SampleEvent.delete(1)
        let records = try EventEncoder(.sample { $0.tombstones = true }).records(of: event)
        #expect(records.count == 2)
        #expect(records.first?.valueText == (try event.extendedJSON(.relaxed)))
        var tombstone = try #require(records.first)
        tombstone.value = nil
        #expect(records.last == tombstone)
    }

    @Test func aDeleteOfAStreamOfDocumentsIsTheTombstoneAlone() throws {
        let settings = StreamSettings.sample {
            $0.tombstones = true
            $0.content = .fullDocument
        }
        let records = try EventEncoder(settings).records(of: SampleEvent.delete(1))
        #expect(records.map(\.value) == [nil])
        #expect(records.first?.keyText == #"{"_id":{"$numberInt":"1"}}"#)
    }

    @Test(arguments: [SampleEvent.insert(1), SampleEvent.drop(1), SampleEvent.invalidate(1)])
    func onlyADeleteHasATombstone(_ event: BSONDocument) throws {
        #expect(try EventEncoder(.sample { $0.tombstones = true }).records(of: event).map { $0.value == nil } == [false])
    }

    // MARK: Events that are not as usual

    @Test(arguments: ["operationType", "clusterTime", "wallTime", "fullDocument", "ns", "documentKey"])
    func aPipelineMayProjectAnyFieldAway(_ field: String) throws {
        let event = SampleEvent.insert(1) { $0.set(field, nil) }
        let record = try record(of: event)
        #expect(record.valueText == (try event.extendedJSON(.relaxed)))
        #expect(record.headers.first == "mongodb.token=\(Self.token)")
        #expect((record.key == nil) == (field == "documentKey"))
        #expect(record.timestamp == (field == "clusterTime" ? 0 : 1_651_826_079_000))
    }

    @Test func aPipelineMayLeaveTheTokenAlone() throws {
        let record = try record(of: ["_id": .document(SampleEvent.token(1).document)])
        #expect(record.key == nil)
        #expect(record.headers == ["mongodb.token=\(Self.token)", "bridge.stream=inventory", "bridge.origin=live"])
    }

    @Test(arguments: ["operationType", "clusterTime", "wallTime", "fullDocument", "ns", "documentKey"])
    func aPipelineMayGiveAFieldAnotherType(_ field: String) throws {
        for value in [.int32(1), .string("x"), .null, .array([]), .document([:])] as [BSONValue] {
            let event = SampleEvent.insert(1) { $0.set(field, value) }
            #expect(try record(of: event).valueText == event.extendedJSON(.relaxed))
        }
    }

    @Test func anEventThatCannotBeEncodedLeavesTheBatchAsItWas() throws {
        let invalid = try SampleEvent.insert(2).replacing(Array("apple".utf8), with: Array("appl".utf8) + [0xff])
        let encoder = EventEncoder(.sample())
        var batch = RecordBatch()
        try encoder.encode(SampleEvent.insert(1), into: &batch)
        let before = batch.copied()
        let bytes = batch.bytes.count
        do {
            try encoder.encode(invalid, into: &batch)
            Issue.record("invalid UTF-8 was encoded")
        } catch {
            #expect((error as? BSONError)?.kind == .invalidUTF8)
        }
        let after = (records: batch.copied(), bytes: batch.bytes.count)
        #expect(after.records == before)
        #expect(after.bytes == bytes)
        try encoder.encode(SampleEvent.insert(3), into: &batch)
        let keys = batch.copied().map(\.keyText)
        #expect(keys == [#"{"_id":{"$numberInt":"1"}}"#, #"{"_id":{"$numberInt":"3"}}"#])
    }

    @Test func textThatIsNotUTF8PassesAsBSON() throws {
        let invalid = try SampleEvent.insert(2).replacing(Array("apple".utf8), with: Array("appl".utf8) + [0xff])
        #expect(try record(of: invalid) { $0.format = .bson }.value == invalid.bytes)
    }

    /// Rule 6: bytes from outside never trap. Every byte of an event is damaged in turn.
    @Test(arguments: [RecordFormat.relaxed, .canonical, .simple, .bson, .cloudevents(.binary), .cloudevents(.structured)])
    func damagedBytesAreEncodedOrRefused(_ format: RecordFormat) throws {
        let encoder = EventEncoder(.sample { $0.format = format })
        let intact = SampleEvent.insert(1).bytes
        for index in intact.indices {
            for damage in [0x00, 0x01, 0x7f, 0xff] as [UInt8] {
                var bytes = intact
                bytes[index] = damage
                let span = bytes.span.bytes
                var batch = RecordBatch()
                let isEncoded =
                    (try? encoder.encode(ChangeEvent(of: span, at: 0), of: span, route: 0, origin: 0, place: nil, into: &batch)) != nil
                let records = batch.copied()
                #expect(records.count == (isEncoded ? 1 : 0))
            }
        }
    }
}
