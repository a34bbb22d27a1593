import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// `bridge replay --topic-from --topic-to`.
@Suite(.blocking) struct TopicCopyTests {
    private static func places(_ records: [TestRecord]) -> Set<String> {
        Set(records.map { "\($0.headers["replay.partition"] ?? "")/\($0.headers["replay.offset"] ?? "")" })
    }

    private static func keys(_ records: [TestRecord]) -> [String] { records.compactMap(\.keyText).sorted() }

    @Test func keyValueHeadersTimeAndPartitionStayAndTheHeadersSayWhereFrom() async throws {
        let scene = try CopyScene()
        try scene.send(10)
        let summary = try await scene.copy { $0.id = "again" }
        #expect(summary.isDone)
        #expect(summary.events == 10)
        #expect(try scene.recorded("again")?["keepsPartitions"] == true)
        let (originals, copies) = (try scene.records(scene.source), try scene.records())
        #expect(copies.count == 10)
        for copy in copies {
            let original = try #require(
                originals.first { "\($0.partition)" == copy.headers["replay.partition"] && "\($0.offset)" == copy.headers["replay.offset"] }
            )
            #expect(copy.key == original.key)
            #expect(copy.value == original.value)
            #expect(copy.timestamp == original.timestamp)
            #expect(copy.partition == original.partition)
            #expect(copy.headers["number"] == original.headers["number"])
            #expect(copy.headers["bridge.origin"] == "replay")
            #expect(copy.headers["bridge.replay"] == "again")
            #expect(copy.headers["replay.topic"] == scene.source)
        }
        for partition in 0..<2 as Range<Int32> {
            let numbers = copies.filter { $0.partition == partition }.compactMap { $0.headers["number"].flatMap { Int($0) } }
            #expect(numbers == numbers.sorted())
        }
    }

    @Test func tombstonesEmptyValuesAndMissingKeysStayWhatTheyAre() async throws {
        let scene = try CopyScene(partitions: 1)
        try scene.send([
            OutgoingRecord(key: [1], value: nil), OutgoingRecord(key: nil, value: []), OutgoingRecord(key: [], value: [2]),
            OutgoingRecord(
                key: [3], value: [4], headers: [("empty", nil), ("twice", [1]), ("twice", [2]), ("bridge.origin", Array("live".utf8))]),
        ])
        try await scene.copy()
        let copies = try scene.records(partitions: 1)
        #expect(copies.map(\.key) == [[1], nil, [], [3]])
        #expect(copies.map(\.value) == [nil, [], [2], [4]])
        #expect(
            copies[3].headerNames == [
                "empty", "twice", "twice", "bridge.origin", "bridge.replay", "replay.topic", "replay.partition", "replay.offset",
            ])
        #expect(copies[3].headers["bridge.origin"] == "replay")
    }

    @Test func anotherNumberOfPartitionsMeansByKey() async throws {
        let scene = try CopyScene(partitions: 1, targetPartitions: 3)
        try scene.send(30, partitions: 1)
        try await scene.copy { $0.id = "by-key" }
        let copies = try scene.records(partitions: 3)
        #expect(copies.count == 30)
        #expect(Set(copies.map(\.partition)).count == 3)
        #expect(try scene.recorded("by-key")?["keepsPartitions"] == false)
        // Once more: every key goes where it went before.
        try await scene.copy()
        let again = Dictionary(grouping: try scene.records(partitions: 3)) { $0.keyText }
        #expect(again.values.allSatisfy { Set($0.map(\.partition)).count == 1 })
    }

    /// A copy that continues with another number of partitions than it began with puts a key's records where the
    /// earlier ones are.
    @Test(arguments: [(true, 3), (false, 2)] as [(Bool, Int32)])
    func whetherPartitionsAreKeptIsDecidedWhenTheCopyBegins(isKept: Bool, targetPartitions: Int32) throws {
        let scene = try CopyScene(partitions: 2, targetPartitions: targetPartitions)
        try scene.send(20)
        var record = scene.record([0: .init(0..<10), 1: .init(0..<10)])
        record.keepsPartitions = isKept
        #expect(try scene.session(record).run { _ in }.isDone)
        let copies = try scene.records(partitions: targetPartitions)
        #expect(copies.count == 20)
        #expect(copies.allSatisfy { "\($0.partition)" == $0.headers["replay.partition"] } == isKept)
        #expect(try scene.recorded("late")?["keepsPartitions"] == .boolean(isKept))
    }

    @Test func bothOffsetsBelongToTheRange() async throws {
        let scene = try CopyScene()
        try scene.send(10)
        try await scene.copy {
            $0.partition = 1
            $0.from = .offset(1)
            $0.to = .offset(3)
        }
        #expect(Self.places(try scene.records()) == ["1/1", "1/2", "1/3"])
    }

    @Test(.enabled(if: TestKafka.isReal, "the mock cluster finds no offsets of times"))
    func timesAreThoseOfTheRecords() async throws {
        let scene = try CopyScene()
        try scene.send(10)
        try await scene.copy {
            $0.from = .time(CopyScene.time + 2000)
            // The whole second belongs to it.
            $0.to = .time(CopyScene.time + 5000)
        }
        #expect(Self.keys(try scene.records()) == ["k2", "k3", "k4", "k5"])
    }

    @Test(arguments: [("k3", ["k3"]), ("/^k[12]$/", ["k1", "k2"]), ("k", []), ("/7|8/", ["k7", "k8"])])
    func aKeyOrAPatternChooses(key: String, expected: [String]) async throws {
        let scene = try CopyScene()
        try scene.send(10)
        let summary = try await scene.copy { $0.key = key }
        #expect(summary.events == Int64(expected.count))
        #expect(Self.keys(try scene.records()) == expected)
    }

    @Test func aTopicIsCopiedToItselfUpToItsEnd() async throws {
        let scene = try CopyScene()
        try scene.send(6)
        let summary = try await scene.copy {
            $0.target = scene.source
            $0.to = .time(CopyScene.time + 1_000_000)
        }
        #expect(summary.events == 6)
        #expect(try scene.records(scene.source).count == 12)
    }

    @Test func aRateIsKept() async throws {
        let scene = try CopyScene()
        try scene.send(500)
        let replay = scene.replay()
        // Without the rate all of them are copied before the first progress is reported.
        let stopped = try await replay.run(scene.request { $0.rate = 1 }) { if $0.events >= 1 { replay.requestStop() } }
        #expect(!stopped.isDone)
        #expect(stopped.events >= 1 && stopped.events < 500)
    }

    @Test func aCopyThatWasStoppedGoesOnBehindWhatIsCopied() async throws {
        let scene = try CopyScene()
        try scene.send(60)
        let replay = scene.replay()
        let stopped = try await replay.run(
            scene.request {
                $0.rate = 30
                $0.id = "slow"
            }
        ) { if $0.events >= 3 { replay.requestStop() } }
        #expect(!stopped.isDone)
        #expect(stopped.events >= 3 && stopped.events < 60)
        #expect(try scene.records().count == Int(stopped.events))
        // Not part of it: the end was the newest record when it began.
        try scene.send(2)
        let done = try await scene.replay().resume("slow", rate: nil)
        #expect(done.isDone)
        #expect(done.events == 60)
        let copies = try scene.records()
        #expect(copies.count == 60)
        #expect(Self.places(copies).count == 60)
        await #expect(throws: WrongUsage.self) { try await scene.replay().resume("slow", rate: nil) }
        await #expect(throws: WrongUsage.self) { try await scene.copy { $0.id = "slow" } }
    }

    @Test func aPlanCountsAndChangesNothing() async throws {
        let scene = try CopyScene()
        try scene.send(10)
        let plan = try await scene.replay().plan(
            scene.request {
                $0.key = "/[3-9]/"
                $0.rate = 2
            })
        #expect(plan.records == 7)
        #expect(plan.bytes > 28)
        #expect(plan.partitions.map(\.records) == [3, 4])
        #expect(plan.partitions.map(\.to) == [5, 5])
        #expect(plan.first == CopyScene.time + 3000)
        #expect(plan.last == CopyScene.time + 9000)
        #expect(plan.seconds == 3.5)
        #expect(plan.isWhole)
        #expect(try scene.records().isEmpty)
        #expect(try scene.records("bridge.\(scene.bridge).replays", partitions: 1).isEmpty)
    }

    @Test func whatCannotBeCopiedIsToldBeforeAnythingIs() async throws {
        let scene = try CopyScene()
        try scene.send(4)
        let wrong: [(inout TopicCopy.Request) -> Void] = [
            { $0.partition = 2 }, { $0.target = "bad topic" }, { $0.target = "bridge.\(scene.bridge).replays" }, { $0.key = "/[/" },
            { $0.id = "a/b" },
            {
                $0.partition = 0
                $0.from = .offset(2)
            },
        ]
        for change in wrong { await #expect(throws: WrongUsage.self) { try await scene.copy(change) } }
        scene.kafka.hide(topic: "\(scene.source).missing")
        let halt = await #expect(throws: Halt.self) { try await scene.copy { $0.source = "\(scene.source).missing" } }
        #expect(halt?.reason.contains("there is no topic") == true)
        #expect(try scene.records().isEmpty)
    }

    /// Nobody waits for a transaction that may stay open, and nothing of it is copied, nor of one that was aborted.
    @Test(.enabled(if: TestKafka.isReal, "the mock cluster shows what is not committed"))
    func onlyWhatIsCommittedIsCopied() async throws {
        let scene = try CopyScene(partitions: 1)
        try scene.send(3, partitions: 1)
        let sender = try TransactionalSender(
            scene.kafka.settings, transactional: .init(id: UniqueName.make("open"), timeout: 60_000), logger: .silent)
        let topic = try sender.topic(scene.source)
        try sender.fence()
        try sender.begin()
        try sender.send(OutgoingRecord(key: [1], value: [1]), to: topic)
        try sender.commit(until: .now + Patience.limit)
        try sender.begin()
        try sender.send(OutgoingRecord(key: [2], value: [2]), to: topic)
        let admin = try KafkaAdmin(settings: scene.kafka.settings, logger: .silent)
        let deadline = ContinuousClock.now + Patience.limit
        // Three records, one with its marker, one that is open.
        while try admin.watermarks(topic: scene.source, partition: 0, timeout: Patience.limit).upperBound < 6 {
            guard .now < deadline else { throw WaitedInVain(what: "the open record") }
        }
        #expect(try await scene.copy().events == 4)
        sender.abandon()
        try scene.send(1, partitions: 1)
        #expect(try await scene.copy().events == 5)
    }

    /// The same id was begun twice at the same moment, or something else wrote there.
    @Test(arguments: ["another copy", "another kind", "nonsense"])
    func aCopyWhoseIdHasAnotherRecordMeanwhileEnds(what: String) throws {
        let scene = try CopyScene(partitions: 1)
        try scene.send(3, partitions: 1)
        let record = scene.record([0: .init(0..<3)])
        let other: [UInt8] =
            switch what {
            case "another copy": scene.record(source: scene.target, [0: .init(0..<3)]).json
            case "another kind": Array(#"{"version":1,"id":"late","stream":"fruits"}"#.utf8)
            default: Array("nonsense".utf8)
            }
        let producer = try ReportingProducer(scene.kafka.settings)
        #expect(try producer.produce("bridge.\(scene.bridge).replays", key: Array("late".utf8), value: other))
        try producer.wait(acknowledged: 1)
        let halt = try #require(throws: Halt.self) { try scene.session(record).run { _ in } }
        #expect(halt.status == .configuration)
        #expect(halt.reason.contains("replay late"), "\(halt)")
        #expect(try scene.records(partitions: 1).isEmpty)
    }

    @Test func recordsThatWereDeletedBeforeTheyWereCopiedAreTold() throws {
        let scene = try CopyScene(partitions: 1)
        try scene.send(3, partitions: 1)
        // As if retention had taken what is before offset 0.
        let halt = try #require(throws: Halt.self) { try scene.session(scene.record([0: .init(-5..<3)])).run { _ in } }
        #expect(halt.status == .lostPosition)
        #expect(halt.reason.contains("were deleted before they were copied"))
    }
}
