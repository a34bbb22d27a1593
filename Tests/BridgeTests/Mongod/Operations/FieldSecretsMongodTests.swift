import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// Nothing of a field that is excluded or masked leaves the process, by any door.
@Suite struct FieldSecretsMongodTests {
    /// A part of every value that nobody is to see, and of a name in one: as text, in base64 as JSON has binary, and of
    /// the numbers.
    private static let traces = ["zqxj", "enF4", "8675309", "h4shk3y"].map { Array($0.utf8) } + [[0xED, 0x5F, 0x84, 0x00]]
    private static let number: Int32 = 8_675_309

    private static let formats = [
        "relaxed", "canonical", "simple", "bson", "debezium", "{ debezium: { document: object } }", "cloudevents",
        "{ cloudevents: structured }",
        "{ template: \"{fullDocument} {updateDescription} {fullDocumentBeforeChange} {fullDocument.card}\" }",
    ]

    /// One stream for each format, one with the documents alone, and one whose pipeline cannot convert a value.
    private static func yaml(_ scene: Scene, keyFile: String, port: UInt16) -> String {
        let start = after(scene.beginning)
        let rules = """
            { exclude: [ssn, card.number, people.ssn, by], rename: { tax: taxNumber },
              mask: { email: hash, phone: { keep: 4 }, notes: redact, tags: hash, tax: redact }, key: "${file:\(keyFile)}" }
            """
        func stream(_ name: String, _ lines: String) -> String {
            """
              - name: \(name)
                watch: \(scene.database).fruits
                startAt: { clusterTime: "\(start.seconds).\(start.increment)" }
                topic: \(scene.topic(name))
                fullDocument: required
                fullDocumentBeforeChange: whenAvailable
                fields: \(rules)
            \(lines.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))

            """
        }
        return """
            name: \(scene.name)
            mongodb: { uri: "\(scene.uri)" }
            kafka: { bootstrap.servers: \(scene.kafka.bootstrapServers), debug: all }
            http: { listen: "127.0.0.1:\(port)" }
            topics: { partitions: 1 }
            streams:
            \(formats.enumerated().map { stream("s\($0)", "format: \($1)") }.joined())
            \(stream("documents", "content: fullDocument\nsnapshot: initial"))
            \(stream("keyed", "key: fullDocument.list\nformat: relaxed"))
            \(stream("broken", "pipeline: [{ $addFields: { number: { $toInt: $fullDocument.ssn } } }]"))
            dispatchers:
              - name: shipments
                commands: \(scene.topic("s0"))
                outcomes: \(scene.topic("outcomes"))
                deadLetters: \(scene.topic("letters"))
                collection: \(scene.database).shipments
                fields: { fullDocument: string }
                resource: { field: truck_id }
            """
    }

    private static let document: BSONDocument = [
        "_id": 1, "ssn": "zqxj-1", "card": ["number": ["zqxj-2", ["deep": "zqxj-3"]], "cvc": 1], "email": "zqxj-4", "phone": "zqxj-5 7777",
        "notes": ["zqxjname": .int32(number), "list": ["zqxj-6"]], "tags": ["zqxj-7", .int32(number)], "tax": .int32(number),
        "people": [["ssn": "zqxj-8", "n": 1], [["ssn": "zqxj-9"]]], "by": ["zqxjname": [1, 2, 3]],
        "list": [1, 2],
    ]

    private static let updates: [BSONDocument] = [
        ["$set": ["ssn": "zqxj-a", "card.number": "zqxj-b", "people.0.ssn": "zqxj-c", "people.1": ["ssn": "zqxj-d", "n": 2]]],
        ["$set": ["email": ["zqxjname": "zqxj-e"], "phone": ["zqxj-f"], "notes.zqxjname": "zqxj-g", "tags.1": "zqxj-h"]],
        ["$set": ["by.zqxjname.1": "zqxj-i", "tax": .binary(subtype: 0, bytes: Array("zqxj-j".utf8)), "phone": .int32(number)]],
        ["$push": ["by.zqxjname": ["$each": [], "$slice": 1]]],
        ["$unset": ["by.zqxjname": "", "notes.zqxjname": "", "ssn": ""]],
        ["$set": ["ssn": .binary(subtype: 0, bytes: Array("zqxj-k".utf8)), "card": ["number": .int32(number)]]],
    ]

