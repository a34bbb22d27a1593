import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// One event in each format, as the encoder writes it.
extension ConfigurationDocumentationTests {
    private static let beginOfFormats = "<!-- formats: begin -->\n"
    private static let endOfFormats = "<!-- formats: end -->"

    /// `BRIDGE_UPDATE_DOCS=1` writes the examples instead of comparing them.
    @Test func documentationShowsOneEventInEachFormat() throws {
        let file = ConfigurationText.package.appending(path: "docs/CONFIGURATION.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let start = try #require(text.range(of: Self.beginOfFormats)).upperBound
        let end = try #require(text.range(of: Self.endOfFormats)).lowerBound
        let examples = try Self.examples()
        if ProcessInfo.processInfo.environment["BRIDGE_UPDATE_DOCS"] == "1" {
            try (text[..<start] + examples + text[end...]).write(to: file, atomically: true, encoding: .utf8)
        } else {
            #expect(text[start..<end] == examples, "run BRIDGE_UPDATE_DOCS=1 swift test --filter documentation")
        }
    }

    private static func examples() throws -> String {
        let event = SampleEvent.insert(1, id: 7, document: ["type": "apple", "quantity": .int64(4)])
        func record(_ format: RecordFormat) throws -> EncodedRecord {
            try #require(try EventEncoder(.sample { $0.format = format }, replicaSet: "rs0").records(of: event).first)
        }
        func value(_ format: RecordFormat) throws -> String {
            DocumentedJSON.text(try JSONText.parse(try #require(record(format).valueText)))
        }
        let template = try TextTemplate(parsing: "There are only {fullDocument.quantity} units left of {fullDocument.type}!")
        let binary = try record(.cloudevents(.binary)).headers.filter { $0.hasPrefix("ce_") || $0.hasPrefix("content-type") }
        return try [
            ("`relaxed`", "json", value(.relaxed)), ("`canonical`", "json", value(.canonical)), ("`simple`", "json", value(.simple)),
            ("`{ template: \"There are only {fullDocument.quantity} …\" }`", "", #require(record(.template(template)).valueText)),
            ("`debezium`, the key", "json", #require(record(.debezium(DebeziumSettings(topicPrefix: "lessons"))).keyText)),
            ("`debezium`, the value", "json", value(.debezium(DebeziumSettings(topicPrefix: "lessons")))),
            ("`cloudevents`, its headers; the value is that of `relaxed`", "", binary.joined(separator: "\n")),
            ("`{ cloudevents: structured }`", "json", value(.cloudevents(.structured))),
        ].map { "\n\($0):\n\n```\($1)\n\($2)\n```\n" }.joined() + "\n"
    }
}

/// JSON in lines of at most 110 characters.
private enum DocumentedJSON {
    static func text(_ value: JSONText, indent: Int = 0) -> String {
        let line = line(value)
        guard line.count + indent > 110 else { return line }
        let space = String(repeating: " ", count: indent + 2)
        switch value {
        case .object(let members):
            let lines = members.map { "\(space)\(quoted($0.key)): \(text($0.value, indent: indent + 2))" }
            return "{\n\(lines.joined(separator: ",\n"))\n\(space.dropLast(2))}"
        case .array(let items):
            return "[\n\(items.map { space + text($0, indent: indent + 2) }.joined(separator: ",\n"))\n\(space.dropLast(2))]"
        default: return line
        }
    }

    private static func line(_ value: JSONText) -> String {
        switch value {
        case .object(let members): "{" + members.map { "\(quoted($0.key)): \(line($0.value))" }.joined(separator: ", ") + "}"
        case .array(let items): "[" + items.map { line($0) }.joined(separator: ", ") + "]"
        case .string(let text): quoted(text)
        case .number(let digits): digits
        case .boolean(let value): "\(value)"
        case .null: "null"
        }
    }

    private static func quoted(_ text: String) -> String {
        var buffer = OutputBuffer(capacity: 64)
        buffer.append(jsonString: text)
        return String(decoding: buffer.bytes(), as: UTF8.self)
    }
}
