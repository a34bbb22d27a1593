import Logging
import Mongo
import Testing

@testable import StreamBridge

@Suite struct OplogHeadroomTests {
    private let now = ContinuousClock.now

    private func window(_ oldest: UInt32, _ newest: UInt32, isWhole: Bool = false) -> OplogWindow {
        OplogWindow(
            oldest: BSONTimestamp(seconds: oldest, increment: 1), newest: BSONTimestamp(seconds: newest, increment: 1), isWhole: isWhole)
    }

    private let position = BSONTimestamp(seconds: 10_000, increment: 1)

    @Test func aQuarterOfTheWindowIsTheBound() {
        var alarm = OplogHeadroom()
        #expect(alarm.line(for: position, in: window(9_000, 13_000), at: now) == nil)
        let line = alarm.line(for: position, in: window(9_001, 13_001), at: now)
        #expect(line?.level == .warning)
        #expect(line?.text.hasPrefix("only 16 min of the oplog's 66 min are left to the stored position at cluster time 10000.1 (") == true)
    }

    @Test func aWarningIsRepeatedAfterMinutesAndEndsWithALine() {
        var alarm = OplogHeadroom()
        let low = window(9_900, 13_000)
        #expect(alarm.line(for: position, in: low, at: now) != nil)
        #expect(alarm.line(for: position, in: low, at: now + .seconds(299)) == nil)
        #expect(alarm.line(for: position, in: low, at: now + .seconds(300))?.level == .warning)
        #expect(alarm.line(for: position, in: window(9_001, 13_000), at: now + .seconds(301)) == nil, "not before a third")
        let later = BSONTimestamp(seconds: 12_990, increment: 1)
        #expect(
            alarm.line(for: later, in: low, at: now + .seconds(302))
                == .init(level: .notice, text: "the stored position is well within the oplog again: 51 min of 51 min are left"))
        #expect(alarm.line(for: later, in: low, at: now + .seconds(900)) == nil)
    }

    @Test func aLostPositionIsAnError() {
        var alarm = OplogHeadroom()
        #expect(alarm.line(for: position, in: window(9_900, 13_000), at: now)?.level == .warning)
        #expect(alarm.line(for: position, in: window(10_001, 13_000), at: now)?.level == .error)
    }

    @Test func anOplogThatWasNeverCutWarnsOfNothing() {
        var alarm = OplogHeadroom()
        #expect(alarm.line(for: position, in: window(9_999, 13_000, isWhole: true), at: now) == nil)
    }
}
