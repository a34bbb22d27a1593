import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct OutcomeTests {
    /// 2026-01-31T12:34:56.789Z
    private static let at: Int64 = 1_769_862_896_789

    private static func outcome(
        _ id: String, _ status: Outcome.Status, requested: Resource? = nil, assigned: Resource? = nil, attempts: Int = 1,
        message: String = "m"
    ) -> Outcome {
        Outcome(id: id, status: status, requested: requested, assigned: assigned, attempts: attempts, message: message, at: at)
    }

    @Test(
        arguments: [
            (
                outcome(
                    "c-1", .reassigned, requested: Resource.number(4), assigned: Resource.number(48), attempts: 2, message: "Truck #48."),
                #"{"id":"c-1","status":"reassigned","requested":4,"assigned":48,"attempts":2,"message":"Truck #48.","at":"2026-01-31T12:34:56.789Z"}"#
            ),
            (
                outcome("c-2", .rejected, requested: Resource.text("north-7")),
                #"{"id":"c-2","status":"rejected","requested":"north-7","assigned":null,"attempts":1,"message":"m","at":"2026-01-31T12:34:56.789Z"}"#
            ),
            (
                outcome("r\"\\\n\u{1}/ü🚚", .completed, assigned: Resource.number(1 << 40), message: "\"quoted\"\tü\u{2028}"),
                "{\"id\":\"r\\\"\\\\\\n\\u0001/ü🚚\",\"status\":\"completed\",\"requested\":null,\"assigned\":1099511627776,\"attempts\":1,"
                    + "\"message\":\"\\\"quoted\\\"\\tü\u{2028}\",\"at\":\"2026-01-31T12:34:56.789Z\"}"
            ),
            (
                outcome("", .invalid, attempts: 0, message: ""),
                #"{"id":"","status":"invalid","requested":null,"assigned":null,"attempts":0,"message":"","at":"2026-01-31T12:34:56.789Z"}"#
            ),
            (
                outcome("c-3", .reassigned, requested: Resource.number(-1), assigned: Resource(.double(2.5))),
                #"{"id":"c-3","status":"reassigned","requested":-1,"assigned":2.5,"attempts":1,"message":"m","at":"2026-01-31T12:34:56.789Z"}"#
            ),
        ] as [(Outcome, String)])
    func theRecordIsOneLineOfJSON(outcome: Outcome, json: String) throws {
        #expect(outcome.json == json)
        // A reader gets back what was meant.
        let read = try BSONDocument(extendedJSON: json)
        #expect(read.keys == ["id", "status", "requested", "assigned", "attempts", "message", "at"])
        #expect(read["id"]?.stringValue == outcome.id)
        #expect(read["message"]?.stringValue == outcome.message)
    }

    private static func stored(_ outcome: Outcome) throws -> BSONDocument {
        var buffer = OutputBuffer(capacity: 256)
        buffer.appendDocument { buffer in
            buffer.appendElement("_id", .string(outcome.id))
            outcome.writeStored(into: &buffer)
        }
        return try buffer.withUnsafeBytes { try BSONDocument(copying: $0) }
    }

    @Test func whatIsStoredIsReadBackToTheByte() throws {
        let objectID = Resource(.objectID(try #require(BSONObjectID("0123456789abcdef01234567"))))
        let resources: [Resource?] = [
            nil, Resource.number(4), Resource.number(.max), Resource.text("x"), Resource(.double(2.5)), objectID,
        ]
        for status in Outcome.Status.allCases {
            for requested in resources {
                for assigned in resources {
                    for attempts in [0, 1, Int(Int32.max)] {
                        let outcome = Self.outcome(
                            "ü\"", status, requested: requested, assigned: assigned, attempts: attempts, message: "a\u{0}b")
                        let back = try #require(Outcome(storedIn: try Self.stored(outcome)))
                        #expect(back == outcome)
                        #expect(back.json == outcome.json)
                    }
                }
            }
        }
    }

    @Test func aDocumentOfSomebodyElseHasNone() throws {
        var document = try Self.stored(Self.outcome("c-1", .dispatched))
        #expect(Outcome(storedIn: document) != nil)
        for (key, value) in [("status", "lost"), ("status", nil), ("message", nil), ("message", 1), ("at", "today"), ("at", nil)]
            as [(String, BSONValue?)]
        {
            var changed = try #require(document["outcome"]?.documentValue)
            changed.set(key, value)
            var other = document
            other.set("outcome", .document(changed))
            #expect(Outcome(storedIn: other) == nil)
        }
        document.set("_id", 7)
        #expect(Outcome(storedIn: document) == nil)
        #expect(Outcome(storedIn: ["_id": "c-1", "outcome": "done"]) == nil)
        #expect(Outcome(storedIn: ["_id": "c-1"]) == nil)
    }

    @Test func everySentenceIsTheContracts() {
        let sentences = OutcomeSentences(label: "Truck")
        let four = Resource.number(4)
        #expect(sentences.dispatched(four) == "Truck #4 has been sent out.")
        #expect(
            sentences.reassigned(four, to: Resource.number(48))
                == "Truck #4 is currently performing a shipment. Truck #48 has been sent out instead.")
        #expect(sentences.noneFree(four) == "Truck #4 is currently performing a shipment. Could not find another truck.")
        #expect(sentences.noPool(four) == "Truck #4 is currently performing a shipment. Please select another truck.")
        #expect(sentences.expired("c-1", at: Self.at) == "Command c-1 expired at 2026-01-31T12:34:56.789Z.")
        #expect(sentences.completed(four) == "Truck #4 is free again.")
        #expect(sentences.completed(nil) == "Truck #? is free again.")
        #expect(sentences.noActive("c-1") == "No active shipment c-1.")
        let vans = OutcomeSentences(label: "Delivery Van")
        #expect(
            vans.noneFree(Resource.text("n-7"))
                == "Delivery Van #n-7 is currently performing a shipment. Could not find another delivery van.")
    }
}

