import Mongo
import Testing

@testable import StreamBridge

/// What counts as missing in topics that Kafka cuts or compacts.
@Suite struct TopicComparisonTests {
    private static let stream = StreamSettings.sample { $0.fullDocument = .default }

    /// A comparison with `count` events, key `i % keys`, in partition 0.
    private static func comparison(_ count: Int32, keys: Int32 = .max, tombstones: Set<Int32> = []) -> TopicComparison {
        var expected = ExpectedRecords()
        for number in 0..<count {
            expected.append(fingerprint(number, keys: keys, isTombstone: tombstones.contains(number)), topic: 0, repeatability: .whole)
        }
        let range = EventRange(start: .now, from: .token(token(0, "00")), to: .token(token(count, "00")), newest: nil)
        var report = VerifyReport(stream: "inventory", from: "", to: "", isolation: "read_committed", allowsRepeats: false)
        report.topics = ["t"]
        return TopicComparison(of: stream, range: range, with: expected, into: report, limit: 20)
    }

    private static func token(_ number: Int32, _ tail: String = "04") -> String { (SampleEvent.token(number).data ?? "") + tail }

    private static func fingerprint(_ number: Int32, keys: Int32 = .max, isTombstone: Bool = false) -> RecordFingerprint {
        withUnsafeBytes(of: number % keys) { key in
            RecordFingerprint(token: token(number), operation: "insert", key: key, value: isTombstone ? nil : key)
        }
    }

    private static func take(
        _ numbers: some Sequence<Int32>, of partition: Int32 = 0, keys: Int32 = .max, tombstones: Set<Int32> = [],
        _ comparison: inout TopicComparison
    ) {
        for number in numbers {
            comparison.take(
                .init(
                    topic: "t", partition: partition, offset: Int64(number), key: nil,
                    fingerprint: fingerprint(number, keys: keys, isTombstone: tombstones.contains(number))))
        }
    }

    private static func finish(_ comparison: inout TopicComparison, beginsWithTopic: Bool = true, compacted: Set<Int> = []) -> VerifyReport
    {
        comparison.finish(beginsWithTopic: beginsWithTopic, hasPublished: true, compacted: compacted)
        return comparison.report
    }

    @Test func whatRetentionTookFromOnePartitionIsNotMissing() {
        var comparison = Self.comparison(20)
        comparison.begin(topic: "t", partition: 0, isCut: true)
        comparison.begin(topic: "t", partition: 1, isCut: false)
        // The odd ones are in a partition that still has all, the even ones in one that was cut in the middle.
        Self.take([10, 12, 14, 16, 18], of: 0, &comparison)
        Self.take([1, 3, 5, 7, 9, 11, 13, 15, 17, 19], of: 1, &comparison)
        let report = Self.finish(&comparison)
        #expect(report.missing == 0)
        #expect(report.expected == 10)
        #expect(report.notes.first?.hasPrefix("the first 10 records of the range") == true)
        #expect(report.found == 15)
    }

    @Test func whatIsMissingBehindTheCutIsMissing() {
        var comparison = Self.comparison(20)
        comparison.begin(topic: "t", partition: 0, isCut: true)
        Self.take([10, 11, 13, 14, 15, 16, 17, 18, 19], &comparison)
        #expect(Self.finish(&comparison).missing == 1)
    }

    @Test func aPlaceToBeginThatWasGivenIsTakenAtItsWord() {
        var comparison = Self.comparison(20)
        comparison.begin(topic: "t", partition: 0, isCut: false)
        Self.take(5..<20, &comparison)
        var copy = comparison
        #expect(Self.finish(&comparison).missing == 0)
        #expect(Self.finish(&copy, beginsWithTopic: false).missing == 5)
    }

    @Test func aPartitionThatReachesFartherBackHidesNothing() {
        var comparison = Self.comparison(20)
        comparison.begin(topic: "t", partition: 0, isCut: true)
        comparison.take(
            .init(
                topic: "t", partition: 0, offset: 0, key: nil,
                fingerprint: RecordFingerprint(token: "8200000001", operation: "insert", key: nil, value: nil)))
        Self.take(5..<20, &comparison)
        #expect(Self.finish(&comparison).missing == 5)
    }

