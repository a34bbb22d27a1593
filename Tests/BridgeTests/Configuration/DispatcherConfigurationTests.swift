import Testing

@testable import StreamBridge

@Suite struct DispatcherConfigurationTests {
    /// A dispatcher without a default left, its first line in line 9 of the smallest configuration.
    private static let dispatcher = """
        dispatchers:
          - name: shipments
            commands: dispatch.commands
            outcomes: dispatch.outcomes
            deadLetters: dispatch.dead-letters
            collection: lessons.shipments
            fields:
              source: string
              quantity: {type: int, minimum: 1}
            resource:
              field: truck_id
              pool: lessons.trucks
              choose: lowest
              label: Truck
            delivery: at-least-once
        """

    /// The smallest one.
    private static let small =
        "dispatchers:\n  - {name: d, commands: c, outcomes: o, deadLetters: l, collection: a.b, resource: {field: truck_id}}"

    private static func load(_ dispatchers: String) throws -> [DispatcherSettings] {
        try ConfigurationText.load(ConfigurationText.minimal(top: dispatchers)).configuration.dispatchers
    }

    private static func fields(_ lines: String) -> String {
        ConfigurationText.minimal(top: small.replacing("resource:", with: "fields: {\(lines)}, resource:"))
    }

    /// The full one with a text replaced.
    private static func edit(_ old: String, _ new: String, _ place: String, _ words: String) -> BadConfiguration {
        BadConfiguration(yaml: ConfigurationText.minimal(top: dispatcher.replacing(old, with: new)), place: "\(place): ", words: words)
    }

    // MARK: Good ones

    @Test func everyKeyIsRead() throws {
        let full = DispatcherSettings(
            name: "shipments", commands: "dispatch.commands", outcomes: "dispatch.outcomes", deadLetters: "dispatch.dead-letters",
            collection: Namespace(database: "lessons", collection: "shipments"),
            fields: [
                CommandField(name: "source", type: .string, isRequired: true),
                CommandField(name: "quantity", type: .int(minimum: 1, maximum: nil), isRequired: true),
            ],
            resource: ResourceSettings(
                field: "truck_id", pool: Namespace(database: "lessons", collection: "trucks"), choose: .lowest, label: "Truck"),
            delivery: .atLeastOnce)
        #expect(try Self.load(Self.dispatcher) == [full])
    }

    @Test func whatIsNotWrittenHasItsDefault() throws {
        let small = DispatcherSettings(
            name: "d", commands: "c", outcomes: "o", deadLetters: "l", collection: Namespace(database: "a", collection: "b"), fields: [],
            resource: ResourceSettings(field: "truck_id", pool: nil, choose: .random, label: "Resource"), delivery: .exactlyOnce)
        #expect(try Self.load(Self.small) == [small])
        #expect(try ConfigurationText.load(ConfigurationText.minimal()).configuration.dispatchers == [])
    }

    @Test(arguments: ["", "streams: []\n", "streams:\n"])
    func dispatcherAloneIsEnough(streams: String) throws {
        let text = ConfigurationText.minimal()
            .replacing("streams:\n  - name: inventory\n    watch: lessons.inventory\n", with: streams + Self.small)
        let configuration = try ConfigurationText.load(text).configuration
        #expect(configuration.streams.isEmpty && configuration.dispatchers.count == 1)
        let shown = EffectiveConfiguration.render(configuration, format: .yaml)
        #expect(try ConfigurationText.load(shown).configuration == configuration)
    }