@Suite struct ResourceTests {
    @Test func aWholeNumberIsTheSameWhicheverTypeHoldsIt() {
        let same = [Resource.number(4), Resource(.int32(4)), Resource(.int64(4)), Resource(.double(4))]
        #expect(Set(same).count == 1)
        #expect(same.allSatisfy { $0.value == .int32(4) })
        #expect(Resource(.double(-0.0)) == Resource.number(0))
        #expect(Resource(.int64(1 << 40)) == Resource(.double(1_099_511_627_776)))
        #expect(Resource(.double(4.5)) != Resource.number(4))
        #expect(Resource.text("4") != Resource.number(4))
        #expect(Resource(.boolean(true)) != Resource.number(1))
    }

    @Test func theOrderIsThatOfTheServer() {
        let id = BSONObjectID("0123456789abcdef01234567")
        let ordered = [
            Resource(.double(-1e30)), Resource.number(.min), Resource.number(-2), Resource(.double(-1.5)), Resource.number(0),
            Resource.number(4),
            Resource.number(30), Resource.number(1 << 40), Resource.number(1 << 53), Resource.number(1 << 53 + 1), Resource.text(""),
            Resource.text("10"), Resource.text("9"), Resource.text("Z"), Resource.text("a"), Resource.text("aa"), Resource.text("ä"),
            Resource.text("🚚"), Resource(.binary(subtype: 0, bytes: [9])), Resource(.binary(subtype: 0, bytes: [1, 1])),
            Resource(.binary(subtype: 4, bytes: [0, 0])), Resource(id.map { .objectID($0) } ?? .null), Resource(.boolean(false)),
            Resource(.boolean(true)), Resource(.date(milliseconds: -1)), Resource(.date(milliseconds: 0)),
        ]
        #expect(ordered.shuffled().sorted() == ordered)
        for (index, one) in ordered.enumerated() {
            #expect(!(one < one))
            for other in ordered[(index + 1)...] {
                #expect(one < other)
                #expect(!(other < one))
            }
        }
    }

