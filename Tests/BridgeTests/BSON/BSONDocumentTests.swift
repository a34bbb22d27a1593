import Mongo
import Testing

@Suite struct BSONDocumentTests {
    @Test func keepsTheOrderOfALiteral() throws {
        let document: BSONDocument = [
            "find": "orders", "filter": ["z": 1, "a": [true, nil, 2.5]], "limit": 5_000_000_000, "batchSize": 10,
        ]
        #expect(document.keys == ["find", "filter", "limit", "batchSize"])
        #expect(try document.extendedJSON() == #"{"find":"orders","filter":{"z":1,"a":[true,null,2.5]},"limit":5000000000,"batchSize":10}"#)
        #expect(document["limit"] == .int64(5_000_000_000))
        #expect(document["batchSize"] == .int32(10))
        #expect(document["none"] == nil)
    }

    /// What is written is read as the same value, for all types.
    @Test func readsWhatItWrote() throws {
        var random = RandomBSON(seed: 6)
        for _ in 0..<500 {
            let original = random.document()
            let copy = BSONDocument(fields: try original.fields().map { ($0.key, $0.value) })
            #expect(copy.bytes == original.bytes)
        }
    }

    @Test(arguments: BSONVectors.all)
    func decodesAndEncodesEveryType(vector: BSONVector) throws {
        let document = try decode(vector.bytes)
        let value = try #require(try document.value(of: "v"))
        #expect(value.type.rawValue == vector.type)
        if vector.name != "array, whatever its keys are" {
            #expect((["v": value] as BSONDocument).bytes == vector.bytes)
        }
    }

    @Test func numbersAreFoundWhateverTheirWidth() {
        #expect(BSONValue.int32(1).int64Value == 1)
        #expect(BSONValue.int64(-1).int64Value == -1)
        #expect(BSONValue.double(3).int64Value == 3)
        #expect(BSONValue.double(3.5).int64Value == nil)
        #expect(BSONValue.double(.nan).int64Value == nil)
        #expect(BSONValue.double(-0x1p63).int64Value == .min)
        #expect(BSONValue.double(0x1p63).int64Value == nil)
        #expect(BSONValue.string("1").int64Value == nil)
        #expect(BSONValue.double(1).isTruthy)
        #expect(!BSONValue.int32(0).isTruthy)
        #expect(!BSONValue.null.isTruthy)
    }

    @Test func setsReplacesAndRemovesFields() throws {
        var document: BSONDocument = ["a": 1, "b": 2, "c": 3]
        document.set("b", "two")
        document.set("d", 4)
        document.set("a", nil)
        document.set("missing", nil)
        document.append("c", 5)
        #expect(try document.extendedJSON() == #"{"b":"two","c":3,"d":4,"c":5}"#)
        #expect(document["c"] == 3)
        #expect(try decode(document.bytes) == document)
        #expect(BSONDocument().isEmpty)
    }

    @Test func readsExtendedJSON() throws {
        let document = try BSONDocument(
            extendedJSON:
                #"{"_id": {"$oid": "56e1fc72e0c917e9c4714161"}, "n": {"$numberLong": "5"}, "t": {"$timestamp": {"t": 1, "i": 2}}}"#)
        #expect(document["_id"]?.objectIDValue?.description == "56e1fc72e0c917e9c4714161")
        #expect(document["n"] == .int64(5))
        #expect(document["t"]?.timestampValue == BSONTimestamp(seconds: 1, increment: 2))
    }

    @Test(arguments: [
        "", " ", "[", "{", "{\"a\":}", "not json", "{\"a\": {\"$oid\": \"x\"}}", "[1]", "1", "{} trailing", "{\"a\":1}{\"b\":2}",
        "{\"a\":1}}",
    ])
    func refusesWhatIsNotTheJSONOfADocument(text: String) {
        #expect(throws: ExtendedJSONError.self) { try BSONDocument(extendedJSON: text) }
    }

    @Test func refusesBytesAfterTheDocument() {
        let bytes = BSONDocument().bytes + [0]
        #expect(throws: BSONError(.trailingBytes, at: 5)) { try decode(bytes) }
    }

    @Test func aValueThatIsMalformedInsideIsNilOrAnError() throws {
        let bytes = document(type: 0x02, value: hex("02000000 FF00"))
        let document = try decode(bytes)
        #expect(document["v"] == nil)
        #expect(throws: BSONError(.invalidUTF8, at: 11)) { try document.value(of: "v") }
        #expect(throws: BSONError.self) { try document.extendedJSON() }
    }

    @Test func readsObjectIDsFromDigits() {
        #expect(BSONObjectID("56E1fc72e0c917e9c4714161")?.description == "56e1fc72e0c917e9c4714161")
        #expect(BSONObjectID("56e1fc72e0c917e9c4714161")?.bytes == hex("56e1fc72e0c917e9c4714161"))
        #expect(BSONObjectID("56e1fc72e0c917e9c471416") == nil)
        #expect(BSONObjectID("56e1fc72e0c917e9c471416g") == nil)
        #expect(BSONObjectID("") == nil)
    }

    @Test func timestampsSortBySecondsThenIncrement() {
        let early = BSONTimestamp(seconds: 1, increment: 9)
        let late = BSONTimestamp(seconds: 2, increment: 1)
        #expect(early < late)
        #expect(BSONTimestamp(packed: late.packed) == late)
        #expect(late.description == "2.1")
    }
}