    @Test(
        arguments: [
            ("a: string", [("a", .string, true)]),
            (
                "b: int, a: number, c: boolean, d: date",
                [
                    ("b", .int(minimum: nil, maximum: nil), true), ("a", .number(minimum: nil, maximum: nil), true), ("c", .boolean, true),
                    ("d", .date, true),
                ]
            ),
            ("a: {type: date, required: false}", [("a", .date, false)]),
            (
                "a: {type: int, minimum: -9223372036854775808, maximum: 9223372036854775807}",
                [
                    ("a", .int(minimum: .min, maximum: .max), true)
                ]
            ),
            ("a: {type: int, minimum: 5, maximum: 5}", [("a", .int(minimum: 5, maximum: 5), true)]),
            ("a: {type: number, minimum: -.5, maximum: 1e300}", [("a", .number(minimum: -0.5, maximum: 1e300), true)]),
            ("a: {type: number, maximum: 3}", [("a", .number(minimum: nil, maximum: 3), true)]),
            // Words that mean something elsewhere in the file, or in YAML.
            (
                "type: string, required: int, fields: date, <field>: boolean, null: string, 5: string",
                [
                    ("type", .string, true), ("required", .int(minimum: nil, maximum: nil), true), ("fields", .date, true),
                    ("<field>", .boolean, true), ("null", .string, true), ("5", .string, true),
                ]
            ),
            (
                "a b: string, é: string, a$: string, ID: string, requested_: string",
                [
                    ("a b", .string, true), ("é", .string, true), ("a$", .string, true), ("ID", .string, true),
                    ("requested_", .string, true),
                ]
            ),
        ] as [(String, [(String, CommandFieldType, Bool)])])
    func fieldsAreTypesOrMappings(written: String, fields: [(String, CommandFieldType, Bool)]) throws {
        let configuration = try ConfigurationText.load(Self.fields(written)).configuration
        #expect(configuration.dispatchers[0].fields == fields.map { CommandField(name: $0.0, type: $0.1, isRequired: $0.2) })
    }

    @Test func limitsMayComeFromElsewhere() throws {
        let text = Self.fields("a: {type: int, minimum: \"${LEAST}\"}, b: \"${TYPE}\"")
        let fields = try ConfigurationText.load(text, environment: ["LEAST": "7", "TYPE": "date"]).configuration.dispatchers[0].fields
        #expect(fields.map(\.type) == [.int(minimum: 7, maximum: nil), .date])
        let faults = ConfigurationText.faults(text, environment: ["LEAST": "hunter2", "TYPE": "hunter2"])
        #expect(faults.count == 2 && faults.allSatisfy { !$0.contains("hunter2") })
    }

    @Test func outcomesAndDeadLettersMayBeShared() throws {
        let second = "\n  - {name: e, commands: e, outcomes: o, deadLetters: l, collection: a.b, resource: {field: truck_id}}"
        #expect(try Self.load(Self.small + second).map(\.name) == ["d", "e"])
    }

    // MARK: Faults

