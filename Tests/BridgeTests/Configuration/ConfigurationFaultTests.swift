import Foundation
import Testing

@testable import StreamBridge

/// One bad configuration: lines for the stream or the top of the smallest one, and what has to be said about it.
struct BadConfiguration: Sendable, CustomTestStringConvertible {
    var yaml: String
    /// `line:column: key path: `, as a fault begins after the file's name.
    var place: String
    /// What the fault says somewhere.
    var words: String

    var testDescription: String { "\(place)\(words)" }

    /// Lines of the stream, the first in line 9.
    static func stream(_ lines: String, _ place: String, _ words: String) -> BadConfiguration {
        BadConfiguration(yaml: ConfigurationText.minimal(stream: lines), place: "\(place): ", words: words)
    }

    /// Lines at the top, the first in line 9.
    static func top(_ lines: String, _ place: String, _ words: String) -> BadConfiguration {
        BadConfiguration(yaml: ConfigurationText.minimal(top: lines), place: "\(place): ", words: words)
    }

    /// The smallest one with a text replaced.
    static func edit(_ old: String, _ new: String, _ place: String, _ words: String) -> BadConfiguration {
        BadConfiguration(yaml: ConfigurationText.minimal().replacing(old, with: new), place: "\(place): ", words: words)
    }
}

@Suite struct ConfigurationFaultTests {
    private static let structure: [BadConfiguration] = [
        .top("limit: {}", "9:1: limit", "unknown key; did you mean `limits`? allowed here: name, mongodb, kafka"),
        .top("maxPoolSize: 3", "9:1: maxPoolSize", "it belongs under `mongodb`"),
        .top("colour: red", "9:1: colour", "unknown key; allowed here: name,"),
        .top("limits:\n  memory: 1GiB\n  memory: 2GiB", "11:3: limits.memory", "written twice, first in line 10"),
        .top("limits: 5", "9:9: limits", "found a single value; write a mapping with the keys memory"),
        .top("limits: [1]", "9:9: limits", "found a list; write a mapping"),
        .top("topics: {config: {a: {b: c}}}", "9:22: topics.config.a", "found a mapping; a property is one value"),
        .top("topics: {config: {a: }}", "9:22: topics.config.a", "write \"\" for an empty text"),
        .top("startupTimeout:", "9:16: startupTimeout", "found nothing; write a value, or remove the key to have its default, `30s`"),
        .top("? [a, b]\n: c", "9:3: ", "found a key that is a list or a mapping"),
        .top("<<: {a: b}", "9:1: <<", "found a merge key"),
        .top("startupTimeout: !secret 5s", "9:17: startupTimeout", "tags have no meaning here"),
        .stream("fulldocument: x", "9:5: streams[0].fulldocument", "unknown key; did you mean `fullDocument`?"),
        .stream("watch: other", "9:5: streams[0].watch", "written twice, first in line 8"),
        .edit("streams:", "stream:", "6:1: stream", "did you mean `streams`?"),
        .edit("  - name: inventory\n    watch: lessons.inventory", "  name: inventory", "7:3: streams", "each item begins with `- `"),
        .edit(
            "  - name: inventory\n    watch: lessons.inventory", "  - inventory", "7:5: streams[0]",
            "write a mapping with the keys name, watch"),
        .edit("  - name: inventory\n    watch: lessons.inventory", "", "6:1: streams", "there is no stream and no dispatcher"),
        .edit("streams:", "dispatchers: []\nx:", "1:1: streams", "there is no stream and no dispatcher"),
        .top(
            "dispatchers: 5", "9:14: dispatchers",
            "found a single value; write a list: each item begins with `- ` and has the keys name, commands"),
        .edit("name: lessons", "# no name", "2:1: name", "missing; this key is required"),
        .edit("  uri: mongodb://127.0.0.1/?replicaSet=rs0", "", "2:1: mongodb.uri", "missing"),
        .edit("  bootstrap.servers: 127.0.0.1:9092", "  linger.ms: 5", "5:3: kafka.bootstrap.servers", "missing"),
    ]

