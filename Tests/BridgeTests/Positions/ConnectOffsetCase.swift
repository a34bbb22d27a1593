import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// What a connector left in Kafka Connect's offsets topic, recorded from a real worker: a file of
/// Fixtures/connect-offsets.
struct ConnectOffsetCase: Sendable, CustomTestStringConvertible {
    struct Record: Sendable {
        let key: [UInt8]
        let value: [UInt8]?
        let coordinates: RecordCoordinates
        let writtenAt: Int64?
        /// The token in it, as who recorded it read it.
        let token: String?

        var entry: ConnectOffsets.Entry {
            get throws {
                ConnectOffsets.Entry(
                    key: try #require(ConnectOffsetKey(key)), value: value, coordinates: coordinates, writtenAt: writtenAt)
            }
        }
    }

    let name: String
    let connector: String
    /// `streaming`, `snapshot` and so on.
    let kind: String
    /// The `_id` of the document whose event was published last.
    let lastPublished: Int64?
    let records: [Record]
    /// The events of the collection, in their order.
    let events: [(id: BSONValue?, token: String)]

    var testDescription: String { name }

    static let all: [ConnectOffsetCase] = names.map { name in
        do { return try ConnectOffsetCase(name) } catch { preconditionFailure("\(name): \(error)") }
    }

    static let wholeTopic = "whole-topic"

    static var folder: URL {
        get throws { try #require(Bundle.module.resourceURL).appending(path: "Fixtures/connect-offsets") }
    }

    private static var names: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.filter { $0 != wholeTopic }.sorted()
    }

    init(_ name: String) throws {
        let document = try BSONDocument(
            extendedJSON: try String(contentsOf: try Self.folder.appending(path: "\(name).json"), encoding: .utf8))
        let expected = try #require(document["expected"]?.documentValue)
        self.name = name
        connector = document["connector"]?.stringValue ?? ""
        kind = try #require(expected["kind"]?.stringValue)
        lastPublished = expected["lastPublished"]?.int64Value
        records = try (document["records"]?.arrayValue ?? []).map { try Record(try #require($0.documentValue)) }
        events = try (document["events"]?.arrayValue ?? []).map { event in
            let event = try #require(event.documentValue)
            return (event["id"], try #require(event["token"]?.stringValue))
        }
    }

    /// What a reader of the topic makes of it.
    func offsets(of connector: String? = nil) throws -> ConnectOffsets {
        var offsets = ConnectOffsets(of: connector ?? self.connector, in: "connect-offsets")
        for record in records { offsets.take(try record.entry) }
        return offsets
    }
}

extension ConnectOffsetCase.Record {
    init(_ record: BSONDocument) throws {
        func bytes(_ name: String) throws -> [UInt8]? {
            try record[name]?.stringValue.map { Array(try #require(Data(base64Encoded: $0))) }
        }
        key = try #require(try bytes("keyBase64"))
        value = try bytes("valueBase64")
        token = record["decoded"]?.documentValue?["token"]?.stringValue
        coordinates = RecordCoordinates(
            partition: Int32(try #require(record["partition"]?.int64Value)), offset: try #require(record["offset"]?.int64Value))
        writtenAt = record["timestamp"]?.int64Value
    }
}
