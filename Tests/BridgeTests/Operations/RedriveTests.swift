import Foundation
import Testing

@testable import Kafka
@testable import StreamBridge

@Suite(.blocking) struct RedriveTests {
    private let topics: CommandTopics
    private let redrive: Redrive

    init() throws {
        topics = try CommandTopics()
        redrive = Redrive(configuration: topics.configuration(), dispatcher: topics.dispatcher, logger: .silent)
    }

    private static let valid = #"{"truck_id":4,"source":"a","destination":"b","product":"c","quantity":1}"#
    private static let faulty = #"{"id":"c-1","truck_id":4,"source":"a","destination":"b","product":"c","quantity":0}"#

    /// A record as the dispatcher puts it aside.
    private func letter(
        _ value: [UInt8]?, key: String? = nil, code: String = "invalid", from topic: String? = nil, offset: Int = 0,
        at: String = "2026-01-31T10:00:00.000Z", headers: [(name: String, value: [UInt8]?)] = []
    ) -> OutgoingRecord {
        let own = [
            ("error.code", code), ("error.message", "message of \(offset)"), ("error.topic", topic ?? topics.dispatcher.commands),
            ("error.partition", "2"), ("error.offset", "\(offset)"), ("error.at", at),
        ]
        return OutgoingRecord(key: key.map { Array($0.utf8) }, value: value, headers: headers + own.map { ($0, Array($1.utf8)) })
    }

    /// One of each kind; the one at offset 4 came from another dispatcher.
    private func writeAll() throws {
        try topics.write(
            [
                letter(Array(Self.faulty.utf8), key: "c-1", offset: 0, headers: [("trace", [1, 2]), ("empty", []), ("none", nil)]),
                letter(nil, code: "malformed", offset: 1, at: "2026-01-31T11:00:00.000Z"),
                letter([0xff, 0x00, 0x01], code: "malformed", offset: 2, at: "2026-01-31T12:00:00.000Z"),
                letter(Array(Self.valid.utf8), code: "121", offset: 3, at: "2026-01-31T13:00:00.000Z"),
                letter(Array(Self.faulty.utf8), key: "c-1", from: "somebody.elses", offset: 4),
                letter(
                    [], code: "malformed", offset: 5,
                    headers: [("command.id", Array("t/0/7".utf8)), ("bridge.redriven", Array("old/0/1".utf8))]),
            ], to: topics.dispatcher.deadLetters)
    }

    private func run(_ filter: Redrive.Filter = .init(), sendsBack: Bool = false) async throws -> (Redrive.Summary, [FoundDeadLetter]) {
        let letters = Collected<FoundDeadLetter>()
        let summary = try await redrive.run(filter, sendsBack: sendsBack) { letters.append($0) }
        return (summary, letters.all)
    }

    @Test func theDispatchersOwnAreListedAndNothingIsSent() async throws {
        try writeAll()
        let (summary, letters) = try await run()
        #expect(summary == Redrive.Summary(found: 5))
        #expect(letters.map(\.place.description) == ["0/0", "0/1", "0/2", "0/3", "0/5"])
        #expect(letters.map(\.code) == ["invalid", "malformed", "malformed", "121", "malformed"])
        #expect(letters.map(\.message) == [0, 1, 2, 3, 5].map { "message of \($0)" })
        #expect(letters.first?.at == "2026-01-31T10:00:00.000Z")
        let commands = topics.dispatcher.commands
        #expect(letters.map(\.id) == ["c-1", "\(commands)/2/1", "\(commands)/2/2", "\(commands)/2/3", "t/0/7"])
        #expect(letters.map(\.key) == ["c-1", nil, nil, nil, nil])
        #expect(letters.map(\.value) == [Self.faulty, nil, "0xff0001", Self.valid, ""])
        #expect(try topics.records().isEmpty)
    }

    @Test func whatGoesBackIsTheOriginalWithItsNameAndItsPlaceHere() async throws {
        try writeAll()
        let (summary, _) = try await run(sendsBack: true)
        #expect(summary == Redrive.Summary(found: 5, sent: 5))
        let records = try topics.records()
        #expect(records.map(\.key) == [Array("c-1".utf8), nil, nil, nil, nil])
        #expect(records.map(\.value) == [Array(Self.faulty.utf8), nil, [0xff, 0x00, 0x01], Array(Self.valid.utf8), []])
        let (commands, deadLetters) = (topics.dispatcher.commands, topics.dispatcher.deadLetters)
        #expect(records[0].headerNames == ["trace", "empty", "none", "bridge.redriven"])
        #expect(records.map { $0.headers["bridge.redriven"] } == [0, 1, 2, 3, 5].map { "\(deadLetters)/0/\($0)" })
        #expect(records.map { $0.headers["command.id"] } == [nil, "\(commands)/2/1", "\(commands)/2/2", "\(commands)/2/3", "t/0/7"])
        #expect(records.allSatisfy { Set($0.headerNames).count == $0.headerNames.count })
        #expect(records.allSatisfy { !$0.headerNames.contains { $0.hasPrefix("error.") } })
    }