    private static let values: [BadConfiguration] = [
        .edit("name: lessons", "name: les sons", "1:7: name", "` ` is not legal in names of Kafka topics"),
        .edit("name: lessons", "name: \"\"", "1:7: name", "at least one letter"),
        .edit("name: lessons", "name: " + String(repeating: "x", count: 101), "1:7: name", "it has 101 characters; allowed are 100"),
        .edit("name: inventory", "name: a/b", "7:11: streams[0].name", "`/` is not legal"),
        .top("startupTimeout: 5", "9:17: startupTimeout", "found `5`; a duration needs its unit: write 5s or 5ms"),
        .top("startupTimeout: 0s", "9:17: startupTimeout", "allowed: 1ms to 24h"),
        .top("shutdownTimeout: 25h", "9:18: shutdownTimeout", "allowed: 1ms to 24h"),
        .top("limits: {memory: 16mb}", "9:18: limits.memory", "write 16MB"),
        .top("limits: {memory: 1KiB}", "9:18: limits.memory", "allowed: 1MiB or more"),
        .top("limits: {memory: 9999999999GiB}", "9:18: limits.memory", "more bytes than fit 64 bits"),
        .top("topics: {partitions: 0}", "9:22: topics.partitions", "allowed: 1 to 100000"),
        .top("topics: {partitions: many}", "9:22: topics.partitions", "write a whole number from 1 to 100000"),
        .top("topics: {partitions: \"3\"}", "9:22: topics.partitions", "found the text \"3\"; write it without quotes"),
        .top("topics: {partitions: 1.5}", "9:22: topics.partitions", "write a whole number"),
        .top("topics: {create: yes}", "9:18: topics.create", "write true or false"),
        .top("topics: {create: \"true\"}", "9:18: topics.create", "write it without quotes"),
        .top("http: {listen: \"0.0.0.0:80\"}", "9:16: http.listen", "needs `http.token`"),
        .top("http: {listen: \":80\"}", "9:16: http.listen", "needs `http.token`"),
        .top("http: {listen: \"8080\"}", "9:16: http.listen", "write host:port"),
        .top("http: {listen: \"[::1]:70000\"}", "9:16: http.listen", "write host:port"),
        .top("http: {token: \"\"}", "9:15: http.token", "found an empty text"),
    ]

    private static let mongodb: [BadConfiguration] = [
        .edit("mongodb://", "mongo://", "3:8: mongodb.uri", "did you mean `mongodb://`?"),
        .edit("mongodb://", "MongoDB://", "3:8: mongodb.uri", "did you mean `mongodb://`?"),
        .edit("mongodb://", "mongodb:/", "3:8: mongodb.uri", "write `://` after the scheme"),
        .edit("mongodb://", "", "3:8: mongodb.uri", "begin with mongodb:// or mongodb+srv://"),
        .edit("mongodb://", "kafka://", "3:8: mongodb.uri", "allowed: mongodb://, mongodb+srv://"),
        .edit("127.0.0.1/", "/", "3:8: mongodb.uri", "name a host"),
        .edit("127.0.0.1/", "h:x/", "3:8: mongodb.uri", "`h:***` is no host:port"),
        .edit("127.0.0.1/", "u:p@ss@h/", "3:8: mongodb.uri", "found `mongodb://u:***@h/?replicaSet=rs0`; percent-encode"),
        .edit("127.0.0.1/", "u:p/ss@h/", "3:8: mongodb.uri", "percent-encode"),
        .edit("mongodb://127.0.0.1/", "mongodb+srv://h:1/", "3:8: mongodb.uri", "without a port"),
        .edit("mongodb://127.0.0.1/?replicaSet=rs0", "\"\"", "3:8: mongodb.uri", "found an empty text"),
        .edit("?replicaSet=rs0", "?replicaSet=rs0\n  maxPoolSize: 0", "4:16: mongodb.maxPoolSize", "allowed: 1 to 10000"),
        .edit(
            "?replicaSet=rs0", "?replicaSet=rs0\n  writeConcern: {w: majority}", "4:21: mongodb.writeConcern.wtimeout",
            "w: majority without wtimeout"),
        .edit("?replicaSet=rs0", "?replicaSet=rs0\n  writeConcern: {w: 2}", "4:21: mongodb.writeConcern.wtimeout", "w: 2 without wtimeout"),
        .edit(
            "?replicaSet=rs0", "?replicaSet=rs0\n  writeConcern: {w: majority, wtimeout: null}", "4:41: mongodb.writeConcern.wtimeout",
            "without wtimeout"),
        .edit(
            "?replicaSet=rs0", "?replicaSet=rs0\n  writeConcern: {wtimeout: 0s}", "4:28: mongodb.writeConcern.wtimeout", "without wtimeout"),
        .edit(
            "?replicaSet=rs0", "?replicaSet=rs0\n  writeConcern: {wtimeout: 0}", "4:28: mongodb.writeConcern.wtimeout", "without wtimeout"),
        .edit("?replicaSet=rs0", "?replicaSet=rs0\n  writeConcern: {w: 0}", "4:21: mongodb.writeConcern.w", "nobody learns"),
        .edit(
            "?replicaSet=rs0", "?replicaSet=rs0\n  writeConcern: {w: majorty, wtimeout: 1s}", "4:21: mongodb.writeConcern.w",
            "did you mean `majority`?"),
        .edit(
            "?replicaSet=rs0", "?replicaSet=rs0\n  writeConcern: {journal: 1}", "4:27: mongodb.writeConcern.journal", "write true or false"),
    ]

