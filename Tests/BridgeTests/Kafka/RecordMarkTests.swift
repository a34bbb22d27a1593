import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

@Suite struct RecordMarkTests {
    private let kafka: TestKafka
    private let topic = UniqueName.make("marks")

    init() throws {
        kafka = try TestKafka.shared.get()
        try kafka.make(topic: topic)
    }

    private func lookup() throws -> RecordLookup { try RecordLookup(topic: topic, settings: kafka.settings) }

    private func produce(_ records: [(key: [UInt8]?, value: [UInt8])]) throws {
        let producer = try ReportingProducer(kafka.settings)
        for (number, record) in records.enumerated() {
            #expect(try producer.produce(topic, key: record.key, value: record.value, timestamp: Int64(1_700_000_000_000 + number)))
        }
        try producer.wait(acknowledged: records.count)
    }

    @Test func aRecordIsFoundAgainByItsMark() throws {
        try produce((0..<5).map { (Array("k".utf8), Array("value \($0)".utf8)) })
        let lookup = try lookup()
        guard case .record(let mark)? = try lookup.find(at: [0: 3], timeout: .seconds(30))[0] else { throw WaitedInVain(what: "a record") }
        #expect(mark.offset == 3)
        #expect(mark.timestamp == 1_700_000_000_003)
        #expect(RecordMark(text: mark.text) == mark)
        #expect(try lookup.find(at: [0: 3], timeout: .seconds(30)) == [0: .record(mark)])
        #expect(try lookup.find(at: [0: 2], timeout: .seconds(30)) != [0: .record(mark)])
        #expect(try lookup.find(at: [0: 5], timeout: .seconds(30)) == [0: .end(at: 5)])
        #expect(try lookup.find(at: [0: 77], timeout: .seconds(30)) == [0: .beyond])
        #expect(try lookup.find(at: [:], timeout: .seconds(30)).isEmpty)
    }

    @Test func whateverIsOtherInARecordMakesAnotherMark() throws {
        let records: [(key: [UInt8]?, value: [UInt8])] = [(nil, [1]), ([], [1]), ([1], []), ([1], [1]), ([1, 1], [1]), ([1], [1, 1])]
        try produce(records)
        let lookup = try lookup()
        var checksums: Set<UInt64> = []
        for offset in records.indices {
            let found = try lookup.find(at: [0: Int64(offset)], timeout: .seconds(30))
            guard case .record(let mark)? = found[0] else { throw WaitedInVain(what: "record \(offset), found \(found)") }
            #expect(mark.offset == Int64(offset))
            checksums.insert(mark.checksum)
        }
        #expect(checksums.count == records.count)
    }