    @Test func filtersChooseAndBelongTogether() async throws {
        try writeAll()
        func places(_ filter: Redrive.Filter) async throws -> [Int64] { try await run(filter).1.map(\.place.offset) }
        #expect(try await places(.init(codes: ["malformed"])) == [1, 2, 5])
        #expect(try await places(.init(codes: ["121", "invalid"])) == [0, 3])
        let noon = try #require(StoredPosition.milliseconds(fromISO8601: "2026-01-31T12:00:00.000Z"))
        #expect(try await places(.init(since: noon)) == [2, 3])
        #expect(try await places(.init(codes: ["malformed"], since: noon)) == [2])
        #expect(try await places(.init(id: "c-1")) == [0])
        #expect(try await places(.init(id: "\(topics.dispatcher.commands)/2/3")) == [3])
        #expect(try await places(.init(places: [.init(partition: 0, offset: 5), .init(partition: 0, offset: 1)])) == [1, 5])
        #expect(try await places(.init(codes: ["unheard"])).isEmpty)
    }

    /// Two texts that people read alike.
    @Test func anIDIsMeantToTheByte() async throws {
        let forms = ["caf\u{E9}", "cafe\u{301}"]
        try topics.write(
            forms.enumerated().map { letter(Array(Self.faulty.replacing("c-1", with: $1).utf8), offset: $0) },
            to: topics.dispatcher.deadLetters)
        for (index, form) in forms.enumerated() {
            #expect(try await run(.init(id: form)).1.map(\.place.offset) == [Int64(index)])
        }
    }

    /// Sent back under the name that another command has it would be refused again.
    @Test func aCommandWhoseNameIsTakenGetsThatOfItsDeadLetter() async throws {
        try topics.write(
            [
                letter(Array(Self.valid.utf8), code: "idTaken", offset: 8),
                letter(
                    Array(Self.valid.utf8), code: "idTaken", offset: 9,
                    headers: [("command.id", Array("t/0/7".utf8)), ("bridge.redriven", Array("old/0/1".utf8))]),
            ], to: topics.dispatcher.deadLetters)
        for _ in 0..<2 {
            let (_, letters) = try await run(sendsBack: true)
            // They are found by the name that the outcome had.
            #expect(letters.map(\.id) == ["\(topics.dispatcher.commands)/2/8", "t/0/7"])
        }
        let letters = topics.dispatcher.deadLetters
        let names = try topics.records().map { $0.headers["command.id"] }
        #expect(names == ["\(letters)/0/0", "\(letters)/0/1", "\(letters)/0/0", "\(letters)/0/1"])
        #expect(try topics.records().allSatisfy { Set($0.headerNames).count == $0.headerNames.count })
    }

    @Test func onlyWhatIsChosenGoesBack() async throws {
        try writeAll()
        let (summary, letters) = try await run(.init(id: "c-1"), sendsBack: true)
        #expect(summary == Redrive.Summary(found: 1, sent: 1))
        #expect(letters.map(\.id) == ["c-1"])
        #expect(try topics.records().map(\.keyText) == ["c-1"])
    }

    @Test func aPlaceWithoutADeadLetterOfThisDispatcherIsNamed() async throws {
        try writeAll()
        // One of another dispatcher's, one that does not exist, one in a partition that does not.
        let places = [(0, 4), (0, 99), (7, 0), (0, 0)].map { RecordCoordinates(partition: $0, offset: $1) }
        let (summary, letters) = try await run(.init(places: Set(places)))
        #expect(summary.missing.map(\.description) == ["0/4", "0/99", "7/0"])
        #expect(letters.map(\.place.description) == ["0/0"])
    }

    @Test func noTopicAndAnEmptyTopicHaveNoDeadLetters() async throws {
        #expect(try await run().0 == Redrive.Summary())
        guard !TestKafka.isReal else { return }
        topics.kafka.hide(topic: topics.dispatcher.deadLetters)
        #expect(try await run().0 == Redrive.Summary())
    }

    @Test func aKafkaThatIsAwayIsUnreachable() async throws {
        let redrive = Redrive(
            configuration: topics.configuration {
                $0.kafka.common["bootstrap.servers"] = "127.0.0.1:1"
                $0.startupTimeout = .seconds(1)
            }, dispatcher: topics.dispatcher, logger: .silent)
        await #expect(throws: Unreachable.self) { _ = try await redrive.run(.init(), sendsBack: false) { _ in } }
    }

    @Test func inJSONEverythingIsThere() async throws {
        try writeAll()
        let (_, letters) = try await run()
        func json(_ letter: FoundDeadLetter) throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(letter)) as? [String: Any])
        }
        let first = try json(letters[0])
        #expect(first["topic"] as? String == topics.dispatcher.deadLetters)
        #expect(first["partition"] as? Int == 0)
        #expect(first["offset"] as? Int == 0)
        #expect(first["code"] as? String == "invalid")
        #expect(first["id"] as? String == "c-1")
        #expect(first["value"] as? String == Self.faulty)
        let headers = try #require(first["headers"] as? [String: Any])
        #expect(headers.count == 3)
        #expect(headers["trace"] as? String == "0x0102")
        #expect(headers["empty"] as? String == "")
        #expect(headers["none"] is NSNull)
        let command = try #require(first["command"] as? [String: Any])
        #expect(command["topic"] as? String == topics.dispatcher.commands)
        #expect(command["partition"] as? Int == 2)
        #expect(command["offset"] as? Int == 0)
        let second = try json(letters[1])
        #expect(second["value"] is NSNull)
        #expect(second["key"] is NSNull)
        #expect(try json(letters[4])["value"] as? String == "")
    }

    @Test(arguments: ["0/12", "3/0"]) func aPlaceIsReadAsItIsShown(_ text: String) { #expect(RecordCoordinates(text)?.description == text) }

    @Test(arguments: ["", "1", "1/", "/1", "-1/0", "0/-1", "a/b", "0/1/2"]) func whatIsNoPlaceIsRefused(_ text: String) {
        #expect(RecordCoordinates(text) == nil)
    }
}