    @Test func anEmptiedPartitionIsToldOf() {
        var comparison = Self.comparison(4)
        comparison.begin(topic: "t", partition: 0, isCut: false)
        comparison.begin(topic: "t", partition: 1, isCut: true)
        Self.take([0, 2], &comparison)
        let report = Self.finish(&comparison)
        #expect(report.missing == 2)
        #expect(report.notes.first?.contains("t/1 lost its oldest records to retention") == true)
    }

    /// Four keys in turn; what is left are the newest records.
    @Test func whatCompactionTookIsNotMissing() {
        var comparison = Self.comparison(20, keys: 4)
        comparison.begin(topic: "t", partition: 0, isCut: false)
        Self.take([16, 17, 18, 19], keys: 4, &comparison)
        var copy = comparison
        let report = Self.finish(&comparison, beginsWithTopic: false, compacted: [0])
        #expect(report.missing == 0 && report.undecided == 16)
        #expect(Self.finish(&copy, beginsWithTopic: false).missing == 16)
    }

    @Test func theNewestRecordOfAKeyIsMissingInACompactedTopicToo() {
        var comparison = Self.comparison(20, keys: 4)
        comparison.begin(topic: "t", partition: 0, isCut: false)
        Self.take([15, 16, 17, 18], keys: 4, &comparison)
        let report = Self.finish(&comparison, beginsWithTopic: false, compacted: [0])
        #expect(report.missing == 1 && report.undecided == 15)
    }

    /// A running bridge: the newest record of a key lies behind the range, and compaction has taken those within it.
    @Test func whatALaterRecordSupersedesIsNotMissing() {
        var comparison = Self.comparison(20, keys: 4)
        comparison.begin(topic: "t", partition: 0, isCut: false)
        Self.take([17, 18, 19, 24], keys: 4, &comparison)
        let report = Self.finish(&comparison, beginsWithTopic: false, compacted: [0])
        #expect(report.missing == 0 && report.undecided == 17)
    }

    @Test func aRecordInAnotherTopicIsUnexpectedAndMissingInItsOwn() {
        var comparison = Self.comparison(2)
        for topic in ["t", "u"] { comparison.begin(topic: topic, partition: 0, isCut: false) }
        Self.take([0], &comparison)
        comparison.take(.init(topic: "u", partition: 0, offset: 0, key: nil, fingerprint: Self.fingerprint(1)))
        let report = Self.finish(&comparison, beginsWithTopic: false)
        #expect(report.missing == 1 && report.unexpected == 1)
        #expect(report.findings.first?.detail == "belongs to topic t")
    }

    @Test func keysInSeveralPartitionsAreToldOf() {
        var comparison = Self.comparison(8, keys: 4)
        for partition in 0..<2 as Range<Int32> { comparison.begin(topic: "t", partition: partition, isCut: false) }
        for number in 0..<8 as Range<Int32> {
            comparison.take(
                .init(
                    topic: "t", partition: number == 7 ? 1 : 0, offset: Int64(number), key: [UInt8(number % 4)],
                    fingerprint: Self.fingerprint(number, keys: 4)))
        }
        let report = Self.finish(&comparison)
        #expect(report.isClean)
        #expect(report.notes == ["1 keys have records in several partitions: their order is judged within each of them only"])
    }

    @Test func aTombstoneMayGoWithAllBeforeIt() {
        var comparison = Self.comparison(8, keys: 4, tombstones: [7])
        comparison.begin(topic: "t", partition: 0, isCut: false)
        Self.take([4, 5, 6], keys: 4, &comparison)
        let report = Self.finish(&comparison, beginsWithTopic: false, compacted: [0])
        #expect(report.missing == 0 && report.undecided == 5)
    }

    @Test(arguments: [
        ("oldest", StartPoint.oldest), ("now", .now),
        ("1651826079.1", .clusterTime(seconds: 1_651_826_079, increment: 1)), ("1651826079", .time(seconds: 1_651_826_079)),
        ("2022-05-06T08:34:39Z", .time(seconds: 1_651_826_079)), ("82626d45c1000000012b", .token("82626D45C1000000012B")),
    ])
    func aPlaceIsReadAsWhatItLooksLike(_ text: String, _ place: StartPoint) throws {
        #expect(try StartPoint(argument: text) == place)
    }

    @Test(arguments: ["", "yesterday", "82626D45C1000000", "1.2.3"])
    func whatIsNoPlaceIsRefused(_ text: String) {
        #expect(throws: StartPoint.UnreadablePlace.self) { try StartPoint(argument: text) }
    }
}
