import Hashing
import Testing

@testable import Mongo
@testable import Runtime

/// What field rules leave of documents and of events.
@Suite struct FieldRewriterTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let rules: @Sendable () -> FieldModel
        let document: BSONDocument
        let published: BSONDocument

        init(
            _ name: String, _ rules: @escaping @autoclosure @Sendable () -> FieldModel, _ document: BSONDocument, _ published: BSONDocument
        ) {
            self.name = name
            self.rules = rules
            self.document = document
            self.published = published
        }

        var testDescription: String { name }
    }

    private static let selections: [Case] = [
        Case("a field", FieldModel(exclude: [["ssn"]]), ["_id": 1, "ssn": "x", "n": 2], ["_id": 1, "n": 2]),
        Case("a name that only begins like one", FieldModel(exclude: [["ssn"]]), ["ssn2": 1, "ss": 2], ["ssn2": 1, "ss": 2]),
        Case("a nested field", FieldModel(exclude: [["card", "number"]]), ["card": ["number": 1, "cvc": 2]], ["card": ["cvc": 2]]),
        Case("a parent of another type", FieldModel(exclude: [["card", "number"]]), ["card": 5], ["card": 5]),
        Case(
            "in every element of an array", FieldModel(exclude: [["items", "ssn"]]),
            ["items": [["ssn": 1, "n": 1], 5, [["ssn": 2, "n": 2]]]], ["items": [["n": 1], 5, [["n": 2]]]]),
        Case("a name with dots is a path", FieldModel(exclude: [["card", "number"]]), ["card.number": 1, "card.n": 2], ["card.n": 2]),
        Case("a path that a name with dots begins", FieldModel(exclude: [["a", "b", "c"]]), ["a.b": ["c": 1, "d": 2]], ["a.b": ["d": 2]]),
        Case("an element leaves its position", FieldModel(exclude: [["items", "1"]]), ["items": [1, 2, 3]], ["items": [1, nil, 3]]),
        Case("a name that is a number", FieldModel(exclude: [["by", "7"]]), ["by": ["7": 1, "8": 2]], ["by": ["8": 2]]),
        Case(
            "only what is included", FieldModel(include: [["n"], ["card", "cvc"]]),
            ["_id": 1, "ssn": "x", "n": ["a": 1], "card": ["number": 1, "cvc": 2], "other": [:]],
            ["_id": 1, "n": ["a": 1], "card": ["cvc": 2]]),
        Case(
            "included in arrays", FieldModel(include: [["items", "n"]]), ["items": [["ssn": 1, "n": 1], 5, ["x": 1]]],
            ["items": [["n": 1], nil, [:]]]),
        Case("an included path whose parent is a value", FieldModel(include: [["card", "cvc"]]), ["_id": 1, "card": 5], ["_id": 1]),
        Case(
            "a number is a name in a document", FieldModel(include: [["a"], ["items", "x"]]),
            ["5": ["a": 1], "a": 2, "items": ["7": ["x": 3], "x": 4]], ["a": 2, "items": ["x": 4]]),
        Case("nothing to do", FieldModel(exclude: [["x"]]), ["_id": 1, "n": [1, ["y": 2]]], ["_id": 1, "n": [1, ["y": 2]]]),
        Case("an empty document", FieldModel(exclude: [["x"]]), [:], [:]),
    ]

    private static let renames: [Case] = [
        Case("a field", FieldModel(rename: [(["qty"], "quantity")]), ["qty": 5, "n": 1], ["quantity": 5, "n": 1]),
        Case("where it is", FieldModel(rename: [(["a", "b"], "c")]), ["a": ["b": 1, "x": 2]], ["a": ["c": 1, "x": 2]]),
        Case(
            "a document and a field in it", FieldModel(rename: [(["a"], "z"), (["a", "b"], "c")]), ["a": [["b": 1]]], ["z": [["c": 1]]]),
        Case(
            "a name with dots", FieldModel(rename: [(["a"], "z"), (["a", "b"], "c")]), ["a.0.b.x": 1, "a.x": 2], ["z.0.c.x": 1, "z.x": 2]),
        Case("in place of one of that name", FieldModel(rename: [(["qty"], "quantity")]), ["quantity": 1, "qty": 2], ["quantity": 2]),
        Case("beside none of the old name", FieldModel(rename: [(["qty"], "quantity")]), ["quantity": 1], ["quantity": 1]),
        Case(
            "what is masked", FieldModel(rename: [(["email"], "address")], mask: [(["email"], .redact)]), ["email": "a@b"],
            ["address": "***"]),
    ]

    private static let masks: [Case] = [
        Case("a text", FieldModel(mask: [(["s"], .redact)]), ["s": "secret", "n": 1], ["s": "***", "n": 1]),
        Case("null as well", FieldModel(mask: [(["s"], .redact)]), ["s": nil], ["s": "***"]),
        Case("what is not there", FieldModel(mask: [(["s"], .redact)]), ["n": 1], ["n": 1]),
        Case("a whole document", FieldModel(mask: [(["s"], .keep(4))]), ["s": ["a": "12345"]], ["s": "***"]),
        Case(
            "each element of an array", FieldModel(mask: [(["s"], .keep(2))]), ["s": ["12345", 7, ["678", ["a": 1]]]],
            ["s": ["***45", "***", ["***78", "***"]]]),
        Case("a text with no more characters", FieldModel(mask: [(["s"], .keep(4))]), ["s": "1234", "t": "x"], ["s": "***", "t": "x"]),
        Case("characters and not bytes", FieldModel(mask: [(["s"], .keep(2))]), ["s": "aé☆🚚"], ["s": "***☆🚚"]),
        Case("no number", FieldModel(mask: [(["s"], .keep(2))]), ["s": 123456], ["s": "***"]),
        Case(
            "what an update sets in an array", FieldModel(mask: [(["s"], .keep(1))]), ["s.0": "ab", "s.1.2": "cd"],
            ["s.0": "***b", "s.1.2": "***d"]),
        Case("names below are a part of the value", FieldModel(mask: [(["s"], .redact)]), ["s.name": "ab", "s.12345678": 1], [:]),
        Case(
            "HMAC-SHA-256 of type and value, as Python has it",
            FieldModel(mask: [(["a"], .hash), (["b"], .hash), (["c"], .hash), (["d"], .hash)]),
            ["a": "ann@example.com", "b": 7, "c": nil, "d": [:]], hashes),
        Case(
            "equal numbers", FieldModel(mask: [(["b"], .hash)]), ["b": [7.0, .int64(7)]], ["b": [hashes["b"] ?? nil, hashes["b"] ?? nil]]),
    ]

    private static let hashes: BSONDocument = [
        "a": "aa471c885299bc16db8573949d1217208b619bd66a8c4d7276e3ddd34c0bba25",
        "b": "fa5b5a7e192871377bbe3fc40f22ecb5e12916a18fdd658f18911f28186efa7c",
        "c": "4eff45b3b2773e6209c8b863da8159052013047bf846d64af75ffd627f0d18dd",
        "d": "6e1ed89197b18d5c551f29b5cf815ad1d8b6a9cd9594b693abf1a56e98b9d043",
    ]

    @Test(arguments: selections + renames + masks)
    func aDocumentIsAsTheRulesLeaveIt(_ example: Case) throws {
        #expect(try example.rules().rewriter.document(example.document) == example.published)
        // The model of the random tests has to know what people think.
        #expect(try example.rules().document(example.document) == example.published)
    }

    // MARK: Events

    private static func update(_ description: BSONDocument) -> BSONDocument {
        var event = SampleEvent.insert(1, document: ["ssn": "x", "card": ["number": 1], "qty": 5])
        event.append("updateDescription", .document(description))
        event.append("fullDocumentBeforeChange", ["_id": 1, "ssn": "y"])
        return event
    }

    private static let model = FieldModel(
        exclude: [["ssn"], ["card"]], rename: [(["qty"], "quantity"), (["items"], "lines")], mask: [(["phone"], .redact)])

    @Test func everyPartOfAnEventThatHasFieldsIsRewritten() throws {
        let event = Self.update([
            "updatedFields": ["qty": 6, "ssn": "z", "card.number": 2, "items.0.qty": 1, "phone": "12", "x": 1],
            "removedFields": ["ssn", "card.cvc", "items.1.n", "phone", "phone.area", "y"],
            "truncatedArrays": [["field": "card.list", "newSize": 1], ["field": "items", "newSize": 2]],
            "disambiguatedPaths": ["items.0.qty": ["items", 0, "qty"], "card.0": ["card", "0"], "x.0": ["x", "0"]],
        ])
        let published = try Self.model.rewriter.event(event)
        #expect(published["fullDocument"] == ["_id": 1, "quantity": 5])
        #expect(published["fullDocumentBeforeChange"] == ["_id": 1])
        #expect(
            published["updateDescription"] == [
                "updatedFields": ["quantity": 6, "lines.0.qty": 1, "phone": "***", "x": 1],
                "removedFields": ["lines.1.n", "phone", "y"],
                "truncatedArrays": [["field": "lines", "newSize": 2]],
                "disambiguatedPaths": ["lines.0.qty": ["lines", 0, "qty"], "x.0": ["x", "0"]],
            ])
        #expect(published.keys == event.keys)
        for key in event.keys where !["fullDocument", "fullDocumentBeforeChange", "updateDescription"].contains(key) {
            #expect(published[key] == event[key])
        }
    }

    @Test func anUpdateOfWhatIsLeftOutStaysAnEvent() throws {
        let event = Self.update(["updatedFields": ["ssn": "z"], "removedFields": ["card.number"], "truncatedArrays": []])
        #expect(
            try Self.model.rewriter.event(event)["updateDescription"] == [
                "updatedFields": [:], "removedFields": [], "truncatedArrays": [],
            ])
    }

    /// The documents themselves are being renamed: the field is set, whichever name was removed.
    @Test(arguments: [("qty", "quantity"), ("quantity", "qty")])
    func aRenameInMongoDBRemovesNothing(set: String, removed: String) throws {
        let event = Self.update([
            "updatedFields": .document(BSONDocument(fields: [(set, .int32(5))])), "removedFields": [.string(removed), "n"],
        ])
        #expect(
            try Self.model.rewriter.event(event)["updateDescription"] == ["updatedFields": ["quantity": 5], "removedFields": ["n"]])
    }

    /// What is a document no more has nothing that is included: it goes from the documents, and from a reader's copy.
    @Test func whatHasNothingIncludedAnyMoreIsRemoved() throws {
        let rewriter = FieldModel(include: [["card", "holder"], ["items", "x"]]).rewriter
        let event = try rewriter.event([
            "updateDescription": [
                "updatedFields": ["card": "none", "n": 1, "items.3": 7, "items.4": ["x": 1, "y": 2]], "removedFields": ["items.0.x"],
            ]
        ])
        #expect(
            event == [
                "updateDescription": [
                    "updatedFields": ["items.3": nil, "items.4": ["x": 1]], "removedFields": ["items.0.x", "card"],
                ]
            ])
    }

    @Test func namesThatOnlyReadAlikeAreTwo() throws {
        let rewriter = FieldModel(exclude: [["caf\u{E9}", "x"]], mask: [(["cafe\u{301}", "y"], .redact)]).rewriter
        #expect(
            try rewriter.document(["caf\u{E9}": ["x": 1, "y": 2], "cafe\u{301}": ["x": 3, "y": 4]])
                == ["caf\u{E9}": ["y": 2], "cafe\u{301}": ["x": 3, "y": "***"]])
    }

    @Test func theKeyIsNeverTouched() throws {
        var event = SampleEvent.delete(1)
        event.set("documentKey", ["_id": 1, "ssn": "x", "qty": 2])
        #expect(try Self.model.rewriter.event(event) == event)
    }

    // MARK: Bytes that are not BSON

    @Test func whatIsNoBSONWhereTheRulesLookIsATypedError() throws {
        let event = SampleEvent.insert(1, document: ["card": ["number": "12345"]])
        let number: [UInt8] = [6, 0, 0, 0] + Array("12345".utf8)
        let broken = try event.replacing(number, with: [0xFF, 0xFF, 0xFF, 0x7F] + Array("12345".utf8))
        #expect(throws: BSONError.self) { try FieldModel(exclude: [["card", "x"]]).rewriter.event(broken) }
        // Nobody looks into what is left out.
        #expect(try FieldModel(exclude: [["card"]]).rewriter.event(broken)["fullDocument"] == ["_id": 1])
    }

    @Test func nestingIsBounded() throws {
        var value: BSONValue = 1
        for _ in 0..<300 { value = .array([value]) }
        let document: BSONDocument = ["a": value]
        for model in [FieldModel(exclude: [["a", "b"]]), FieldModel(mask: [(["a"], .redact)])] {
            #expect(throws: BSONError.self) { try model.rewriter.document(document) }
        }
    }

    /// Vectors 1 and 4 of RFC 4231.
    @Test(arguments: [
        ([UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        ([UInt8](1...25), [UInt8](repeating: 0xCD, count: 50), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    ])
    func theKeyedHashIsHMACWithSHA256(key: [UInt8], data: [UInt8], expected: String) {
        let hash = KeyedHash(key: key)
        // The second digest of an object does not depend on the first.
        for _ in 0..<2 {
            var digest = [UInt8](repeating: 0, count: KeyedHash.digestSize)
            digest.withUnsafeMutableBytes { digest in data.withUnsafeBytes { hash.digest(of: $0, into: digest) } }
            #expect(digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == expected)
        }
    }
}