    private static let streamOptions: [BadConfiguration] = [
        .edit("watch: lessons.inventory", "watch: a,b.c", "8:12: streams[0].watch", "several collections are a list: [a, b.c]"),
        .edit("watch: lessons.inventory", "watch: lessons.*", "8:12: streams[0].watch", "write \"lessons\" for every collection"),
        .edit("watch: lessons.inventory", "watch: \"*.*\"", "8:12: streams[0].watch", "write \"*\" for the whole cluster"),
        .edit(
            "watch: lessons.inventory", "watch: lessons/inventory", "8:12: streams[0].watch", "write a dot between them: lessons.inventory"),
        .edit("watch: lessons.inventory", "watch: lessons.", "8:12: streams[0].watch", "name a collection after the dot"),
        .edit("watch: lessons.inventory", "watch: .inventory", "8:12: streams[0].watch", "name a database"),
        .edit("watch: lessons.inventory", "watch: a$b.c", "8:12: streams[0].watch", "`$` is not legal in names of MongoDB databases"),
        .edit("watch: lessons.inventory", "watch: a.b$c", "8:12: streams[0].watch", "`$` is not legal in names of MongoDB collections"),
        .edit("watch: lessons.inventory", "watch: a.system.users", "8:12: streams[0].watch", "no change streams on system collections"),
        .edit(
            "watch: lessons.inventory", "watch: admin", "8:12: streams[0].watch",
            "no change streams on the databases admin, local and config"),
        .edit(
            "watch: lessons.inventory", "watch: " + String(repeating: "d", count: 64), "8:12: streams[0].watch",
            "at most 63 bytes; this one has 64"),
        .edit("watch: lessons.inventory", "watch: []", "8:12: streams[0].watch", "found an empty list"),
        .edit("watch: lessons.inventory", "watch: [a.b, c]", "8:18: streams[0].watch[1]", "name a collection as well: c.coll"),
        .edit("watch: lessons.inventory", "watch: [a.b, a.b]", "8:18: streams[0].watch[1]", "in the list twice"),
        .edit("watch: lessons.inventory", "watch: [{a: b}]", "8:13: streams[0].watch[0]", "found a mapping; write \"db.coll\""),
        .edit("watch: lessons.inventory", "watch: {a: b}", "8:12: streams[0].watch", "found a mapping; allowed: `db.coll`"),
        .stream("fullDocument: updateLookUp", "9:19: streams[0].fullDocument", "did you mean `updateLookup`?"),
        .stream("fullDocumentBeforeChange: on", "9:31: streams[0].fullDocumentBeforeChange", "allowed: off, whenAvailable, required"),
        .stream("startAt: 2026-01-31", "9:14: streams[0].startAt", "write {time: 2026-01-31}"),
        .stream("startAt: old", "9:14: streams[0].startAt", "allowed: now, oldest, {time: 2026-01-31T00:00:00Z}"),
        .stream("startAt: {time: 2026-02-30}", "9:21: streams[0].startAt.time", "write a time such as"),
        .stream("startAt: {time: 1651826079000}", "9:21: streams[0].startAt.time", "for milliseconds leave out the last three"),
        .stream("startAt: {time: 1969-12-31T00:00:00Z}", "9:21: streams[0].startAt.time", "between 1970 and 2106"),
        .stream("startAt: {clusterTime: 1651826079}", "9:28: streams[0].startAt.clusterTime", "write \"seconds.increment\""),
        .stream("startAt: {token: abc}", "9:22: streams[0].startAt.token", "an even number of digits"),
        .stream("startAt: {token: zz}", "9:22: streams[0].startAt.token", "hexadecimal"),
        .stream("startAt: {tokn: aa}", "9:15: streams[0].startAt.tokn", "did you mean `token`?"),
        .stream("startAt: {}", "9:14: streams[0].startAt", "exactly one of time, clusterTime, token"),
        .stream("startAt: {time: 5, token: aa}", "9:14: streams[0].startAt", "found 2 starting points"),
        .stream("topic: a {db}", "9:12: streams[0].topic", "` ` is not legal in names of Kafka topics"),
        .stream(
            "topic: \"{db}.{collection}\"", "9:12: streams[0].topic",
            "found the placeholder `{collection}`; a topic knows only {db} and {coll}"),
        .stream("topic: \"a{db\"", "9:12: streams[0].topic", "character 2: `{` is never closed"),
        .stream("topic: {db}", "9:12: streams[0].topic", "found a mapping; put the template in quotes"),
        .stream("topic: bridge.lessons.positions", "9:12: streams[0].topic", "bridge.lessons.positions belongs to the bridge itself"),
        .stream("topic: bridge.lessons.position-edits", "9:12: streams[0].topic", "belongs to the bridge itself"),
        .stream("topic: bridge.lessons.gaps", "9:12: streams[0].topic", "belongs to the bridge itself"),
        .stream("topic: bridge.lessons.control", "9:12: streams[0].topic", "belongs to the bridge itself"),
        .stream("topic: bridge.lessons.replays", "9:12: streams[0].topic", "belongs to the bridge itself"),
        .stream("topic: bridge.{db}.positions", "9:12: streams[0].topic", "bridge.lessons.positions belongs to the bridge itself"),
        .edit(
            "watch: lessons.inventory", "watch: \"*\"\n    topic: bridge.{db}.gaps", "9:12: streams[0].topic",
            "bridge.lessons.gaps belongs to the bridge itself"),
        .edit(
            "watch: lessons.inventory", "watch: lessons\n    topic: bridge.{db}.{coll}", "9:12: streams[0].topic",
            "belongs to the bridge itself"),
        .stream("key: documentkey", "9:10: streams[0].key", "did you mean `documentKey`?"),
        .stream("key: a..b", "9:10: streams[0].key", "single dots"),
        .stream("key: $a.b", "9:10: streams[0].key", "without `$`: a.b"),
        .stream(
            "format: json", "9:13: streams[0].format",
            "allowed: relaxed, canonical, simple, bson, debezium, cloudevents, {template: \"...\"}, {debezium: {...}}, {cloudevents: ...}"),
        .stream("format: debezum", "9:13: streams[0].format", "did you mean `debezium`?"),
        .stream("format: {template: a, debezium: {}}", "9:13: streams[0].format", "found 2 formats"),
        .stream("format: {debezium: {prefix: a}}", "9:25: streams[0].format.debezium.prefix", "allowed here: topicPrefix, document"),
        .stream("format: {debezium: {topicPrefix: a/b}}", "9:38: streams[0].format.debezium.topicPrefix", "`/` is not legal"),
        .stream("format: {debezium: {document: text}}", "9:35: streams[0].format.debezium.document", "allowed: string, object"),
        .stream("format: {cloudevents: http}", "9:27: streams[0].format.cloudevents", "allowed: binary, structured"),
        .stream("format: debezium\nkey: none", "10:10: streams[0].key", "the document's `_id` as the key"),
        .stream("format: debezium\nkey: ns.db", "10:10: streams[0].key", "remove `key`"),
        .stream(
            "format: debezium\ncontent: fullDocument\nfullDocument: required", "10:14: streams[0].content", "writes the whole envelope"),
        .stream(
            "format: cloudevents\ncontent: fullDocument\nfullDocument: required", "10:14: streams[0].content",
            "writes the whole change event"),
        .stream("format: {template: \"a}\"}", "9:24: streams[0].format.template", "character 2: `}` without a `{`"),
        .stream("format: {}", "9:13: streams[0].format", "write {template: \"...\"}"),
        .stream("tombstones: true\nkey: none", "9:17: streams[0].tombstones", "a tombstone without a key"),
        .stream(
            "format: {template: a}\ncontent: fullDocument\nfullDocument: required", "10:14: streams[0].content", "a template always reads"),
        .stream(
            "delivery: exactly_once", "9:15: streams[0].delivery",
            "did you mean `exactly-once`? allowed: exactly-once, at-least-once"),
        .stream("onLostPosition: skip", "9:21: streams[0].onLostPosition", "allowed: halt, oldest, now"),
    ]

