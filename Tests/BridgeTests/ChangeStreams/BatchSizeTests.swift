import Testing

@testable import StreamBridge

@Suite struct BatchSizeTests {
    @Test func beginsSmallAndDoublesWhileBatchesAreFull() {
        var size = BatchSize(targetBytes: 1 << 20)
        var asked: [Int] = []
        for _ in 0..<4 {
            asked.append(size.events)
            size.adapt(events: size.events, bytes: size.events * 100)
        }
        #expect(asked == [16, 32, 64, 128])
    }

    @Test func stopsAtWhatFitsTheTarget() {
        var size = BatchSize(targetBytes: 100_000)
        for _ in 0..<20 { size.adapt(events: size.events, bytes: size.events * 1_000) }
        #expect(size.events == 100)
    }

    @Test func neverAsksForMoreThanTheMost() {
        var size = BatchSize(targetBytes: .max)
        for _ in 0..<60 { size.adapt(events: size.events, bytes: size.events) }
        #expect(size.events == 20_000)
    }

    @Test func shrinksAtOnceForLargeEventsAndComesBack() {
        var size = BatchSize(targetBytes: 1 << 20)
        for _ in 0..<10 { size.adapt(events: size.events, bytes: size.events * 10) }
        size.adapt(events: 2, bytes: 32 << 20)
        #expect(size.events == 1)
        for _ in 0..<5 { size.adapt(events: size.events, bytes: size.events * 10) }
        #expect(size.events == 32)
    }

    @Test func isUnmovedByAnEmptyOrAHalfFullBatch() {
        var size = BatchSize(targetBytes: 1 << 20)
        size.adapt(events: 0, bytes: 0)
        size.adapt(events: 3, bytes: 300)
        #expect(size.events == 16)
    }
}