    private static let values: [BadConfiguration] = [
        edit("name: shipments", "nam: a", "10:5: dispatchers[0].nam", "unknown key; did you mean `name`?"),
        edit("label: Truck", "labl: Truck", "22:7: dispatchers[0].resource.labl", "did you mean `label`?"),
        edit("delivery: at-least-once", "pool: a.b", "23:5: dispatchers[0].pool", "it belongs under `dispatchers[].resource`"),
        edit("name: shipments", "name: a b", "10:11: dispatchers[0].name", "` ` is not legal in names of Kafka topics and groups"),
        edit("name: shipments", "name: inventory", "10:11: dispatchers[0].name", "`inventory` is taken, by the stream in line 7"),
        edit("    outcomes: dispatch.outcomes\n", "", "10:5: dispatchers[0].outcomes", "missing; this key is required: topic"),
        edit("dispatch.commands", "a/b", "11:15: dispatchers[0].commands", "`/` is not legal in names of Kafka topics"),
        edit("dispatch.commands", "\"\"", "11:15: dispatchers[0].commands", "found an empty text; write the name of a topic"),
        edit("dispatch.commands", "..", "11:15: dispatchers[0].commands", "no topics named . and .."),
        edit("dispatch.commands", String(repeating: "x", count: 250), "11:15: dispatchers[0].commands", "at most 249"),
        edit("dispatch.commands", "__consumer_offsets", "11:15: dispatchers[0].commands", "belongs to Kafka itself"),
        edit("dispatch.commands", "\"a.{db}\"", "11:15: dispatchers[0].commands", "there are no placeholders here"),
        edit("dispatch.outcomes", "bridge.lessons.gaps", "12:15: dispatchers[0].outcomes", "`bridge.lessons.` belong to the bridge"),
        edit("dispatch.outcomes", "dispatch.commands", "12:15: dispatchers[0].outcomes", "is taken, for `commands` in line 11"),
        edit("dispatch.dead-letters", "dispatch.commands", "13:18: dispatchers[0].deadLetters", "would be read as a command"),
        edit("dispatch.dead-letters", "dispatch.outcomes", "13:18: dispatchers[0].deadLetters", "is taken, for `outcomes` in line 12"),
        edit("lessons.shipments", "lessons", "14:17: dispatchers[0].collection", "name a collection as well: lessons.coll"),
        edit("lessons.shipments", "\"*\"", "14:17: dispatchers[0].collection", "write \"db.coll\": one collection"),
        edit("lessons.shipments", "lessons.*", "14:17: dispatchers[0].collection", "write \"db.coll\": one collection"),
        edit("lessons.shipments", "lessons.", "14:17: dispatchers[0].collection", "write \"db.coll\": one collection"),
        edit("lessons.shipments", "\"\"", "14:17: dispatchers[0].collection", "write \"db.coll\": one collection"),
        edit("lessons.shipments", "a.b,a.c", "14:17: dispatchers[0].collection", "write \"db.coll\": one collection"),
        edit("lessons.shipments", "[a.b]", "14:17: dispatchers[0].collection", "found a list; allowed: `db.coll`"),
        edit("lessons.shipments", "admin.b", "14:17: dispatchers[0].collection", "belong to MongoDB itself"),
        edit("lessons.shipments", "a.system.b", "14:17: dispatchers[0].collection", "belong to MongoDB itself"),
        edit("lessons.shipments", "a.b$", "14:17: dispatchers[0].collection", "`$` is not legal"),
        edit("field: truck_id", "field: status", "19:14: dispatchers[0].resource.field", "the bridge writes this field itself"),
        edit("field: truck_id", "field: id", "19:14: dispatchers[0].resource.field", "a meaning of its own in every command"),
        edit("field: truck_id", "field: truck.id", "19:14: dispatchers[0].resource.field", "without dots"),
        edit("lessons.trucks", "lessons.shipments", "20:13: dispatchers[0].resource.pool", "the documents go there"),
        edit("lessons.trucks", "trucks", "20:13: dispatchers[0].resource.pool", "name a collection as well"),
        edit("lessons.trucks", "", "20:12: dispatchers[0].resource.pool", "found nothing"),
        edit("choose: lowest", "choose: lowst", "21:15: dispatchers[0].resource.choose", "did you mean `lowest`? allowed: random, lowest"),
        edit("label: Truck", "label: \"\"", "22:14: dispatchers[0].resource.label", "write a word, such as Truck"),
        edit("label: Truck", "label: \" \"", "22:14: dispatchers[0].resource.label", "write a word, such as Truck"),
        edit("label: Truck", "label: \"a\\nb\"", "22:14: dispatchers[0].resource.label", "write one line"),
        edit("label: Truck", "label: \"a\\u2028b\"", "22:14: dispatchers[0].resource.label", "write one line"),
        edit("label: Truck", "label: " + String(repeating: "x", count: 101), "22:14: dispatchers[0].resource.label", "allowed are 100"),
        edit(
            "at-least-once", "once", "23:15: dispatchers[0].delivery", "allowed: exactly-once, at-least-once"),
        edit(
            "source: string", "source: text", "16:15: dispatchers[0].fields.source", "did you mean `string`? allowed: string, int, number"),
        edit("source: string", "source: strng", "16:15: dispatchers[0].fields.source", "did you mean `string`?"),
        edit("source: string", "source: bool", "16:15: dispatchers[0].fields.source", "did you mean `boolean`?"),
        edit("source: string", "source: Integer", "16:15: dispatchers[0].fields.source", "did you mean `int`?"),
        edit("source: string", "source:", "16:14: dispatchers[0].fields.source", "found nothing"),
        edit("source: string", "source: [string]", "16:15: dispatchers[0].fields.source", "found a list; allowed: `string`, `int`"),
        edit("source: string", "source: {}", "16:15: dispatchers[0].fields.source.type", "missing"),
        edit("source: string", "source: {typ: int}", "16:16: dispatchers[0].fields.source.typ", "did you mean `type`?"),
        edit("{type: int, minimum: 1}", "{type: [int]}", "17:24: dispatchers[0].fields.quantity.type", "found a list"),
        edit(
            "{type: int, minimum: 1}", "{type: int, required: 1}", "17:39: dispatchers[0].fields.quantity.required", "write true or false"),
        edit("minimum: 1", "minimum: 1.5", "17:38: dispatchers[0].fields.quantity.minimum", "write a whole number"),
        edit("minimum: 1", "minimum: \"1\"", "17:38: dispatchers[0].fields.quantity.minimum", "without quotes"),
        edit("minimum: 1", "minimum: 9223372036854775808", "17:38: dispatchers[0].fields.quantity.minimum", "write a whole number"),
        edit("minimum: 1", "minimum: 5, maximum: 4", "17:50: dispatchers[0].fields.quantity.maximum", "below the minimum"),
        edit("int, minimum: 1", "number, minimum: 1, maximum: .5", "17:53: dispatchers[0].fields.quantity.maximum", "below the minimum"),
        edit("int, minimum: 1", "number, minimum: .inf", "17:41: dispatchers[0].fields.quantity.minimum", "write a finite number"),
        edit("int, minimum: 1", "number, minimum: nan", "17:41: dispatchers[0].fields.quantity.minimum", "write a finite number"),
        edit("int, minimum: 1", "number, minimum: 1e999", "17:41: dispatchers[0].fields.quantity.minimum", "write a finite number"),
        edit("int, minimum: 1", "number, minimum: 0x1p3", "17:41: dispatchers[0].fields.quantity.minimum", "write a finite number"),
        edit("int, minimum: 1", "number, minimum: \"1\"", "17:41: dispatchers[0].fields.quantity.minimum", "without quotes"),
        edit("int, minimum: 1", "date, minimum: 1", "17:39: dispatchers[0].fields.quantity.minimum", "a date has no minimum; remove it"),
    ]

