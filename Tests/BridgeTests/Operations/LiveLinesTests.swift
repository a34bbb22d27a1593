import Mongo
import Testing

@testable import StreamBridge

@Suite struct LiveLinesTests {
    private let now = ContinuousClock.now

    private func lines(
        _ streams: [(String, StreamStatus.Snapshot)], _ dispatchers: [(String, DispatchStatus.Snapshot)] = [], width: Int = 100,
        height: Int = 10
    ) -> [String] {
        LiveLines(width: width, height: height, now: now).lines(
            streams: streams.map { (name: $0, snapshot: $1) }, dispatchers: dispatchers.map { (name: $0, snapshot: $1) })
    }

    private static func stream(_ state: LoopCondition.State = .idle, _ change: (inout StreamStatus.Snapshot) -> Void = { _ in })
        -> StreamStatus.Snapshot
    {
        var snapshot = StreamStatus.Snapshot()
        _ = snapshot.condition.settle(state, subject: "the stream", at: .now)
        snapshot.lag = .milliseconds(300)
        snapshot.stored = .init(token: "82", clusterTime: BSONTimestamp(seconds: 1_769_817_600, increment: 1), storedAt: nil)
        change(&snapshot)
        return snapshot
    }

    @Test func aLineHasStateLagRateAndPosition() {
        #expect(lines([("inventory", Self.stream())]) == ["inventory  idle          lag < 1 s  0 events/s  at 2026-01-31T00:00:00Z"])
        let late = Self.stream(.streaming) { $0.lag = .seconds(90) }
        #expect(
            lines([("a", late), ("inventory", Self.stream())]) == [
                "a          streaming     lag 90 s  0 events/s  at 2026-01-31T00:00:00Z",
                "inventory  idle          lag < 1 s  0 events/s  at 2026-01-31T00:00:00Z",
            ])
    }

    @Test func aSnapshotHasABar() throws {
        let line = try #require(lines([("inventory", Self.stream(.snapshotting) { $0.documentSnapshot = .sample })]).first)
        // 1,200 of 1,400.
        #expect(line.contains("[#################---] 85%, 0 documents/s"), "\(line)")
    }

    @Test func whatIsWrongIsSaid() {
        var halted = Self.stream()
        halted.condition.halt(Halt(reason: "the \u{1b}[2J oplog\nis gone", remedy: "x", status: .lostPosition))
        #expect(lines([("inventory", halted)]) == ["inventory  halted        the \\u001b[2J oplog\\nis gone"])
        #expect(lines([("inventory", Self.stream(.standby))]) == ["inventory  standby       another process leads it"])
    }

    @Test func aDispatcherHasItsAnswers() {
        var dispatcher = DispatchStatus.Snapshot()
        _ = dispatcher.condition.settle(.streaming, subject: "the dispatcher", at: .now)
        dispatcher.load = DispatchLoad(lagRecords: 5, freeResources: 46)
        dispatcher.outcomes = ["rejected": 1, "dispatched": 40]
        dispatcher.deadLetters = 2
        #expect(
            lines([], [("shipments", dispatcher)], width: 120) == [
                "shipments  streaming     5 waiting  0 outcomes/s  46 free  40 dispatched  1 rejected  2 dead letters"
            ])
    }

    @Test(arguments: [10, 20, 40, 80])
    func noLineWraps(_ width: Int) {
        var halted = Self.stream()
        halted.condition.halt(Halt(reason: "東京 " + String(repeating: "東", count: 60), remedy: "x", status: .configuration))
        for line in lines([(String(repeating: "n", count: 100), halted), ("b", Self.stream())], width: width) {
            let columns = line.unicodeScalars.reduce(0) { $0 + ($1.value > 0x2fff ? 2 : 1) }
            #expect(columns < width, "\(line)")
        }
    }

    @Test func aSmallTerminalShowsTheFirst() {
        let all = (1...9).map { ("s\($0)", Self.stream()) }
        #expect(lines(all, height: 4).count == 4)
        #expect(lines(all, height: 4).last == "and 6 more")
    }
}
