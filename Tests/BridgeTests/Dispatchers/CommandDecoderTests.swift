import Mongo
import Testing

@testable import StreamBridge

@Suite struct CommandDecoderTests {
    private let decoder = CommandDecoder(.sample())

    private static let valid =
        #"{"id":"c-1","truck_id":4,"source":"New York","destination":"Atlanta","product":"socks","quantity":40}"#

    // MARK: Commands

    @Test func readsADispatch() throws {
        let decoded = try decoder.decode(Self.valid)
        #expect(decoded.command.id == "c-1")
        #expect(decoded.resource == Resource(.int32(4)))
        #expect(decoded.command.expiresAt == nil)
        #expect(decoded.body == ["source": "New York", "destination": "Atlanta", "product": "socks", "quantity": 40])
    }

    @Test func readsACompletion() throws {
        let decoded = try decoder.decode(#"{"id":"r-1","complete":"c-1","expiresAt":"1970-01-01T00:00:01Z"}"#)
        #expect(decoded.command == Command(id: "r-1", order: .complete(target: "c-1"), expiresAt: 1000))
    }

    @Test func writesTheBodyInTheOrderOfTheConfiguration() throws {
        let record = #"{"quantity":40,"product":"socks","destination":"Atlanta","truck_id":"north-7","source":"New York","id":"c-1"}"#
        let decoded = try decoder.decode(record)
        #expect(decoded.resource == Resource(.string("north-7")))
        #expect(decoded.body?.keys == ["source", "destination", "product", "quantity"])
    }

    @Test func allowsWhiteSpaceAround() throws {
        let decoded = try decoder.decode(" \t\r\n{ \"complete\" :\n\"c-1\" , \"id\" : \"r-1\" }\n\n")
        #expect(decoded.command.id == "r-1")
        #expect(decoded.target == "c-1")
    }

    @Test func asksForAnIDOnlyIfThereIsNone() throws {
        var asked = 0
        func ask() -> String {
            asked += 1
            return "commands/0/7"
        }
        #expect(try decoder.decode(#"{"complete":"c-1"}"#, defaultID: ask()).command.id == "commands/0/7")
        #expect(try decoder.fault(#"{"truck_id":[]}"#, defaultID: ask())?.id == "commands/0/7")
        #expect(asked == 2)
        for record in [Self.valid, #"{"id":"c-1","x":1}"#, #"{"id":7}"#, #"{"id":"c-1""#, "[]", ""] {
            _ = try decoder.fault(record, defaultID: ask())
        }
        #expect(asked == 2)
    }

    @Test func takesTextUpToItsLimit() throws {
        let longest = String(repeating: "ö", count: 256)
        for text in [longest, #"\u00F6"# + longest.dropFirst()] {
            #expect(try decoder.decode(#"{"id":"\#(text)","complete":"\#(text)"}"#).command.id == longest)
            let truck = Self.valid.replacing("4,", with: "\"\(text)\",")
            #expect(try decoder.decode(truck).resource == Resource(longest))
        }
        let tooLong = longest + "x"
        for record in [#"{"id":"\#(tooLong)","complete":"c-1"}"#, #"{"complete":"\#(tooLong)"}"#] {
            let fault = try #require(try decoder.fault(record))
            #expect(fault.message.hasSuffix("..\", expected text of 1 to 512 bytes"))
        }
        let truck = Self.valid.replacing("4,", with: "\"\(tooLong)\",")
        #expect(try decoder.fault(truck)?.message.hasPrefix("truck_id: found \"öö") == true)
    }

    // MARK: Values

    @Test(arguments: [
        ("0", 0), ("-0", 0), ("40", 40), ("4.0", 4), ("40e-1", 4), ("0.4E+1", 4), ("4e2", 400), ("-12.5e1", -125),
        ("0e99999999999999999999", 0),
        ("-0.000", 0), ("9223372036854775807", .max), ("-9223372036854775808", .min), ("9007199254740993.0", 9_007_199_254_740_993),
        ("92233720368547758070e-1", .max), ("1e18", 1_000_000_000_000_000_000), ("0.00e5", 0),
    ])
    func takesWholeNumbersAsResource(text: String, number: Int64) throws {
        #expect(try decoder.decode(Self.valid.replacing("4,", with: "\(text),")).resource == Resource(number))
    }

    @Test(arguments: [
        ("4.5", 4.5), ("45e-1", 4.5), ("0.1", 0.1), ("0.10000000000000001", 0.1), ("1e19", 1e19), ("9223372036854775808", 0x1p63),
        ("0.5000", 0.5), ("5e-324", .leastNonzeroMagnitude), ("1.7976931348623157e308", .greatestFiniteMagnitude),
    ])
    func takesOtherNumbersThatADoubleHoldsAsResource(text: String, number: Double) throws {
        #expect(try decoder.decode(Self.valid.replacing("4,", with: "\(text),")).resource == Resource(.double(number)))
    }

    /// JSON has no such types; Extended JSON writes them as objects with one key.
    @Test func takesResourcesOfOtherTypesInExtendedJSON() throws {
        let id = try #require(BSONObjectID("64b000000000000000000001"))
        let named: [(String, BSONValue)] = [
            ("true", true), (#"{"$oid":"64b000000000000000000001"}"#, .objectID(id)),
            (#" { "$oid" : "64B000000000000000000001" } "#, .objectID(id)),
            (
                #"{"$uuid":"00010203-0405-0607-0809-0a0b0c0d0e0f"}"#, .binary(subtype: 4, bytes: Array(0..<16))
            ),
            (#"{"$binary":{"base64":"AQID","subType":"05"}}"#, .binary(subtype: 5, bytes: [1, 2, 3])),
            (#"{"$date":"2026-01-31T00:00:00Z"}"#, .date(milliseconds: 1_769_817_600_000)),
            (#"{"$date":{"$numberLong":"-1"}}"#, .date(milliseconds: -1)),
            (#"{"$numberDecimal":"2.00"}"#, .int32(2)), (#"{"$numberDecimal":"0.10"}"#, try SampleValues.decimal("0.1")),
            (#"{"$numberLong":"5"}"#, .int32(5)), (#"{"$numberDouble":"2.5"}"#, .double(2.5)), (#"{"$numberInt":"5"}"#, .int32(5)),
        ]
        for (text, value) in named {
            let decoded = try decoder.decode(Self.valid.replacing("4,", with: "\(text),"))
            #expect(decoded.resource?.value == value, "\(text)")
            #expect(decoded.body?.keys == ["source", "destination", "product", "quantity"])
        }
    }

    @Test(arguments: [
        "1e99999999999999999999", "-1e-99999999999999999999", "-9223372036854775809", "99999999999999999999", "1e-400", "null", "{}", "[]",
        #""\ud800""#, "0.1000000000000000001", "9007199254740993.5", #"{"$gt":""}"#, #"{"a":1}"#, #"{"$oid":"64b0"}"#,
        #"{"$oid":"64b000000000000000000001","x":1}"#, #"{"$symbol":"a"}"#, #"{"$numberInt":"x"}"#, #"{"$undefined":true}"#,
        #"{"$minKey":1}"#, #"{"$code":"f()"}"#, #"{"$regularExpression":{"pattern":"a","options":""}}"#,
        #"{"$timestamp":{"t":1,"i":1}}"#, #"{"$oid":{"$gt":""}}"#, #"{"$ref":"a","$id":1}"#, #"{"$numberDecimal":"one"}"#,
        #"{"$numberDecimal":"1e"}"#, #"{"$numberLong":"12abc"}"#, #"{"$date":"today"}"#, #"{"$uuid":"7"}"#,
        #"{"$binary":{"base64":"?","subType":"00"}}"#,
        "{\"$binary\":{\"base64\":\"\(String(repeating: "AAAA", count: 171))\",\"subType\":\"00\"}}",
    ])
    func refusesOtherResources(text: String) throws {
        let fault = try #require(try decoder.fault(Self.valid.replacing("4,", with: "\(text),")))
        #expect(fault.id == "c-1")
        #expect(fault.message.hasPrefix("truck_id: found "))
    }

    private static let typed = CommandDecoder(
        .sample(fields: [
            CommandField(name: "s", type: .string, isRequired: false),
            CommandField(name: "i", type: .int(minimum: nil, maximum: nil), isRequired: false),
            CommandField(name: "bounded", type: .int(minimum: -2, maximum: 9), isRequired: false),
            CommandField(name: "n", type: .number(minimum: nil, maximum: nil), isRequired: false),
            CommandField(name: "share", type: .number(minimum: 0, maximum: 0.5), isRequired: false),
            CommandField(name: "b", type: .boolean, isRequired: false),
            CommandField(name: "d", type: .date, isRequired: false),
        ]))

    @Test(
        arguments: [
            (#""s":"""#, ["s": ""]),
            (#""s":"a\u0000b""#, ["s": "a\u{0}b"]),
            (#""s":"\"\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\ude9A""#, ["s": "\"\\/\u{8}\u{c}\n\r\té€\u{1F69A}"]),
            (#""s":"größe ☆ 🚚 und noch mehr Text""#, ["s": "größe ☆ 🚚 und noch mehr Text"]),
            (#""i":-0"#, ["i": 0]),
            (#""i":2147483647"#, ["i": .int32(.max)]),
            (#""i":2147483648"#, ["i": .int64(2_147_483_648)]),
            (#""i":-2147483649"#, ["i": .int64(-2_147_483_649)]),
            (#""i":1.0"#, ["i": 1]),
            (#""i":1e2"#, ["i": 100]),
            (#""i":40.50e1"#, ["i": 405]),
            (#""i":9223372036854775807.0"#, ["i": .int64(.max)]),
            (#""i":9223372036854775807"#, ["i": .int64(.max)]),
            (#""i":-9223372036854775808"#, ["i": .int64(.min)]),
            (#""bounded":-2"#, ["bounded": -2]),
            (#""bounded":9"#, ["bounded": 9]),
            (#""n":1"#, ["n": .double(1)]),
            (#""n":-0"#, ["n": .double(-0.0)]),
            (#""n":-0.0"#, ["n": .double(-0.0)]),
            (#""n":0.1"#, ["n": .double(0.1)]),
            (#""n":9007199254740992"#, ["n": .double(9_007_199_254_740_992)]),
            (#""n":0.10000000000000001"#, ["n": .double(0.1)]),
            (#""n":0.1000000000000000055511151231257827021181583404541015625"#, ["n": .double(0.1)]),
            (#""n":100000000000000000000"#, ["n": .double(1e20)]),
            (#""n":3.00"#, ["n": .double(3)]),
            (#""n":1.7976931348623157e308"#, ["n": .double(.greatestFiniteMagnitude)]),
            (#""n":4.9E-324"#, ["n": .double(.leastNonzeroMagnitude)]),
            (#""n":0e-999"#, ["n": .double(0)]),
            (#""share":0"#, ["share": .double(0)]),
            (#""share":5e-1"#, ["share": .double(0.5)]),
            (#""b":true"#, ["b": true]),
            (#""b":false"#, ["b": false]),
            (#""d":"1970-01-01T00:00:00Z""#, ["d": .date(milliseconds: 0)]),
            (#""d":"1970-01-01T00:00:00.5\u005a""#, ["d": .date(milliseconds: 500)]),
            (#""d":"1970-01-01T00:01Z""#, ["d": .date(milliseconds: 60_000)]),
            (#""d":"1970-01-01T02:00+02:00""#, ["d": .date(milliseconds: 0)]),
            (#""s":null,"i":null,"n":null,"b":null,"d":null,"expiresAt":null"#, [:]),
            (#""i":1,"s":"x""#, ["s": "x", "i": 1]),
        ] as [(String, BSONDocument)])
    func writesEachType(fields: String, body: BSONDocument) throws {
        #expect(try Self.typed.decode("{\(fields),\"truck_id\":4}").body?.bytes == body.bytes)
        #expect(try Self.typed.decode("{\"truck_id\":4,\(fields)}").body?.bytes == body.bytes)
    }

    @Test(arguments: [
        (#""s":1"#, "s: found 1, expected text"),
        (#""s":{"$ne":1}"#, "s: found an object, expected text"),
        (#""s":["a"]"#, "s: found a list, expected text"),
        (#""s":"\ud83d""#, "s: found \"\u{FFFD}\", expected text without half of a surrogate pair"),
        (#""s":"a\ude9ab""#, "s: found \"a\u{FFFD}b\", expected text without half of a surrogate pair"),
        (#""s":"\ud83dx\ude9a""#, "s: found \"\u{FFFD}x\u{FFFD}\", expected text without half of a surrogate pair"),
        (#""b":"\ude9a""#, "b: found \"\u{FFFD}\", expected true or false"),
        (#""i":1.5"#, "i: found 1.5, expected a whole number"),
        (#""i":1e-2"#, "i: found 1e-2, expected a whole number"),
        (#""i":"1""#, "i: found \"1\", expected a whole number"),
        (#""i":9223372036854775808"#, "i: found 9223372036854775808, expected a whole number that fits 64 bits"),
        (#""bounded":-3"#, "bounded: found -3, expected a whole number from -2 to 9"),
        (#""bounded":10"#, "bounded: found 10, expected a whole number from -2 to 9"),
        (#""n":1e999"#, "n: found 1e999, expected a number that a double holds with all its digits"),
        (#""n":1e-400"#, "n: found 1e-400, expected a number that a double holds with all its digits"),
        (#""n":9007199254740993"#, "n: found 9007199254740993, expected a number that a double holds with all its digits"),
        (#""n":0.12345678901234567890"#, "n: found 0.12345678901234567890, expected a number that a double holds with all its digits"),
        (#""n":true"#, "n: found true, expected a number"),
        (#""share":0.51"#, "share: found 0.51, expected a number from 0 to 0.5"),
        (#""share":-1e-9"#, "share: found -1e-9, expected a number from 0 to 0.5"),
        (#""b":1"#, "b: found 1, expected true or false"),
        (#""b":"true""#, "b: found \"true\", expected true or false"),
        (#""d":1"#, "d: found 1, expected a time with its zone, such as 2026-01-31T00:00:00Z"),
        (#""d":"today""#, "d: found \"today\", expected a time with its zone, such as 2026-01-31T00:00:00Z"),
        (#""expiresAt":0"#, "expiresAt: found 0, expected a time with its zone, such as 2026-01-31T00:00:00Z"),
    ])
    func refusesOtherTypes(fields: String, message: String) throws {
        for record in ["{\(fields),\"truck_id\":4,\"id\":\"c-1\"}", "{\"id\":\"c-1\",\"truck_id\":4,\(fields)}"] {
            #expect(try Self.typed.fault(record) == CommandFault(id: "c-1", message: message))
        }
    }

    // MARK: Faults

    @Test(arguments: [
        (#"{"id":"c-1"}"#, "truck_id is missing"),
        (#"{"id":"c-1","truck_id":4,"source":"a","product":"b","quantity":1}"#, "destination is missing"),
        (#"{"id":"c-1","qantity":2}"#, "unknown field \"qantity\"; did you mean \"quantity\"?"),
        (#"{"id":"c-1","$set":{"a":1}}"#, "unknown field \"$set\""),
        (#"{"id":"c-1","":1}"#, "unknown field \"\""),
        (#"{"id":"c-1","so\nmething\u2028":1}"#, "unknown field \"so mething \""),
        (#"{"id":"c-1","sour\udc00ce":1}"#, "unknown field \"sour\u{FFFD}ce\"; did you mean \"source\"?"),
        (#"{"id":"c-1","source":null}"#, "source: found null, expected text"),
        (
            #"{"id":"c-1","quantity":"many"}"#,
            "quantity: found \"many\", expected a whole number of at least 1"
        ),
        (
            #"{"id":"c-1","truck_id":null}"#,
            "truck_id: found null, expected text of at most 512 bytes, a number, true or false, or Extended JSON of an ObjectId, a UUID, "
                + "a binary, a date or a decimal"
        ),
        (#"{"id":"c-1","complete":""}"#, "complete: found \"\", expected text of 1 to 512 bytes"),
        (#"{"id":"c-1","complete":null}"#, "complete: found null, expected text of 1 to 512 bytes"),
        (#"{"id":"c-1","complete":{"$gt":""}}"#, "complete: found an object, expected text of 1 to 512 bytes"),
        (
            #"{"id":"c-1","truck_id":4,"complete":"c-0"}"#,
            "truck_id: a command with complete has only id, complete and expiresAt"
        ),
        (
            #"{"id":"c-1","complete":"c-0","source":"a"}"#,
            "source: a command with complete has only id, complete and expiresAt"
        ),
        (#"{"source":"a","source":"a","id":"c-1"}"#, "source is there twice"),
        (#"{"source":"a","\u0073ource":"a","id":"c-1"}"#, "source is there twice"),
        (#"{"expiresAt":null,"expiresAt":null,"id":"c-1"}"#, "expiresAt is there twice"),
    ])
    func saysWhatIsWrongAndWithWhichID(record: String, message: String) throws {
        #expect(try decoder.fault(record) == CommandFault(id: "c-1", message: message))
    }

    @Test func findsTheIDAfterTheFault() throws {
        let nested = #"{"id":"not this","list":[{"id":"nor this"},"\"}]",[[[{}]]],-1.5e+3,true,false,null]}"#
        for fault in [#""source":\#(nested)"#, #""unknown":\#(nested)"#, #""quantity":0"#, #""product":"","product":"""#] {
            #expect(try decoder.fault("{\(fault),\"\\u0069\\u0064\":\"c-1\"}")?.id == "c-1")
            #expect(try decoder.fault("{\(fault)}")?.id == "default")
        }
    }

    @Test(arguments: ["null", "7", "true", "{}", "[]", #""""#, #""\udead""#, #""a","id":"a""#])
    func hasNoIDIfThatIsTheFaultyOne(id: String) throws {
        for record in ["{\"id\":\(id)}", "{\"quantity\":0,\"id\":\(id)}", "{\"id\":\(id),\"quantity\":0,\"complete\":\"c\"}"] {
            let fault = try #require(try decoder.fault(record))
            #expect(fault.id == nil)
            // It is JSON.
            #expect(fault.kind == .invalid)
            #expect(fault.message.hasPrefix(record.hasPrefix("{\"q") ? "quantity: found 0" : "id"))
        }
    }

    @Test func showsLongValuesShortened() throws {
        for long in [String(repeating: "x\u{301}", count: 3000), String(repeating: "a\\n\\u2029", count: 100)] {
            let fault = try #require(try decoder.fault(#"{"id":"c-1","\#(long)":1}"#))
            #expect(fault.message.unicodeScalars.count == "unknown field \"\"".count + 60)
            #expect(!fault.message.contains { $0.isNewline })
        }
        let digits = String(repeating: "1", count: 1000)
        #expect(try decoder.fault("{\"quantity\":\(digits)}")?.message.contains("11..., expected a whole number that fits 64 bits") == true)
    }

    @Test func readsEscapesInKeys() throws {
        let record = #"{"\u0069d":"c-1","truck\u005Fid":4,"sour\u0063e":"a","destination":"b","product":"c","\u0071uantity":1}"#
        #expect(try decoder.decode(record).body == ["source": "a", "destination": "b", "product": "c", "quantity": 1])
        let umlaut = CommandDecoder(.sample(fields: [CommandField(name: "größe/🚚", type: .boolean, isRequired: true)]))
        #expect(try umlaut.decode(#"{"truck_id":1,"gr\u00f6ße\/\ud83d\uDE9A":true}"#).body == ["größe/🚚": true])
    }
}
