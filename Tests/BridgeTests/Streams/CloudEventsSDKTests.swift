import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// Our records as the specification's own implementation reads them. `scripts/bootstrap --tests` installs it; in CI the
/// test runs in any case.
@Suite(.enabled(if: CloudEventsSDK.isWanted, "needs the CloudEvents SDK for Python: scripts/bootstrap --tests installs it"))
struct CloudEventsSDKTests {
    private struct Line: Codable {
        let mode: String
        let headers: [String: String]
        let key: String
        let value: String
    }

    private struct Event: Decodable {
        let attributes: [String: String]
        let data: String
    }

    private static let events: [BSONDocument] = [
        SampleEvent.insert(1), SampleEvent.insert(2, id: "a\"b\\ü\n"), SampleEvent.insert(3, database: "läden", collection: "a b"),
        SampleEvent.delete(4), SampleEvent.insert(5, id: ["a": 1, "b": .date(milliseconds: 0)]),
        SampleEvent.insert(6, document: ["text": "東京 🍌 \u{7F} \u{2028}", "n": .int64(1 << 60), "d": .double(1.5)]),
        SampleEvent.drop(7), SampleEvent.invalidate(8),
    ]

    @Test(arguments: CloudEventsMode.allCases)
    func theSDKReadsTheSameEvents(_ mode: CloudEventsMode) throws {
        let encoder = EventEncoder(CloudEventsEncoderTests.stream(mode), replicaSet: "rs0")
        let lines = try Self.events.map { event in
            let record = try #require(try encoder.records(of: event).first)
            let headers = record.headers.map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
            return Line(
                mode: mode.rawValue, headers: Dictionary(headers.map { ($0[0], $0[1]) }) { $1 }, key: record.keyText ?? "none",
                value: record.valueText ?? "")
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "cloudevents-\(UUID().uuidString).jsonl")
        try Data(lines.map { try JSONEncoder().encode($0) }.joined(separator: [UInt8(ascii: "\n")])).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let script = try #require(Bundle.module.path(forResource: "cloudevents_check", ofType: "py", inDirectory: "Fixtures"))
        let result = try Tool.run("env", ["PYTHONPATH=\(CloudEventsSDK.folder.path)", "python3", script, file.path])
        #expect(result.status == 0, "\(result.output)")
        let read = try result.output.split(separator: "\n").map { try JSONDecoder().decode(Event.self, from: Data($0.utf8)) }
        try #require(read.count == Self.events.count)
        for (index, (event, read)) in zip(Self.events, read).enumerated() {
            let number = Int32(index + 1)
            let operation = try #require(event["operationType"]?.stringValue)
            #expect(read.attributes["specversion"] == "1.0")
            #expect(read.attributes["id"] == SampleEvent.token(number).text)
            #expect(read.attributes["type"] == "com.mongodb.change.\(operation)")
            #expect(read.attributes["datacontenttype"] == "application/json")
            #expect(read.attributes["subject"] == (event["documentKey"] == nil ? nil : lines[index].key))
            #expect(read.attributes["time"] == "2022-05-06T08:34:39.00\(number)+00:00")
            #expect(try JSONText.parse(read.data) == JSONText.parse(event.extendedJSON(.relaxed)))
        }
        #expect(read[0].attributes["source"] == "mongodb://rs0/lessons.inventory")
        #expect(read[2].attributes["source"] == "mongodb://rs0/l%C3%A4den.a%20b")
    }
}

private enum CloudEventsSDK {
    static let folder = ConfigurationText.package.appending(path: ".cache/cloudevents")

    static let isWanted =
        ProcessInfo.processInfo.environment["CI"] != nil
        || FileManager.default.fileExists(atPath: folder.appending(path: "cloudevents").path)
}