    private static let pipelines: [BadConfiguration] = [
        .stream("pipeline: [match: {a: 1}]", "9:16: streams[0].pipeline[0]", "found the stage `match`; write `$match`"),
        .stream("pipeline: [$group: {a: 1}]", "9:16: streams[0].pipeline[0]", "allowed: $match, $project"),
        .stream("pipeline: [$mach: {a: 1}]", "9:16: streams[0].pipeline[0]", "did you mean `$match`?"),
        .stream("pipeline: [{$match: {}, $set: {}}]", "9:17: streams[0].pipeline[0]", "exactly one key, this one has 2"),
        .stream("pipeline: [{}]", "9:16: streams[0].pipeline[0]", "found an empty stage; write a stage such as"),
        .stream("pipeline: [text]", "9:16: streams[0].pipeline[0]", "found a single value; a stage is a mapping"),
        .stream("pipeline: [$match: {a: 99999999999999999999}]", "9:28: streams[0].pipeline[0].$match.a", "does not fit 64 bits"),
        .stream("pipeline: {$match: {}}", "9:15: streams[0].pipeline", "found a mapping; allowed: list of stages"),
        .stream("pipeline: '[{\"$match\": }]'", "9:15: streams[0].pipeline", "line 1, character 13 of it: no JSON value begins like this"),
        .stream(
            "pipeline: |\n  [\n    {'a': 1}\n  ]", "9:15: streams[0].pipeline",
            "line 2, character 4 of it: a key in double quotes should be here"),
        .stream("pipeline: '[{\"$group\": {}}]'", "9:15: streams[0].pipeline", "stage 0 is none of a change stream; allowed"),
        .stream("pipeline: '[5]'", "9:15: streams[0].pipeline", "stage 0 is no object"),
        .stream("pipeline: '5'", "9:15: streams[0].pipeline", "found JSON that is no array"),
        .stream("pipeline: '[] x'", "9:15: streams[0].pipeline", "more after the end of the JSON"),
    ]

