import Mongo
import Testing

@testable import StreamBridge

/// `fields:` of a stream.
@Suite struct FieldConfigurationTests {
    private static let key = "key: sixteen bytes and more"

    @Test func rulesAreRead() throws {
        let fields = try #require(
            try ConfigurationText.stream(
                """
                fields:
                  exclude: [ssn, card.number]
                  rename: { qty: quantity, "card.cvc": code }
                  mask: { email: hash, phone: { keep: 4 }, notes: redact, qty: redact }
                  \(Self.key)
                """
            ).fields)
        #expect(fields.exclude == [["ssn"], ["card", "number"]] && fields.include == nil)
        #expect(fields.rename == [.init(path: ["qty"], name: "quantity"), .init(path: ["card", "cvc"], name: "code")])
        #expect(
            fields.mask == [
                .init(path: ["email"], mask: .hash), .init(path: ["phone"], mask: .keep(4)), .init(path: ["notes"], mask: .redact),
                .init(path: ["qty"], mask: .redact),
            ])
        #expect(fields.key == "sixteen bytes and more")
        #expect(try ConfigurationText.stream("format: relaxed").fields == nil)
        #expect(
            try ConfigurationText.stream("fields: { include: [a, b.c], mask: { a.x: redact }, rename: { b: d } }").fields?.include
                == [["a"], ["b", "c"]])
    }

    @Test(arguments: EffectiveConfiguration.Format.allCases)
    func theyArePrintedWithoutTheKey(format: EffectiveConfiguration.Format) throws {
        let yaml = ConfigurationText.minimal(
            stream: """
                fields:
                  include: [email, phone, n.a]
                  rename: { email: mail }
                  mask: { email: hash, phone: { keep: 4 } }
                  key: ${KEY}
                """)
        let configuration = try ConfigurationText.load(yaml, environment: ["KEY": "q7zx9v-q7zx9v-q7zx9v"]).configuration
        let text = EffectiveConfiguration.render(configuration, format: format)
        #expect(!text.contains("q7zx") && text.contains("n.a"))
        #expect(!"\(configuration.streams[0].fields.map { "\($0)" } ?? "")".contains("q7zx"))
        // Any other key: what is hidden cannot be loaded again.
        let again = text.replacing("\"***\"", with: "\"q7zx9v-q7zx9v-q7zx9v\"")
        #expect(try ConfigurationText.load(again).configuration == configuration)
    }

    private static let rules: [BadConfiguration] = [
        .stream("fields: {}", "9:13: streams[0].fields", "found no rule; write include, exclude, rename or mask"),
        .stream("fields: { excluded: [a] }", "9:15: streams[0].fields.excluded", "did you mean `exclude`? allowed here: include, exclude"),
        .stream("fields: { exclude: a }", "9:24: streams[0].fields.exclude", "found a single value; allowed: list of field paths"),
        .stream("fields: { exclude: [] }", "9:24: streams[0].fields.exclude", "found an empty list"),
        .stream("fields: { exclude: [{ a: b }] }", "9:25: streams[0].fields.exclude[0]", "write a field's path, such as card.number"),
        .stream("fields: { exclude: [a..b] }", "9:25: streams[0].fields.exclude[0]", "single dots between them, such as card.number"),
        .stream("fields: { exclude: [$a] }", "9:25: streams[0].fields.exclude[0]", "without `$`: a"),
        .stream("fields: { exclude: [\"a.$[].b\"] }", "9:25: streams[0].fields.exclude[0]", "every element of an array"),
        .stream("fields: { exclude: [_id.x] }", "9:25: streams[0].fields.exclude[0]", "`_id` is what records are keyed by"),
        .stream("fields: { include: [_id] }", "9:25: streams[0].fields.include[0]", "remove it: `_id`"),
        .stream("fields: { exclude: [documentKey.a] }", "9:25: streams[0].fields.exclude[0]", "which is a path of the event"),
        .stream(
            "fields: { exclude: [fullDocument.ssn] }", "9:25: streams[0].fields.exclude[0]", "a path begins in the document: write `ssn`"),
        .stream(
            "fields: { exclude: [updateDescription.updatedFields.ssn] }", "9:25: streams[0].fields.exclude[0]", "write `ssn`"),
        .stream(
            "fields: { exclude: [" + String(repeating: "a.", count: 180) + "a] }", "9:25: streams[0].fields.exclude[0]",
            "found a path of 181 levels; no document has more than 180"),
        .stream("fields: { mask: { a: hsah } }", "9:26: streams[0].fields.mask.a", "did you mean `hash`? allowed: hash, redact, {keep: 4}"),
        .stream("fields: { mask: { a: { keep: 0 } } }", "9:34: streams[0].fields.mask.a.keep", "allowed: 1 to 100"),
        .stream("fields: { mask: { a: { kep: 4 } } }", "9:28: streams[0].fields.mask.a.kep", "did you mean `keep`?"),
        .stream(
            "fields: { mask: { a: {} } }", "9:26: streams[0].fields.mask.a", "found an empty mapping; allowed: hash, redact, {keep: 4}"),
        .stream("fields: { mask: { _id: redact } }", "9:23: streams[0].fields.mask._id", "remove it"),
        .stream("fields: { rename: { a: b.c } }", "9:28: streams[0].fields.rename.a", "write the new name alone"),
        .stream("fields: { rename: { a: a } }", "9:28: streams[0].fields.rename.a", "that is its name already"),
        .stream("fields: { rename: { a: _id } }", "9:28: streams[0].fields.rename.a", "every document has an `_id`"),
        .stream("fields: { rename: { a: $b } }", "9:28: streams[0].fields.rename.a", "without `$`"),
        .stream("fields: { rename: { a: \"7\" } }", "9:28: streams[0].fields.rename.a", "may be the position in an array"),
        .stream("fields: { rename: { a.7: b } }", "9:30: streams[0].fields.rename.a.7", "may be the position in an array"),
    ]

    private static let contradictions: [BadConfiguration] = [
        .stream("fields: { include: [a], exclude: [b] }", "9:38: streams[0].fields.exclude", "found `include` as well; write one of them"),
        .stream("fields: { exclude: [a, a] }", "9:28: streams[0].fields.exclude[1]", "`a` is in the list twice"),
        .stream("fields: { exclude: [a.b, a] }", "9:30: streams[0].fields.exclude[1]", "`a.b` is inside of `a`, which is excluded"),
        .stream("fields: { include: [a, a.b] }", "9:28: streams[0].fields.include[1]", "`a.b` is inside of `a`, which is included"),
        .stream("fields: { exclude: [a], mask: { a: redact } }", "9:37: streams[0].fields.mask.a", "`a` is excluded as well"),
        .stream("fields: { exclude: [a], rename: { a.b: c } }", "9:39: streams[0].fields.rename.a.b", "inside of `a`, which is excluded"),
        .stream("fields: { mask: { a: redact, a.b: redact } }", "9:34: streams[0].fields.mask.a.b", "which is masked as a whole"),
        .stream("fields: { include: [a.b], mask: { a: redact } }", "9:39: streams[0].fields.mask.a", "which is masked as a whole"),
        .stream(
            "fields: { include: [a], mask: { b: redact } }", "9:37: streams[0].fields.mask.b", "`b` is not among the fields of `include`"),
        .stream(
            "fields: { rename: { a: b, b: c } }", "9:25: streams[0].fields.rename.a", "`a` would become `b`, and there is a rule for `b`"),
        .stream(
            "fields: { rename: { a: b }, mask: { b.c: redact } }", "9:25: streams[0].fields.rename.a",
            "`a` would become `b`, and there is a rule for `b.c`"),
        .stream("fields: { rename: { a: c, b: c } }", "9:31: streams[0].fields.rename.b", "`a` and `b` would both become `c`"),
        .stream(
            "fields: { exclude: [items.ssn, items.0.name] }", "9:36: streams[0].fields.exclude[1]",
            "`items.0.name` is for one position, and `items.ssn` for every element"),
        .stream(
            "fields: { exclude: [a.7.b], mask: { a.c: redact } }", "9:41: streams[0].fields.mask.a.c",
            "`a.7.b` is for one position, and `a.c` for every element"),
        .stream(
            "key: fullDocument.a.b\nfields: { exclude: [a] }", "10:25: streams[0].fields.exclude[0]",
            "`a` is excluded, and the records' key is `fullDocument.a.b`"),
        .stream(
            "key: fullDocument.a\nfields: { mask: { a.b: redact } }", "10:23: streams[0].fields.mask.a.b",
            "`a.b` is masked, and the records' key is `fullDocument.a`"),
        .stream(
            "key: fullDocument.b\nfields: { rename: { a: b } }", "10:25: streams[0].fields.rename.a", "`a` is renamed, and the records' key"
        ),
        .stream(
            "key: fullDocument.a\nfields: { include: [b] }", "10:24: streams[0].fields.include",
            "the records' key is `fullDocument.a`, which is not included"),
        .stream(
            "format: { template: \"{fullDocument.a.b}\" }\nfields: { exclude: [a] }", "10:25: streams[0].fields.exclude[0]",
            "the template has `{fullDocument.a.b}`"),
        .stream(
            "format: { template: \"{fullDocument.a}\" }\nfields: { rename: { a: b } }", "10:25: streams[0].fields.rename.a",
            "write its new name in the template, `b`"),
        .stream(
            "format: { template: \"{fullDocument.a}\" }\nfields: { include: [b] }", "10:24: streams[0].fields.include",
            "the template has `{fullDocument.a}`, which is not included"),
    ]

    private static let keys: [BadConfiguration] = [
        .stream(
            "fields: { mask: { a: hash } }", "9:13: streams[0].fields.key",
            "missing; a mask is `hash`, which needs a key: write ${file:PATH}"),
        .stream(
            "fields: { mask: { a: hash }, key: fifteen-bytes.. }", "9:39: streams[0].fields.key",
            "found a key of 15 bytes; it needs at least 16"),
        .stream("fields: { mask: { a: redact }, \(key) }", "9:41: streams[0].fields.key", "no mask is `hash`, so nothing uses the key"),
    ]

    @Test(arguments: rules + contradictions + keys)
    func aRuleThatCannotBeMeantIsRefusedWithItsPlace(bad: BadConfiguration) throws {
        let faults = ConfigurationText.faults(bad.yaml)
        #expect(faults.count == 1, "\(faults)")
        #expect(faults.contains { $0.contains(bad.place) && $0.contains(bad.words) }, "\(faults)")
    }

    /// An é in one piece, and one of two: two fields for MongoDB.
    @Test func namesThatOnlyReadAlikeAreTwo() throws {
        _ = try ConfigurationText.stream("fields: { exclude: [\"caf\u{E9}.x\", \"cafe\u{301}.x\"] }")
        _ = try ConfigurationText.stream("fields: { rename: { \"caf\u{E9}\": \"cafe\u{301}\" } }")
    }

    @Test func aTemplateReadsTheNewNames() throws {
        _ = try ConfigurationText.stream(
            "format: { template: \"{fullDocument.items.0.b} {documentKey}\" }\nfields: { include: [items.a], rename: { items.a: b } }")
    }
}
