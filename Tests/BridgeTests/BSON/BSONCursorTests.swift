import Mongo
import Testing

@Suite struct BSONCursorTests {
    private let document: BSONDocument = [
        "_id": objectID("0102030405060708090a0b0c"), "n": 7, "big": .int64(1 << 40), "half": 0.5, "whole": 3.0,
        "yes": true,
        "text": "hé", "when": .date(milliseconds: -5), "at": .timestamp(BSONTimestamp(seconds: 9, increment: 2)),
        "sub": ["x": [10, 20, ["y": "z"]]],
        "data": .binary(subtype: 4, bytes: [1, 2]), "none": nil,
    ]

    @Test func givesElementsInTheirOrder() throws {
        let bytes = document.bytes
        let span = bytes.span.bytes
        var cursor = try BSONCursor(document: span)
        var keys: [String] = []
        while let element = try cursor.next(in: span) { keys.append(element.keyText(in: span)) }
        #expect(keys == ["_id", "n", "big", "half", "whole", "yes", "text", "when", "at", "sub", "data", "none"])
        let afterTheEnd = try cursor.next(in: span)
        #expect(afterTheEnd == nil)
    }

    private func read<Value>(_ path: String, _ body: (BSONElement, RawSpan) -> Value?) throws -> Value? {
        try BridgeTests.read(BSONPath(path), in: document.bytes, body)
    }

    @Test func readsValuesOfTheRightTypeOnly() throws {
        #expect(try read("n") { $0.int32(in: $1) } == 7)
        #expect(try read("n") { $0.int64(in: $1) } == nil)
        #expect(try read("big") { $0.int64(in: $1) } == 1 << 40)
        #expect(try read("half") { $0.double(in: $1) } == 0.5)
        #expect(try read("yes") { $0.boolean(in: $1) } == true)
        #expect(try read("when") { $0.date(in: $1) } == -5)
        #expect(try read("at") { $0.timestamp(in: $1) } == BSONTimestamp(seconds: 9, increment: 2))
        #expect(try read("_id") { $0.objectID(in: $1) }?.description == "0102030405060708090a0b0c")
        #expect(try read("text") { $0.string(in: $1) } == "hé")
        #expect(try read("text") { element, _ in element.text }.map { Array(document.bytes[$0]) } == Array("hé".utf8))
        #expect(try read("data") { $0.binary(in: $1) }?.subtype == 4)
        #expect(try read("data") { $0.binary(in: $1) }.map { Array(document.bytes[$0.bytes]) } == [1, 2])
        #expect(try read("sub") { element, _ in element.document } != nil)
        #expect(try read("none") { $0.string(in: $1) } == nil)
        #expect(try read("none") { element, _ in element.document } == nil)
    }

    @Test(arguments: [("n", 7), ("big", 1 << 40), ("whole", 3), ("half", nil), ("text", nil)] as [(String, Int64?)])
    func readsWholeNumbersOfEveryWidth(key: String, value: Int64?) throws {
        #expect(try read(key) { $0.integer(in: $1) } == value)
    }

    @Test(arguments: [("_id", true), ("_ie", false), ("_i", false), ("_id2", false), ("", false)] as [(String, Bool)])
    func comparesKeys(name: String, isEqual: Bool) throws {
        #expect(
            try read("_id") { element, span in
                switch name {
                case "_id": element.keyEquals("_id", in: span)
                case "_ie": element.keyEquals("_ie", in: span)
                case "_i": element.keyEquals("_i", in: span)
                case "_id2": element.keyEquals("_id2", in: span)
                default: element.keyEquals("", in: span)
                }
            } == isEqual)
    }

    @Test(
        arguments: [
            ("sub.x.0", 10), ("sub.x.1", 20), ("sub.x.3", nil), ("sub.x.-1", nil), ("sub.x.first", nil), ("sub.y", nil), ("n.x", nil),
            ("", nil),
            ("sub.x.99999999999999999999", nil),
        ] as [(String, Int64?)])
    func followsPaths(path: String, value: Int64?) throws {
        #expect(try read(path) { $0.integer(in: $1) } == value)
    }

    @Test func followsPathsThroughArraysToText() throws {
        #expect(try read("sub.x.2.y") { $0.string(in: $1) } == "z")
        #expect(BSONPath("sub.x.2.y").description == "sub.x.2.y")
        let odd: BSONDocument = ["a.b": 1, "0": 2, "": ["": 3]]
        #expect(try BridgeTests.read(BSONPath(segments: ["a.b"]), in: odd.bytes) { $0.integer(in: $1) } == 1)
        #expect(try BridgeTests.read(BSONPath("0"), in: odd.bytes) { $0.integer(in: $1) } == 2)
        #expect(try BridgeTests.read(BSONPath("."), in: odd.bytes) { $0.integer(in: $1) } == 3)
        #expect(try BridgeTests.read(BSONPath(segments: []), in: odd.bytes) { $0.integer(in: $1) } == nil)
    }

    @Test func reportsMalformedBytesOnThePath() throws {
        var bytes = (["a": ["b": "text"]] as BSONDocument).bytes
        bytes[14] = 0xFF
        #expect(throws: BSONError.self) { try BridgeTests.read(BSONPath("a.b"), in: bytes) { $0.string(in: $1) } }
        #expect(try BridgeTests.read(BSONPath("a"), in: bytes) { element, _ in element.document } != nil)
    }
}

/// For digits that the test knows to be right.
private func objectID(_ digits: String) -> BSONValue {
    BSONObjectID(digits).map { .objectID($0) } ?? .null
}
