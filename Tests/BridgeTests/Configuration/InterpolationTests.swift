import Foundation
import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct InterpolationTests {
    private let yaml = ConfigurationText.minimal()

    @Test func environmentAndFilesGiveValuesOrPartsOfThem() throws {
        let text = yaml.replacing("name: lessons", with: "name: ${SITE}-${file:/run/suffix}")
        let loaded = try ConfigurationText.load(text, environment: ["SITE": "north"], files: ["/run/suffix": "seven\n"])
        #expect(loaded.configuration.name == "north-seven")
    }

    @Test(arguments: [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a", "a"), ("", ""), ("\n", "")])
    func fileLosesOneLineBreakAtItsEnd(content: String, value: String) throws {
        let text = yaml + "\ntopics: {config: {note: \"${file:note}\"}}"
        let loaded = try ConfigurationText.load(text, files: ["note": content])
        #expect(loaded.configuration.topics.config["note"] == value)
    }

    @Test func secretCannotAddKeysAndIsNotInterpolatedAgain() throws {
        let secret = "a\"\nname: other # {x: y} ${HOME} $${"
        let text = yaml + "\ntopics: {config: {note: \"${SECRET}\"}}"
        let loaded = try ConfigurationText.load(text, environment: ["SECRET": secret, "HOME": "/"])
        #expect(loaded.configuration.topics.config["note"] == secret)
        #expect(loaded.configuration.name == "lessons")
    }

    @Test(arguments: [("$${NAME}", "${NAME}"), ("$$${NAME}", "$${NAME}"), ("$", "$"), ("$$", "$$"), ("{NAME}", "{NAME}"), ("a$b", "a$b")])
    func dollarIsPlainUnlessABraceFollows(written: String, value: String) throws {
        let text = yaml + "\ntopics: {config: {note: \"\(written)\"}}"
        #expect(try ConfigurationText.load(text).configuration.topics.config["note"] == value)
    }

    @Test func numberBooleanDurationAndSizeMayBeInterpolated() throws {
        let text =
            yaml + """

                topics:
                  create: ${CREATE}
                  partitions: "${PARTITIONS}"
                startupTimeout: ${N}s
                limits: {memory: "${MEMORY}"}
                """
        let loaded = try ConfigurationText.load(
            text, environment: ["CREATE": "false", "PARTITIONS": "12", "N": "7", "MEMORY": "64MiB"]
        ).configuration
        #expect(!loaded.topics.create)
        #expect(loaded.topics.partitions == 12)
        #expect(loaded.startupTimeout == .seconds(7))
        #expect(loaded.limits.memory == 64 << 20)
    }

    @Test func placeholdersOfTemplatesAreNoInterpolation() throws {
        let stream = try ConfigurationText.stream("format: {template: \"{fullDocument.quantity} of {fullDocument.type}\"}")
        #expect(
            stream.format
                == .template(
                    TextTemplate(segments: [
                        .placeholder(["fullDocument", "quantity"]), .literal(" of "), .placeholder(["fullDocument", "type"]),
                    ])))
    }

    @Test func pipelinesAreInterpolatedInTheirValues() throws {
        let text = ConfigurationText.minimal(
            stream: "pipeline:\n  - $match: {fullDocument.type: \"${TYPE}\", ns.coll: $${x}, a: \"${N}\"}\n  - $set:\n      n: ${N}")
        #expect(!ConfigurationText.faults(text, environment: ["TYPE": "a\"b", "N": "5"]).isEmpty, "braces in a flow mapping want quotes")
        let quoted = text.replacing("$${x}", with: "\"$${x}\"")
        let loaded = try ConfigurationText.load(quoted, environment: ["TYPE": "a\"b", "N": "5"])
        #expect(
            loaded.configuration.streams[0].pipeline
                == #"[{"$match": {"fullDocument.type": "a\"b", "ns.coll": "${x}", "a": "5"}}, {"$set": {"n": 5}}]"#)
    }

    @Test(arguments: [
        ("${NOT_SET}", "the environment variable NOT_SET is not set"),
        ("${file:/none}", "cannot read the file `/none`"),
        ("${file:}", "without a path"),
        ("${}", "in which there is no variable's name"),
        ("${A-B}", "in which there is no variable's name"),
        ("${A:-b}", "in which there is no variable's name"),
        ("${1A}", "in which there is no variable's name"),
        ("${OPEN", "never closed"),
    ])
    func valueThatIsNowhereIsOneFault(written: String, words: String) {
        let faults = ConfigurationText.faults(yaml.replacing("name: lessons", with: "name: \"\(written)\""))
        #expect(faults.count == 1)
        #expect(faults.first?.hasPrefix("bridge.yaml:1:7: name: ") == true)
        #expect(faults.first?.contains(words) == true, "\(faults)")
    }

    @Test func interpolatedValueIsNeverShown() {
        let text = """
            name: ${SECRET}
            mongodb: {uri: "${SECRET}", maxPoolSize: "${SECRET}", writeConcern: {w: "${SECRET}", wtimeout: "${SECRET}", journal: "${SECRET}"}}
            kafka: {bootstrap.servers: "${SECRET}", acks: "${SECRET}", retries: "${SECRET}", linger.ms: "${SECRET}", x.password: "${SECRET}"}
            topics: {create: "${SECRET}", partitions: "${SECRET}"}
            streams:
              - {name: "${SECRET}", watch: "${SECRET}", pipeline: "${SECRET}", fullDocument: "${SECRET}", startAt: "${SECRET}"}
              - {name: "${SECRET}", watch: ["${SECRET}"], startAt: {token: "${SECRET}"}, topic: "${SECRET}", key: "${SECRET}"}
              - {name: x, watch: a, format: "${SECRET}", content: "${SECRET}", tombstones: "${SECRET}", topic: "{${SECRET}}"}
            http: {listen: "${SECRET}"}
            limits: {memory: "${SECRET}"}
            startupTimeout: ${SECRET}
            """
        let checks = ConfigurationChecks(
            uri: { "cannot parse \($0)" }, kafkaProperty: { name, value, _ in "invalid value \"\(value)\" of \(name)" })
        for secret in ["s3 cr/et{}", "77777", "5lo", "h:unter2", "mongodb://u:hunter2@h"] {
            let faults = ConfigurationText.faults(text, environment: ["SECRET": secret], checks: checks)
            #expect(!faults.isEmpty)
            for fault in faults { #expect(!fault.contains(secret), "\(fault)") }
        }
    }

    @Test func relativeFilesStartAtTheFolderOfTheConfiguration() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bridge-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try "seven\n".write(to: folder.appending(path: "name.txt"), atomically: true, encoding: .utf8)
        let file = folder.appending(path: "bridge.yaml")
        try yaml.replacing("name: lessons", with: "name: ${file:name.txt}").write(to: file, atomically: true, encoding: .utf8)
        #expect(try ConfigurationLoader.load(path: file.path, environment: [:]).configuration.name == "seven")
    }
}