    private static let names: [BadConfiguration] =
        ["id", "complete", "expiresAt"].map {
            edit("source: string", "\($0): string", "16:7: dispatchers[0].fields.\($0)", "it has a meaning of its own in every command")
        }
        + [
            "_id", "status", "dispatched_at", "rejected_at", "completed_at", "completed_by", "completed_writer", "writer", "command",
            "outcome",
            "requested_truck_id",
        ].map { edit("source: string", "\($0): string", "16:7: dispatchers[0].fields.\($0)", "the bridge writes this field itself") }
        + [
            edit("source: string", "truck_id: string", "16:7: dispatchers[0].fields.truck_id", "it is the field of the resource"),
            edit(
                "source: string", "$a: string", "16:7: dispatchers[0].fields.$a", "found the field `$a`; MongoDB takes it for an operator"),
            edit("source: string", "\"$\\u0301\": string", "16:7: dispatchers[0].fields.$\u{301}", "takes it for an operator"),
            edit("source: string", "a.b: string", "16:7: dispatchers[0].fields.a.b", "without dots"),
            edit("source: string", "\"a\\0\": string", "16:7: dispatchers[0].fields.a\\u0000", "no NUL"),
            edit("source: string", "\"\": string", "16:7: dispatchers[0].fields.", "write at least one character"),
            edit("source: string", "quantity: string", "17:7: dispatchers[0].fields.quantity", "written twice, first in line 16"),
            edit(
                "fields:\n      source: string\n      quantity: {type: int, minimum: 1}", "fields: [source]",
                "15:13: dispatchers[0].fields", "found a list; write a mapping of names to types"),
        ]

    @Test(arguments: values + names)
    func badDispatcherGivesOneFaultWithItsPlaceAndMend(bad: BadConfiguration) {
        let faults = ConfigurationText.faults(bad.yaml)
        let matching = faults.filter { $0.hasPrefix("bridge.yaml:\(bad.place)") && $0.contains(bad.words) }
        #expect(matching.count == 1, "\(faults)")
        #expect(faults.allSatisfy { !$0.contains("\n") })
    }