    @Test(arguments: structure + values + mongodb + streamOptions + pipelines)
    func badConfigurationGivesOneFaultWithItsPlaceAndMend(bad: BadConfiguration) {
        let faults = ConfigurationText.faults(bad.yaml)
        let place = bad.place.hasSuffix(": : ") ? String(bad.place.dropLast(2)) : bad.place
        let matching = faults.filter { $0.hasPrefix("bridge.yaml:\(place)") && $0.contains(bad.words) }
        #expect(matching.count == 1, "\(faults)")
        #expect(faults.allSatisfy { !$0.contains("\n") })
    }

    @Test func smallestConfigurationHasNoFaults() { #expect(ConfigurationText.faults(ConfigurationText.minimal()) == []) }

    @Test(arguments: [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("---\n", "the file is empty"),
        ("- a\n- b\n", "bridge.yaml:1:1: found a list where the whole file is one mapping"),
        ("just text", "bridge.yaml:1:1: found a single value where the whole file is one mapping"),
        ("name: a\n---\nname: b\n", "bridge.yaml:2:1: a second document begins here"),
        ("name: a\n\tmongodb: b\n", "indent with spaces, not with tabs"),
        ("name: a\nstreams:\n  - watch: *\n", "write \"*\" in quotes"),
        ("name: a\ntopic: {db}.{coll}\n", "put a text with braces in quotes"),
        ("name: [a\n", "this is not YAML"),
        ("name: a\nkafka: \u{7}\n", "bridge.yaml:2:8: this is not YAML: control characters are not allowed"),
        ("name: *nowhere\n", "this is not YAML: found undefined alias"),
    ])
    func textThatIsNoConfigurationIsOneFault(yaml: String, words: String) {
        let faults = ConfigurationText.faults(yaml)
        #expect(faults.count == 1 && faults[0].contains(words), "\(faults)")
    }

    @Test func everyFaultIsReportedAtOnceInTheOrderOfTheFile() {
        let text = """
            nmae: x
            mongodb: {uri: "mongo://h", maxPoolSize: -1}
            kafka: {acks: 1, producer: {enable.idempotence: false}, consumer: {group.id: g}}
            streams:
              - name: a
                name: b
                watch: x,y
                fulldocument: required
                format: xml
              - name: b
                watch: a
                delivery: never
                pipeline: [{$group: {}}, {$out: x}]
            limits: {memory: lots}
            startupTimeout: soon
            startupTimeout: later
            """
        let faults = ConfigurationText.faults(text).map { $0.split(separator: ": ").prefix(2).joined(separator: " ") }
        #expect(
            faults == [
                "bridge.yaml:1:1 name", "bridge.yaml:1:1 nmae", "bridge.yaml:2:16 mongodb.uri", "bridge.yaml:2:42 mongodb.maxPoolSize",
                "bridge.yaml:3:8 kafka.bootstrap.servers", "bridge.yaml:3:15 kafka.acks",
                "bridge.yaml:3:49 kafka.producer.enable.idempotence", "bridge.yaml:3:78 kafka.consumer.group.id",
                "bridge.yaml:6:5 streams[0].name", "bridge.yaml:7:12 streams[0].watch", "bridge.yaml:8:5 streams[0].fulldocument",
                "bridge.yaml:9:13 streams[0].format", "bridge.yaml:10:11 streams[1].name", "bridge.yaml:12:15 streams[1].delivery",
                "bridge.yaml:13:17 streams[1].pipeline[0]", "bridge.yaml:13:31 streams[1].pipeline[1]", "bridge.yaml:14:18 limits.memory",
                "bridge.yaml:16:1 startupTimeout", "bridge.yaml:16:17 startupTimeout",
            ])
    }