    @Test func isNamedAsPeopleWriteIt() throws {
        let objectID = Resource(.objectID(try #require(BSONObjectID("0123456789abcdef01234567"))))
        #expect("\(Resource.number(4))" == "4")
        #expect("\(Resource.number(-(1 << 40)))" == "-1099511627776")
        #expect("\(Resource.text("north-7"))" == "north-7")
        #expect("\(Resource(.double(2.5)))" == "2.5")
        #expect("\(objectID)" == "0123456789abcdef01234567")
    }

    /// Its spelling in sentences, and in the outcome's JSON: never JSON within a text.
    @Test func everyTypeHasOneSpelling() throws {
        let id = try #require(BSONObjectID("0123456789abcdef01234567"))
        let spellings: [(BSONValue, String, String)] = [
            (try SampleValues.decimal("2.0"), "2", "2"), (try SampleValues.decimal("2.50"), "2.5", "2.5"),
            (try SampleValues.decimal("0.10"), "0.1", "\"0.1\""), (.double(0.1), "0.1", "0.1"), (.double(1e300), "1E+300", "1E+300"),
            (.double(.nan), "NaN", "\"NaN\""), (.double(-.infinity), "-Infinity", "\"-Infinity\""), (true, "true", "true"),
            (.objectID(id), "0123456789abcdef01234567", "\"0123456789abcdef01234567\""),
            (
                .binary(subtype: 4, bytes: Array(0..<16)), "00010203-0405-0607-0809-0a0b0c0d0e0f",
                "\"00010203-0405-0607-0809-0a0b0c0d0e0f\""
            ),
            (.binary(subtype: 0, bytes: [1, 2, 3]), "AQID", "\"AQID\""), (.symbol("a\"b"), "a\"b", #""a\"b""#),
            (.date(milliseconds: 1_769_817_600_000), "2026-01-31T00:00:00.000Z", "\"2026-01-31T00:00:00.000Z\""),
            (.date(milliseconds: .max), "\(Int64.max)", "\"\(Int64.max)\""), (["a": 1.0], #"{"a":1}"#, #"{"a":1}"#),
            (.minKey, "MinKey", "\"MinKey\""), (nil, "null", "null"),
        ]
        for (value, text, json) in spellings {
            let resource = Resource(value)
            #expect("\(resource)" == text)
            var buffer = OutputBuffer(capacity: 64)
            resource.writeJSON(into: &buffer)
            #expect(buffer.bytes() == Array(json.utf8), "\(String(decoding: buffer.bytes(), as: UTF8.self)) is not \(json)")
        }
    }

    @Test func namesakesAreWrittenAlikeAndDiffer() throws {
        let id = try #require(BSONObjectID("0123456789abcdef01234567"))
        let groups: [[BSONValue]] = [
            ["4", 4], ["0123456789abcdef01234567", .objectID(id)], ["true", true], ["2.5", 2.5],
            ["00010203-0405-0607-0809-0a0b0c0d0e0f", .binary(subtype: 4, bytes: Array(0..<16))],
            ["2026-01-31T00:00:00.000Z", .date(milliseconds: 1_769_817_600_000)], ["0.1", .double(0.1), try SampleValues.decimal("0.1")],
            ["NaN", .double(.nan)], ["1E+40", .double(1e40), try SampleValues.decimal("1E+40")],
        ]
        for group in groups {
            let resources = group.map { Resource($0) }
            for resource in resources { #expect(Set(resource.namesakes) == Set(resources).subtracting([resource]), "\(resource)") }
        }
        // Only one spelling is the one.
        for text in ["04", "4.0", "0123456789ABCDEF01234567", "2026-01-31T00:00:00Z", "TRUE", "nan", "0x10", "", "north-7", "1e3"] {
            #expect(Resource(text).namesakes.isEmpty, "\(text)")
        }
    }
}
