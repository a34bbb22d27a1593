import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct ConfigurationLoaderTests {
    @Test func whatIsNotWrittenHasItsDefault() throws {
        let loaded = try ConfigurationText.load(ConfigurationText.minimal())
        #expect(loaded.warnings.isEmpty)
        let configuration = loaded.configuration
        #expect(configuration.mongodb.maxPoolSize == 20)
        #expect(configuration.mongodb.serverSelectionTimeout == .seconds(5))
        #expect(configuration.mongodb.writeConcern == .init(w: .majority, wtimeout: .seconds(5), journal: true))
        #expect(configuration.topics == TopicSettings(create: true, partitions: 3, replicationFactor: -1, config: [:]))
        #expect(configuration.limits.memory == 256 << 20)
        #expect(configuration.startupTimeout == .seconds(30))
        #expect(configuration.shutdownTimeout == .seconds(20))
        #expect(configuration.http == nil)
        let stream = StreamSettings(
            name: "inventory", watch: .collection(Namespace(database: "lessons", collection: "inventory")), pipeline: "[]",
            fullDocument: .default, fullDocumentBeforeChange: .off, showExpandedEvents: false, startAt: .now,
            topic: TextTemplate(segments: [.literal("mongo."), .placeholder(["db"]), .literal("."), .placeholder(["coll"])]),
            key: .documentKey, format: .relaxed, content: .event, tombstones: false, delivery: .exactlyOnce, onLostPosition: .halt)
        #expect(configuration.streams == [stream])
    }

    @Test func sampleOfTheContractIsAccepted() throws {
        let text = """
            name: lessons
            mongodb:
              uri: mongodb://127.0.0.1:27017/?replicaSet=rs0      # any driver URI, mongodb+srv included
              maxPoolSize: 20
              serverSelectionTimeout: 5s
              writeConcern: { w: majority, wtimeout: 5s, journal: true }
            kafka:
              bootstrap.servers: 127.0.0.1:9092
              producer: { compression.type: zstd }
            topics: { create: true, partitions: 3, replicationFactor: -1, config: {} }
            streams:
              - name: inventory
                watch: lessons.inventory
                pipeline: []
                fullDocument: updateLookup
                fullDocumentBeforeChange: off
                showExpandedEvents: false
                startAt: now
                topic: "mongo.{db}.{coll}"
                key: documentKey
                format: {template: "There are only {fullDocument.quantity} units left of {fullDocument.type}!"}
                content: event
                tombstones: false
                delivery: exactly-once
                onLostPosition: halt
            dispatchers:
              - name: shipments
                commands: dispatch.commands
                outcomes: dispatch.outcomes
                deadLetters: dispatch.dead-letters
                collection: lessons.shipments
                fields:
                  source: string
                  quantity: { type: int, minimum: 1 }
                resource:
                  field: truck_id
                  pool: lessons.trucks
                  choose: random
                  label: Truck
                delivery: exactly-once
            http: { listen: "127.0.0.1:8080" }
            limits: { memory: 256MiB }
            startupTimeout: 30s
            shutdownTimeout: 20s
            """
        let configuration = try ConfigurationText.load(text).configuration
        #expect(configuration.streams.map(\.delivery) == [.exactlyOnce])
        #expect(configuration.dispatchers.map(\.delivery) == [.exactlyOnce])
    }

    @Test(arguments: [("exactly-once", Delivery.exactlyOnce), ("at-least-once", .atLeastOnce)])
    func deliveryIsOneOfTwo(written: String, delivery: Delivery) throws {
        #expect(try ConfigurationText.stream("delivery: \(written)").delivery == delivery)
    }

    @Test func emptySectionsHaveTheirDefaults() throws {
        let text = ConfigurationText.minimal(top: "topics:\nlimits:\ndispatchers:\n")
        #expect(try ConfigurationText.load(text) == ConfigurationText.load(ConfigurationText.minimal()))
    }

    @Test(arguments: [
        ("lessons.inventory", WatchScope.collection(Namespace(database: "lessons", collection: "inventory"))),
        ("lessons.a.b", .collection(Namespace(database: "lessons", collection: "a.b"))),
        ("lessons", .database("lessons")), ("\"*\"", .cluster), ("2024", .database("2024")),
        ("[a.b]", .collections([Namespace(database: "a", collection: "b")])),
        ("[a.b, c.d.e]", .collections([Namespace(database: "a", collection: "b"), Namespace(database: "c", collection: "d.e")])),
    ])
    func watchNamesOneManyOrAll(written: String, scope: WatchScope) throws {
        let text = ConfigurationText.minimal().replacing("watch: lessons.inventory", with: "watch: \(written)")
        #expect(try ConfigurationText.load(text).configuration.streams[0].watch == scope)
    }

    @Test(arguments: [
        ("now", StartPoint.now), ("oldest", .oldest), ("{time: 2026-01-31T00:00:00Z}", .time(seconds: 1_769_817_600)),
        ("{time: 2026-01-31}", .time(seconds: 1_769_817_600)), ("{time: \"2026-01-31 01:30:00.75+01:30\"}", .time(seconds: 1_769_817_600)),
        ("{time: 2026-01-31T00:00}", .time(seconds: 1_769_817_600)), ("{time: 1769817600}", .time(seconds: 1_769_817_600)),
        ("{time: 2024-02-29T23:59:59Z}", .time(seconds: 1_709_251_199)), ("{time: 2100-03-01T00:00:00Z}", .time(seconds: 4_107_542_400)),
        ("{clusterTime: \"1651826079.1\"}", .clusterTime(seconds: 1_651_826_079, increment: 1)),
        ("{clusterTime: 1651826079.10}", .clusterTime(seconds: 1_651_826_079, increment: 10)),
        ("{token: 8263E5}", .token("8263E5")), ("{token: \"826300\"}", .token("826300")), ("{token: 82630000}", .token("82630000")),
    ])
    func startAtIsAWordOrAPlaceInTime(written: String, point: StartPoint) throws {
        #expect(try ConfigurationText.stream("startAt: \(written)").startAt == point)
    }

    @Test(arguments: [
        ("[]", "[]"), ("'[]'", "[]"), ("[$match: {b: 1, a: 2}]", #"[{"$match": {"b": 1, "a": 2}}]"#),
        (
            "[$match: {a: 1.5, b: true, c: null, d: \"5\", e: [x, -0x1, 007, 1e3, .5, no, 2026-01-01, 0x1F, .inf]}]",
            #"[{"$match": {"a": 1.5, "b": true, "c": null, "d": "5", "e": ["x", "-0x1", 7, 1.0e3, 0.5, "no", "2026-01-01", 31, {"$numberDouble": "Infinity"}]}}]"#
        ),
        ("[$match: {a: \"x\\ny\\\"\"}]", #"[{"$match": {"a": "x\ny\""}}]"#),
        ("'{\"$match\": {\"z\": 1, \"a\": 1}}'", #"[{"$match": {"z": 1, "a": 1}}]"#),
        ("'[ {\"$match\": {\"z\": 1.10}} ]'", #"[ {"$match": {"z": 1.10}} ]"#),
    ])
    func pipelinesKeepOrderAndTypes(written: String, text: String) throws {
        #expect(try ConfigurationText.stream("pipeline: \(written)").pipeline == text)
    }

    @Test(arguments: [
        ("documentKey", RecordKey.documentKey), ("none", .none), ("fullDocument.type", .field(["fullDocument", "type"])),
        ("documentKey._id", .field(["documentKey", "_id"])), ("region", .field(["region"])),
    ])
    func keyIsTheDocumentsOrAField(written: String, key: RecordKey) throws {
        #expect(try ConfigurationText.stream("key: \(written)").key == key)
    }

    @Test(
        arguments: [
            ("", []), ("a", [.literal("a")]), ("{{a}}", [.literal("{a}")]), ("{a.b}", [.placeholder(["a", "b"])]),
            ("{{{a}}}", [.literal("{"), .placeholder(["a"]), .literal("}")]), ("{a}{b}", [.placeholder(["a"]), .placeholder(["b"])]),
        ] as [(String, [TextTemplate.Segment])])
    func templatesAreTextAndPlaceholders(text: String, segments: [TextTemplate.Segment]) throws {
        let template = try TextTemplate(parsing: text)
        #expect(template.segments == segments)
        #expect(template.description == text)
    }

    @Test(arguments: [("{", 1), ("a}", 2), ("{a}}", 4), ("{}", 1), ("{a..b}", 1), ("x{a{b}", 4), ("{ }", 1)])
    func templateFaultHasItsPosition(text: String, position: Int) {
        let fault = #expect(throws: TextTemplateFault.self) { try TextTemplate(parsing: text) }
        #expect(fault?.position == position)
    }

    @Test func writeConcernOfOneMemberNeedsNoLimit() throws {
        for text in ["{w: 1}", "{w: 1, wtimeout: null}", "{w: 1, wtimeout: 0s}"] {
            let yaml = ConfigurationText.minimal().replacing("rs0", with: "rs0\n  writeConcern: \(text)")
            #expect(
                try ConfigurationText.load(yaml).configuration.mongodb.writeConcern == .init(w: .nodes(1), wtimeout: nil, journal: true))
        }
        let yaml = ConfigurationText.minimal().replacing("rs0", with: "rs0\n  writeConcern: {w: dc1, wtimeout: 2s, journal: false}")
        #expect(
            try ConfigurationText.load(yaml).configuration.mongodb.writeConcern
                == .init(w: .tag("dc1"), wtimeout: .seconds(2), journal: false))
    }

    @Test func httpIsRead() throws {
        let loaded = try ConfigurationText.load(ConfigurationText.minimal(top: "http: {listen: \"0.0.0.0:8080\", token: 0123456789abcdef}"))
        #expect(loaded.configuration.http == HTTPSettings(listen: "0.0.0.0:8080", token: "0123456789abcdef"))
        #expect(loaded.warnings.isEmpty)
    }

    @Test func documentsOfUpdatesThatAreNeverThereAreWarnedAbout() throws {
        let loaded = try ConfigurationText.load(ConfigurationText.minimal(stream: "content: fullDocument"))
        #expect(loaded.warnings.map(\.path) == ["streams[0].content"])
        let lookup = try ConfigurationText.load(ConfigurationText.minimal(stream: "content: fullDocument\nfullDocument: updateLookup"))
        #expect(lookup.warnings.isEmpty)
    }

    /// As with Debezium's connector.
    @Test(arguments: [("format: debezium", true), ("format: debezium\ntombstones: false", false), ("format: cloudevents", false)])
    func debeziumsRecordsHaveTombstonesUnlessTheyAreRefused(_ stream: String, _ expected: Bool) throws {
        let loaded = try ConfigurationText.load(ConfigurationText.minimal(stream: stream))
        #expect(loaded.configuration.streams.map(\.tombstones) == [expected])
        #expect(loaded.warnings.isEmpty)
    }

    @Test func debeziumsPrefixIsTheBridgesNameUnlessItIsWritten() throws {
        let streams = ["format: debezium", "format: {debezium: {document: object}}", "format: {debezium: {topicPrefix: shop}}"]
        let formats = try streams.map { try ConfigurationText.load(ConfigurationText.minimal(stream: $0)).configuration.streams[0].format }
        #expect(
            formats == [
                .debezium(DebeziumSettings(topicPrefix: "lessons")), .debezium(DebeziumSettings(topicPrefix: "lessons", document: .object)),
                .debezium(DebeziumSettings(topicPrefix: "shop")),
            ])
    }

    @Test func eventsThatDebeziumLeavesOutAreWarnedAbout() throws {
        let loaded = try ConfigurationText.load(ConfigurationText.minimal(stream: "format: debezium\nshowExpandedEvents: true"))
        #expect(loaded.warnings.map(\.path) == ["streams[0].showExpandedEvents"])
    }

    @Test(arguments: [
        ("key: fullDocument.a", "updates carry no document"), ("key: fullDocumentBeforeChange.a", "events carry no earlier document"),
        ("key: fullDocument.a\nfullDocument: updateLookup\ntombstones: true", "its tombstone will have no key"),
    ])
    func keysThatRecordsWillNotHaveAreWarnedAbout(_ stream: String, _ words: String) throws {
        let warning = try #require(try ConfigurationText.load(ConfigurationText.minimal(stream: stream)).warnings.first)
        #expect(warning.path == "streams[0].key")
        #expect(warning.description.contains(words))
    }

    @Test(arguments: [
        "key: fullDocument.a\nfullDocument: updateLookup", "key: fullDocumentBeforeChange.a\nfullDocumentBeforeChange: required",
    ])
    func keysThatRecordsHaveAreNot(_ stream: String) throws {
        #expect(try ConfigurationText.load(ConfigurationText.minimal(stream: stream)).warnings.isEmpty)
    }

    @Test func aliasesRepeatValues() throws {
        let text = ConfigurationText.minimal(stream: "pipeline: &p\n  - $match: {a: 1}", top: "  - {name: b, watch: b, pipeline: *p}")
        let streams = try ConfigurationText.load(text).configuration.streams
        #expect(streams.map(\.pipeline) == [#"[{"$match": {"a": 1}}]"#, #"[{"$match": {"a": 1}}]"#])
    }

    @Test(arguments: EffectiveConfiguration.Format.allCases)
    func effectiveConfigurationLoadsAsTheSame(format: EffectiveConfiguration.Format) throws {
        let text = """
            name: lessons
            mongodb: {uri: "mongodb://u@h/?appName=a%20b", writeConcern: {w: 1}, serverSelectionTimeout: 1500ms, maxPoolSize: 7}
            kafka:
              bootstrap.servers: "a:1,b:2"
              client.id: "$${x} \\"quoted\\" \\u2028 \\u0085 \\0 ☃ \\U0001F600"
              empty: ""
              "odd key": "null"
              producer: {compression.type: zstd, linger.ms: 5}
              consumer: {fetch.min.bytes: 1}
            topics: {create: false, partitions: 1, replicationFactor: 3, config: {retention.ms: 5, cleanup.policy: "compact,delete"}}
            streams:
              - {name: a, watch: "*", startAt: {time: 2026-01-31}, format: {template: "{{{a.b}}} $${x}"}, key: a.b, tombstones: true}
              - {name: b, watch: [a.b, c.d e], startAt: {clusterTime: "5.6"}, pipeline: [$match: {a: "$${x}", b: "\\""}], key: none}
              - {name: c, watch: "2024", startAt: {token: "8200"}, topic: "{coll}", format: bson, content: fullDocument, fullDocument: required}
              - {name: "null", watch: null.true, startAt: oldest, fullDocumentBeforeChange: required, showExpandedEvents: true, format: simple}
              - {name: off, watch: yes, pipeline: '{"$set": {"a": 1}}', format: canonical, fullDocument: batchedLookup}
              - {name: f, watch: a, format: debezium}
              - {name: g, watch: b, format: {debezium: {topicPrefix: x, document: object}}, tombstones: false}
              - {name: h, watch: c, format: cloudevents}
              - {name: i, watch: d, format: {cloudevents: structured}}
            dispatchers:
              - name: d
                commands: 5
                outcomes: a.b
                deadLetters: a.c
                collection: a.b c
                fields:
                  type: string
                  required: {type: boolean, required: false}
                  "null": {type: int, minimum: -9223372036854775808, maximum: 9223372036854775807}
                  "a$${x} ☃\\u2028\\"": {type: number, minimum: -1.5e-300, maximum: 5}
                  <field>: {type: number, maximum: 0.1}
                  "<<": date
                  "5": {type: int, maximum: 5}
                resource: {field: "on", label: "$${x}: Truck"}
              - {name: e, commands: e, outcomes: a.b, deadLetters: a.c, collection: a.b, resource: {field: f, pool: a.c, choose: lowest}}
            http: {listen: "[::1]:0"}
            limits: {memory: 1000001KB}
            startupTimeout: 90s
            shutdownTimeout: 1ms
            """
        let configuration = try ConfigurationText.load(text).configuration
        let shown = EffectiveConfiguration.render(configuration, format: format)
        #expect(try ConfigurationText.load(shown).configuration == configuration, "\(shown)")
        if format == .json { _ = try JSONSerialization.jsonObject(with: Data(shown.utf8)) }
    }
}