    @Test func streamNamesAreDifferent() {
        let text = ConfigurationText.minimal(top: "  - {name: inventory, watch: other}")
        #expect(
            ConfigurationText.faults(text) == [
                "bridge.yaml:9:12: streams[1].name: the stream name `inventory` is taken, first in line 7; "
                    + "give every stream its own name: positions are stored under it"
            ])
    }

    @Test func missingFileSaysHowToCreateOne() {
        let faults = #expect(throws: ConfigurationFaults.self) {
            try ConfigurationLoader.load(path: "/nowhere/bridge.yaml", environment: [:])
        }
        #expect(
            faults?.description
                == "/nowhere/bridge.yaml: cannot read the configuration: No such file or directory; "
                + "create one with `bridge init`, or name another file with --config PATH")
    }

    @Test func folderIsNoConfiguration() {
        let faults = #expect(throws: ConfigurationFaults.self) {
            try ConfigurationLoader.load(path: FileManager.default.temporaryDirectory.path, environment: [:])
        }
        #expect(faults?.description.contains("Is a directory") == true)
    }

    @Test(arguments: ["[", "{a: ", "- ", "? "])
    func deepNestingIsAFault(opening: String) {
        for depth in [90, 900, 5000] {
            let nested = String(repeating: opening, count: depth)
            #expect(!ConfigurationText.faults(ConfigurationText.minimal(stream: "pipeline: [$match: {a: ") + nested).isEmpty)
            #expect(!ConfigurationText.faults(nested + "x").isEmpty)
            #expect(!ConfigurationText.faults(ConfigurationText.minimal(stream: "pipeline: '\(nested)'")).isEmpty)
        }
        let closed = "[$match: " + String(repeating: "[", count: 400) + String(repeating: "]", count: 400) + "]"
        #expect(ConfigurationText.faults(ConfigurationText.minimal(stream: "pipeline: \(closed)")).count == 1)
    }

    @Test func manyAliasesDoNotGrowBeyondTheBound() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...12 {
            text += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
        }
        #expect(ConfigurationText.faults(text).contains { $0.contains("more than 100000 values") })
    }
}