    @Test(arguments: [
        "", "bridge-mark-1 5 6", "bridge-mark-2 5 6 7", "bridge-mark-1 -5 6 7", "bridge-mark-1 5 6 7 8", "bridge-mark-1 5 6 xyz",
    ])
    func whatSomebodyElseStoresWithAnOffsetIsNoMark(_ text: String) { #expect(RecordMark(text: text) == nil) }

    // MARK: Commands

    private func continuity(_ requests: RequestCounts = RequestCounts()) throws -> CommandContinuity {
        var settings = DispatcherSettings.sample()
        settings.commands = topic
        return CommandContinuity(
            of: settings, bridge: "b", kafka: kafka.settings, requests: requests, stop: StopSignal(), isCompacted: { false })
    }

    private func mark(_ offset: Int64, timestamp: Int64) throws -> CommittedOffset {
        let mark = try #require(RecordMark(text: "bridge-mark-1 \(offset) \(timestamp) 77"))
        return CommittedOffset(offset: offset + 1, metadata: mark.text)
    }

    @Test func aCommittedOffsetOfAnotherTopicHalts() throws {
        try produce((0..<5).map { (nil, Array("value \($0)".utf8)) })
        for (place, words) in [(2, "another record at offset 2"), (9, "ends before offset 9")] as [(Int64, String)] {
            let halt = try #require(throws: Halt.self) { try continuity().begin([0: mark(place, timestamp: 5)]) }
            #expect(halt.status == .lostPosition)
            #expect(halt.reason.contains("\(topic)/0") && halt.reason.contains(words), "\(halt)")
            #expect(halt.remedy.contains("--group bridge.b."), "\(halt)")
        }
    }

    @Test func anOffsetWithoutAMarkAndOneThatItsRecordBearsOutGoOn() throws {
        try produce((0..<5).map { (nil, Array("value \($0)".utf8)) })
        let continuity = try continuity()
        try continuity.begin([0: .some(CommittedOffset(offset: 5, metadata: ""))])
        let mark = try #require(continuity.mark(of: 0))
        #expect(mark.offset == 4)
        let other = try self.continuity()
        try other.begin([0: .some(CommittedOffset(offset: 5, metadata: mark.text))])
        #expect(other.mark(of: 0) == mark)
        let fresh = try self.continuity()
        let none: CommittedOffset? = nil
        try fresh.begin([0: none])
        #expect(fresh.mark(of: 0) == nil)
        #expect(fresh.due([0]).isEmpty)
    }

    /// A new topic with as many commands as were read gives nothing else to notice it by.
    @Test func anIdlePartitionIsLookedAtAgainWhenTheClientHasAskedWhereItIs() throws {
        try produce((0..<5).map { (nil, Array("value \($0)".utf8)) })
        let requests = RequestCounts()
        let continuity = try continuity(requests)
        let none: CommittedOffset? = nil
        try continuity.begin([0: none])
        // Nothing was read of it.
        requests.sent(3)
        #expect(continuity.dueWhenIdle([0]).isEmpty)
        try continuity.begin([0: .some(CommittedOffset(offset: 5, metadata: ""))])
        #expect(continuity.dueWhenIdle([0]).isEmpty)
        requests.sent(3)
        #expect(continuity.dueWhenIdle([0, 1]) == [0])
        try continuity.look(at: [0])
        #expect(continuity.dueWhenIdle([0]).isEmpty)
    }

    @Test func aRecordThatWasDeletedForItsAgeOrCompactedIsNoLoss() throws {
        let mark = try #require(RecordMark(text: "bridge-mark-1 7 5 77"))
        let later = try #require(RecordMark(text: "bridge-mark-1 8 5 77"))
        #expect(CommandContinuity.reason(against: .trimmed, mark) { false } == nil)
        #expect(CommandContinuity.reason(against: .record(later), mark) { true } == nil)
        #expect(CommandContinuity.reason(against: .record(later), mark) { nil } == nil)
        #expect(CommandContinuity.reason(against: .record(later), mark) { false } != nil)
        #expect(CommandContinuity.reason(against: .record(mark), mark) { false } == nil)
        #expect(CommandContinuity.reason(against: .beyond, mark) { true } != nil)
        #expect(CommandContinuity.reason(against: .end(at: 7), mark) { true } != nil)
        // Behind it are markers of transactions only.
        #expect(CommandContinuity.reason(against: .end(at: 9), mark) { true } == nil)
        #expect(CommandContinuity.reason(against: .end(at: 9), mark) { false } != nil)
    }

    /// A leader that was just elected may hide the newest records for a while.
    @Test func aPartitionThatEndsWhereARecordWasReadIsLookedAtAgain() throws {
        try produce((0..<5).map { (nil, Array("value \($0)".utf8)) })
        let continuity = try continuity()
        let error = try #require(throws: KafkaError.self) { try continuity.begin([0: mark(5, timestamp: 5)]) }
        #expect(error.code == .offsetNotAvailable)
        #expect("\(error)".contains("offset 5 of \(topic)/0"), "\(error)")
        let restart = DispatchFailure(error, dispatcher: .sample(), of: "b", kafka: kafka.settings)
        guard case .restart = restart else { throw WaitedInVain(what: "another try; it is \(restart)") }
        // It stays so.
        let deadline = ContinuousClock.now + Patience.limit
        var backoff = Backoff(initial: .milliseconds(200), cap: .seconds(1))
        var halt: Halt?
        while halt == nil, .now < deadline {
            do { try continuity.begin([0: mark(5, timestamp: 5)]) } catch { halt = error as? Halt }
            backoff.pause()
        }
        #expect(halt?.reason.contains("ends before offset 5") == true, "\(halt.map { "\($0)" } ?? "none")")
    }
}
