import Testing

@testable import Kafka
@testable import Mongo
@testable import Runtime
@testable import StreamBridge

/// The records of Debezium's own connector, and what they do not show.
@Suite struct DebeziumEncoderTests {
    private func stream(_ document: DebeziumSettings.Document = .string) -> StreamSettings {
        .sample {
            $0.format = .debezium(DebeziumSettings(topicPrefix: "shop", document: document))
            $0.tombstones = true
        }
    }

    private func value(_ event: BSONDocument, _ document: DebeziumSettings.Document = .string) throws -> String {
        let records = try EventEncoder(stream(document)).records(of: event)
        return try #require(records.first?.valueText)
    }

    /// The member of an envelope.
    private func member(_ path: String..., of value: String) throws -> JSONText? {
        let root: JSONText? = try JSONText.parse(value)
        return path.reduce(root) { parent, name in
            guard case .object(let members)? = parent else { return nil }
            return members.first { $0.key == name }?.value
        }
    }

    @Test(arguments: [("insert", 312), ("update", 182), ("replace", 12), ("delete", 73), ("preimage", 81), ("snapshot", 155)])
    func everyRecordIsTheConnectors(_ file: String, _ count: Int) throws {
        let vectors = try DebeziumVector.all(in: file)
        #expect(vectors.count == count)
        for vector in vectors {
            let encoder = EventEncoder(vector.stream, origin: vector.isOfSnapshot ? .snapshot(id: "s") : .live)
            let records = try encoder.records(of: vector.changeEvent())
            let record = try #require(records.first)
            #expect(record.keyText == vector.key, "\(vector.note)")
            let value = try #require(record.valueText)
            for name in ["before", "after"] {
                guard case .string(let text) = try member(name, of: value) else { continue }
                #expect(throws: Never.self, "\(vector.note)") { try JSONText.parse(text) }
            }
            #expect(
                DebeziumVector.comparable(value, isOfSnapshot: vector.isOfSnapshot)
                    == DebeziumVector.comparable(vector.value, isOfSnapshot: vector.isOfSnapshot), "\(vector.operation) \(vector.note)")
            #expect(records.dropFirst().map(\.keyText) == (vector.tombstone.map { [$0.key] } ?? []), "\(vector.note)")
            #expect(records.dropFirst().allSatisfy { $0.value == nil && $0.headers == record.headers })
            #expect(!record.headers.contains { $0.hasPrefix("__debezium") })
        }
    }

    /// A replay gives what was published live, whenever it runs.
    @Test func aReplayedRecordHasTheSameBytes() throws {
        for vector in try DebeziumVector.all(in: "update") {
            let event = try vector.changeEvent()
            let live = try EventEncoder(vector.stream).records(of: event)
            let replayed = try EventEncoder(vector.stream, origin: .replay(id: "r")).records(of: event)
            #expect(live.map(\.key) == replayed.map(\.key) && live.map(\.value) == replayed.map(\.value))
        }
    }

    /// The connector writes them as bare words, which no parser of JSON reads.
    @Test func aNumberThatJSONDoesNotHaveIsAnObject() throws {
        let event = SampleEvent.insert(1, document: ["v": [.double(.nan), .double(.infinity), .double(-.infinity)]])
        let text = #"{"_id": 1,"v": [{"$numberDouble": "NaN"},{"$numberDouble": "Infinity"},{"$numberDouble": "-Infinity"}]}"#
        #expect(try member("after", of: value(event)) == .string(text))
    }

    @Test func documentsMayBeObjects() throws {
        let event = SampleEvent.insert(1) {
            $0.set("operationType", "update")
            $0.set("fullDocumentBeforeChange", ["_id": 1, "n": .int64(5)])
            $0.set("updateDescription", ["updatedFields": ["n": .int64(6)], "removedFields": ["m"], "truncatedArrays": []])
        }
        let text = try value(event, .object)
        #expect(text.contains(#""before":{"_id":1,"n":5},"after":{"_id":1,"type":"apple","quantity":1},"updateDescription":"#))
        #expect(text.contains(#"{"removedFields":["m"],"updatedFields":{"n":6},"truncatedArrays":null}"#))
        _ = try JSONText.parse(text)
    }

    @Test func theSourceNamesTheBridgeAndItsVersion() throws {
        let text = try value(SampleEvent.insert(1))
        #expect(try member("source", "name", of: text) == .string("shop"))
        #expect(try member("source", "version", of: text) == .string(BridgeVersion.current))
        #expect(try member("ts_ms", of: text) == .number("1651826079001"))
    }

    /// MongoDB 5.0 gives none.
    @Test func withoutAWallTimeTheTimeIsTheClusterTime() throws {
        let text = try value(SampleEvent.insert(1) { $0.set("wallTime", nil) })
        #expect(try member("source", "ts_ms", of: text) == .number("1651826079000"))
        #expect(try member("source", "wallTime", of: text) == .null)
    }

    @Test(arguments: [Int64.max, .min, 0, -1])
    func everyWallTimeIsANumber(_ time: Int64) throws {
        let text = try value(SampleEvent.insert(1) { $0.set("wallTime", .date(milliseconds: time)) })
        #expect(try member("source", "wallTime", of: text) == .number("\(time)"))
    }

    @Test(arguments: [SampleEvent.drop(1), SampleEvent.dropDatabase(1), SampleEvent.invalidate(1)])
    func whatHappensToNoDocumentHasNoRecord(_ event: BSONDocument) throws {
        let bytes = event.bytes
        let change = try ChangeEvent(of: bytes.span.bytes, at: 0)
        #expect(!EventEncoder(stream()).publishes(change))
        #expect(EventEncoder(.sample()).publishes(change))
    }

    @Test func whatIsLeftOutIsPassedByThePosition() throws {
        let publisher = try RecordingPublisher()
        var pump = EventPump(settings: stream(), publisher: publisher, lookup: nil, after: nil) { try publisher.topic($0) }
        try pump.publish(.sample([SampleEvent.insert(1), SampleEvent.drop(2), SampleEvent.invalidate(3)], token: SampleEvent.token(3)))
        #expect(publisher.records.map(\.keyText) == [#"{"id":"1"}"#])
        #expect(publisher.sealed.map(\.token) == [SampleEvent.token(3)])
        #expect(publisher.sealed.map(\.events) == [1])
    }

    /// A pipeline may project any of them away. Nothing is left out because of that.
    @Test(arguments: ["operationType", "clusterTime", "wallTime", "fullDocument", "ns", "documentKey"])
    func aFieldThatIsMissingIsNull(_ field: String) throws {
        for value in [nil, .int32(1), .string("x"), .array([]), .document([:])] as [BSONValue?] {
            let event = SampleEvent.insert(1) { $0.set(field, value) }
            let records = try EventEncoder(stream()).records(of: event)
            let text = try #require(records.first?.valueText)
            _ = try JSONText.parse(text)
        }
        let event = SampleEvent.insert(1) { $0.set(field, nil) }
        let bytes = event.bytes
        #expect(EventEncoder(stream()).publishes(try ChangeEvent(of: bytes.span.bytes, at: 0)))
    }

    /// Bytes from outside never trap.
    @Test(arguments: ["update", "preimage"])
    func damagedBytesAreEncodedOrRefused(_ file: String) throws {
        let encoder = EventEncoder(stream())
        for vector in try DebeziumVector.all(in: file).prefix(8) {
            let intact = try vector.changeEvent().bytes
            for index in intact.indices {
                for damage in [0x00, 0x7f, 0xff] as [UInt8] {
                    var bytes = intact
                    bytes[index] = damage
                    let span = bytes.span.bytes
                    var batch = RecordBatch()
                    let isEncoded =
                        (try? encoder.encode(ChangeEvent(of: span, at: 0), of: span, route: 0, origin: 0, place: nil, into: &batch)) != nil
                    let records = batch.copied()
                    #expect(records.isEmpty == !isEncoded)
                }
            }
        }
    }
}