    @Test(arguments: [
        (
            "{name: d, commands: e, outcomes: o, deadLetters: l, collection: a.b, resource: {field: truck_id}}",
            "11:12: dispatchers[1].name: the dispatcher name `d` is taken, first in line 10"
        ),
        (
            "{name: e, commands: c, outcomes: o, deadLetters: l, collection: a.b, resource: {field: truck_id}}",
            "11:25: dispatchers[1].commands: the topic `c` is taken, for `commands` in line 10; give every dispatcher its own"
        ),
        (
            "{name: e, commands: e, outcomes: c, deadLetters: l, collection: a.b, resource: {field: truck_id}}",
            "11:38: dispatchers[1].outcomes: the topic `c` is taken, for `commands` in line 10"
        ),
        (
            "{name: e, commands: l, outcomes: o, deadLetters: m, collection: a.b, resource: {field: truck_id}}",
            "10:54: dispatchers[0].deadLetters: the topic `l` is taken, for `commands` in line 11"
        ),
        (
            "{name: e, commands: e, outcomes: l, deadLetters: m, collection: a.b, resource: {field: truck_id}}",
            "10:54: dispatchers[0].deadLetters: the topic `l` is taken, for `outcomes` in line 11"
        ),
        (
            "{name: e, commands: e, outcomes: o, deadLetters: m, collection: a.b, resource: {field: g}}",
            "11:92: dispatchers[1].resource.field: the documents in `a.b` hold their resource in `truck_id`, for the dispatcher with that field in "
                + "line 10; name the same field, or another collection"
        ),
    ])
    func dispatchersDoNotTakeEachOthersNamesAndTopics(second: String, fault: String) {
        let faults = ConfigurationText.faults(ConfigurationText.minimal(top: "\(Self.small)\n  - \(second)"))
        #expect(faults.count == 1 && faults[0].hasPrefix("bridge.yaml:\(fault)"), "\(faults)")
    }

    @Test func everyFaultIsReportedAtOnce() {
        let text = """
            dispatchers:
              - name: inventory
                commands: a b
                outcomes: x
                deadLetters: x
                collection: a
                fields:
                  a.b: {type: strin, required: maybe}
                  status: {type: int, minimum: x, maximum: y}
                  requested_id: bool
                resource: {field: id, pool: b, choose: best, label: ""}
                delivery: never
              - {}
            """
        let faults = ConfigurationText.faults(ConfigurationText.minimal(top: text)).map {
            $0.split(separator: ": ").prefix(2).joined(separator: " ").replacing("bridge.yaml:", with: "")
        }
        #expect(
            faults == [
                "10:11 dispatchers[0].name", "11:15 dispatchers[0].commands", "13:18 dispatchers[0].deadLetters",
                "14:17 dispatchers[0].collection", "16:7 dispatchers[0].fields.a.b", "16:19 dispatchers[0].fields.a.b.type",
                "16:36 dispatchers[0].fields.a.b.required", "17:7 dispatchers[0].fields.status",
                "17:36 dispatchers[0].fields.status.minimum", "17:48 dispatchers[0].fields.status.maximum",
                "18:7 dispatchers[0].fields.requested_id", "18:21 dispatchers[0].fields.requested_id",
                "19:23 dispatchers[0].resource.field", "19:33 dispatchers[0].resource.pool", "19:44 dispatchers[0].resource.choose",
                "19:57 dispatchers[0].resource.label", "20:15 dispatchers[0].delivery", "21:5 dispatchers[1].collection",
                "21:5 dispatchers[1].commands", "21:5 dispatchers[1].deadLetters", "21:5 dispatchers[1].name",
                "21:5 dispatchers[1].outcomes", "21:5 dispatchers[1].resource.field",
            ])
    }

    /// Whatever names and limits there are, the effective configuration loads as the same.
    @Test func effectiveConfigurationLoadsAsTheSame() throws {
        var random = ConfigurationText.Random(seed: 5)
        let noise = Array("ab_-$ :#{}[]\"'\\,&*!|>%@`\u{1}\u{85}\u{2028}\u{301}é😀\n\t~?")
        for _ in 0..<300 {
            var configuration = try ConfigurationText.load(ConfigurationText.minimal(top: Self.dispatcher)).configuration
            let names = Set((0..<5).map { _ in "x" + String((0..<6).compactMap { _ in noise.randomElement(using: &random) }) })
            configuration.dispatchers[0].fields = names.map { name in
                let int = Int64(bitPattern: random.next())
                let double = Double(bitPattern: random.next())
                let type: CommandFieldType =
                    switch int & 3 {
                    case 0: .int(minimum: min(int, 5), maximum: max(int, 5))
                    case 1 where double.isFinite: .number(minimum: min(double, 0), maximum: max(double, 0))
                    case 2: .date
                    default: .string
                    }
                return CommandField(name: name, type: type, isRequired: int & 4 == 0)
            }
            for format in EffectiveConfiguration.Format.allCases {
                let shown = EffectiveConfiguration.render(configuration, format: format)
                #expect(try ConfigurationText.load(shown).configuration == configuration, "\(shown)")
            }
        }
    }
}