    /// A document with a secret, and with a text that no JSON can have.
    private static func unwritable() throws -> BSONDocument {
        let document = BSONDocument { buffer in
            buffer.appendElement("_id", 9)
            buffer.appendElement("ssn", "zqxj-l")
            buffer.appendElement("notes", "zqxj-m")
            buffer.appendArray("texts", of: [[0x02, 3, 0, 0, 0, 0xFF, 0xFE, 0]])
        }
        return try document.withUnsafeBytes { try BSONDocument(copying: $0) }
    }

    private static func expectNothing(_ bytes: some Collection<UInt8>, _ what: String) {
        let bytes = Array(bytes)
        for trace in traces {
            let isThere = bytes.indices.contains { bytes[$0] == trace[0] && bytes[$0...].starts(with: trace) }
            #expect(
                !isThere, "\(what) has \(String(decoding: trace, as: UTF8.self)): \(String(decoding: bytes.prefix(3000), as: UTF8.self))")
        }
    }

    @Test func nothingThatIsExcludedOrMaskedLeaves() async throws {
        try await Scene.play { scene in
            try scene.command(["create": "fruits", "changeStreamPreAndPostImages": ["enabled": true]])
            let names = Self.formats.indices.map { "s\($0)" } + ["documents", "keyed", "broken", "outcomes", "letters"]
            let own = ["positions", "position-edits", "gaps", "control", "snapshots", "replays", "replay-control"].map {
                "bridge.\(scene.name).\($0)"
            }
            for topic in names.map({ scene.topic($0) }) + own { try scene.kafka.create(topic: topic) }
            let folder = try TemporaryFolder()
            let keyFile = try folder.write("h4shk3y-h4shk3y-h4shk3y\n", to: "key")
            let port = try FreePort.find()
            let file = try folder.write(Self.yaml(scene, keyFile: keyFile, port: port), to: "bridge.yaml")

            var copied = Self.document
            copied.set("_id", 2)
            try scene.insert([Self.document, copied])
            for update in Self.updates { try scene.update(1, update) }
            try scene.delete(1)
            let events = Self.updates.count + 3
            let program = try BridgeProgram(["run", "--config", file, "--log-level", "trace"])
            for name in names.dropLast(3) where name != "documents" { try scene.follow(scene.topic(name)).wait(count: events) }
            try scene.follow(scene.topic("letters")).wait(count: events)
            // Once everything was seen to be published: it halts every stream with a text format.
            try scene.insert([try Self.unwritable()])
            try program.wait(forError: "not valid UTF-8")
            try program.wait(forError: "could not read the change stream")
            for path in ["/status", "/metrics", "/"] {
                let reply = try HTTPReply(of: port, path)
                #expect(!reply.body.isEmpty)
                Self.expectNothing(reply.body.utf8, path)
            }
            program.signal(SIGTERM)
            try program.exitStatus()
            Self.expectNothing(program.output.utf8, "standard output")
            Self.expectNothing(program.errors.utf8, "the log")
            #expect(program.errors.contains("cannot be written"))

            for topic in names.map({ scene.topic($0) }) + own {
                let records = try scene.records(topic)
                if names.dropLast(3).contains(where: { topic == scene.topic($0) }), topic != scene.topic("documents") {
                    #expect(records.count >= events, "\(topic)")
                }
                for record in records {
                    Self.expectNothing(record.key ?? [], "a key in \(topic)")
                    Self.expectNothing(record.value ?? [], "a value in \(topic)")
                    for (name, value) in record.headers { Self.expectNothing("\(name)=\(value)".utf8, "a header in \(topic)") }
                }
            }
            // A search that finds nothing must have been able to.
            #expect(try scene.records(scene.topic("s0")).contains { $0.text?.contains("***7777") == true })

            let tail = ["tail", "--from", "beginning", "--no-follow"]
            var commands = [["check"], ["config"], ["positions", "list"], ["positions", "show", "s0"], tail + own]
            for format in ["text", "json"] {
                commands.append(["verify", "--stream", "s0", "--format", format])
                commands.append(["verify", "--stream", "s0", "--documents", "--format", format])
                commands.append(tail + ["--format", format] + names.map { scene.topic($0) })
            }
            commands.append(["replay", "--stream", "s1", "--from", "oldest", "--topic", scene.topic("s1")])
            for arguments in commands {
                let command = try BridgeProgram(arguments + ["--config", file, "--log-level", "trace"])
                try command.exitStatus()
                #expect(!(command.output + command.errors).isEmpty)
                Self.expectNothing(command.output.utf8, "\(arguments)")
                Self.expectNothing(command.errors.utf8, "\(arguments), errors")
            }
        }
    }
}
