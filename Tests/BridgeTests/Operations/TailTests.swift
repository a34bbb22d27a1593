import Foundation
import Mongo
import Synchronization
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

@Suite(.blocking) struct TailTests {
    private let kafka: TestKafka
    private let topic = UniqueName.make("tail")
    private let tail: Tail

    init() throws {
        kafka = try TestKafka.shared.get()
        try kafka.make(topic: topic)
        tail = Tail(settings: kafka.settings, timeout: Patience.limit, logger: .silent)
    }

    private func write(_ records: [(key: [UInt8]?, value: [UInt8]?)], timestamp: (Int) -> Int64 = { _ in 0 }) throws {
        let producer = try ReportingProducer(kafka.settings)
        for (index, record) in records.enumerated() {
            #expect(
                try producer.produce(
                    topic, key: record.key, value: record.value, headers: [("mongodb.op", Array("insert".utf8)), ("empty", [])],
                    timestamp: timestamp(index)))
        }
        try producer.wait(acknowledged: records.count)
    }

    private func writeNumbers(_ count: Int) throws {
        // Timestamps within an hour of now, because brokers bound them.
        let start = (WallClock.milliseconds() / 1000 - 3_000) * 1000
        try write((0..<count).map { (Array("k".utf8), Array("\($0)".utf8)) }) { start + Int64($0) * 1000 }
    }

    private func lines(
        from start: Tail.Start = .beginning, of topics: [String]? = nil, limit: Int? = nil
    ) async throws -> [Tail.Line] {
        let lines = Lines()
        try await tail.run(topics: topics ?? [topic], from: start, follow: false, limit: limit) { lines.append($0) }
        return lines.all
    }

    private final class Lines: Sendable {
        private let lines = Mutex<[Tail.Line]>([])
        var all: [Tail.Line] { lines.withLock { $0 } }
        func append(_ line: Tail.Line) { lines.withLock { $0.append(line) } }
    }

    @Test func listsFromTheBeginningToTheEnd() async throws {
        try writeNumbers(10)
        let lines = try await lines()
        #expect(lines.map(\.value) == (0..<10).map { "\($0)" })
        #expect(lines.map(\.offset) == Array(0..<10))
        let line = try #require(lines.first)
        #expect(line.topic == topic)
        #expect(line.key == "k")
        #expect(line.headers.all.map(\.name) == ["mongodb.op", "empty"])
        #expect(line.headers.all.map(\.value) == ["insert", ""])
        #expect(line.timestamp != nil)
    }

    @Test(arguments: [(0, 10), (4, 6), (9, 1), (10, 0), (99, 0), (-5, 10)])
    func listsFromAnOffsetOrTheNearestThatThereIs(_ offset: Int64, _ count: Int) async throws {
        try writeNumbers(10)
        #expect(try await lines(from: .offset(offset)).count == count)
    }

    @Test func listsFromATime() async throws {
        try writeNumbers(10)
        let fourth = try #require(try await lines().dropFirst(3).first?.timestamp)
        // The mock cluster knows no times.
        guard TestKafka.isReal else { return }
        #expect(try await lines(from: .time(fourth)).map(\.value) == (3..<10).map { "\($0)" })
        #expect(try await lines(from: .time(fourth + 1)).map(\.value) == (4..<10).map { "\($0)" })
        #expect(try await lines(from: .time(fourth + 3_600_000)).isEmpty)
    }

    @Test func nothingIsBehindTheEnd() async throws {
        try writeNumbers(10)
        #expect(try await lines(from: .end).isEmpty)
    }

    @Test(arguments: [(0, 0), (3, 3), (10, 10), (100, 10)])
    func stopsAtALimit(_ limit: Int, _ count: Int) async throws {
        try writeNumbers(10)
        #expect(try await lines(limit: limit).count == count)
    }

    @Test func anEmptyTopicIsAnEmptyListing() async throws {
        #expect(try await lines().isEmpty)
    }

    @Test func severalTopicsAndPartitionsAreListedWhole() async throws {
        let other = UniqueName.make("tail")
        try kafka.make(topic: other, partitions: 4)
        try writeNumbers(5)
        let producer = try ReportingProducer(kafka.settings)
        for number in 0..<40 { #expect(try producer.produce(other, key: "\(number)", value: "v")) }
        try producer.wait(acknowledged: 40)
        let lines = try await lines(of: [topic, other])
        #expect(lines.count { $0.topic == topic } == 5)
        #expect(lines.count { $0.topic == other } == 40)
    }

    @Test func valuesAreShownAsWhatTheyAre() async throws {
        let document: BSONDocument = ["_id": 1, "type": "apple"]
        try write([
            (nil, Array("text".utf8)), (Array("k".utf8), nil), ([], []), (nil, document.bytes), (nil, [0x00, 0xff, 0x0a]),
            (nil, Array("ü\n\tz".utf8)),
        ])
        let lines = try await lines()
        #expect(lines.map(\.value) == ["text", nil, "", #"{"_id":1,"type":"apple"}"#, "0x00ff0a", "ü\n\tz"])
        #expect(lines.map(\.key) == [nil, "k", "", nil, nil, nil])
    }

    @Test func aHeaderIsShownAsOftenAsItIsThere() async throws {
        let headers: [(name: String, value: [UInt8]?)] = [
            ("twice", Array("1".utf8)), ("once", Array("x".utf8)), ("twice", Array("2".utf8)), ("none", nil), ("twice", nil),
        ]
        let sender = try RecordSender(topic: topic, settings: kafka.settings, patience: .seconds(30), logger: .silent)
        try sender.send(OutgoingRecord(key: nil, value: [], headers: headers))
        try sender.finish()
        let line = try #require(try await lines().first)
        #expect(line.headers.all.map(\.name) == headers.map(\.name))
        #expect(line.headers.all.map(\.value) == ["1", "x", "2", nil, nil])
        let json = try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(line)) as? [String: Any])
        let shown = try #require(json["headers"] as? [String: Any])
        #expect(shown["once"] as? String == "x")
        #expect(shown["none"] is NSNull)
        let twice = try #require(shown["twice"] as? [Any])
        #expect(twice.map { $0 as? String } == ["1", "2", nil])
    }

    @Test func aTombstoneIsNullInJSONAndAnEmptyValueIsNot() async throws {
        try write([(Array("k".utf8), nil), (nil, [])])
        let texts = try await lines().map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        #expect(texts[0].contains(#""value":null"#))
        #expect(texts[1].contains(#""value":"""#))
        #expect(texts[1].contains(#""key":null"#))
    }

    @Test func followingShowsWhatComesUntilItIsStopped() async throws {
        try writeNumbers(2)
        let lines = Lines()
        let tail = tail
        let run = Task {
            try await tail.run(topics: [topic], from: .beginning, follow: true, limit: nil) { line in
                lines.append(line)
                if line.value == "late" { tail.requestStop() }
            }
        }
        try write([(nil, Array("late".utf8))])
        try await run.value
        #expect(lines.all.map(\.value) == ["0", "1", "late"])
    }

    @Test func followingFromTheEndLeavesOutWhatWasThere() async throws {
        try writeNumbers(3)
        let lines = Lines()
        let run = Task { try await tail.run(topics: [topic], from: .offset(3), follow: true, limit: 1) { lines.append($0) } }
        try write([(nil, Array("late".utf8))])
        try await run.value
        #expect(lines.all.map(\.value) == ["late"])
    }
}
