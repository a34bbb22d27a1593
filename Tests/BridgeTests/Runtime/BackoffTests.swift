import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct BackoffTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func everyDelayLiesInTheUpperHalfOfACeilingThatDoublesToItsCap(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var backoff = Backoff(initial: .milliseconds(100), cap: .seconds(1))
        for ceiling in [100, 200, 400, 800, 1000, 1000, 1000] {
            let delay = backoff.next(using: &generator)
            #expect(delay >= .milliseconds(ceiling) / 2)
            #expect(delay <= .milliseconds(ceiling))
        }
    }

    @Test func startsOverAfterASuccess() {
        var backoff = Backoff(initial: .milliseconds(100), cap: .seconds(10))
        for _ in 0..<20 { _ = backoff.next() }
        backoff.reset()
        #expect(backoff.next() <= .milliseconds(100))
    }

    @Test func bridgesThatStartTogetherDoNotComeBackTogether() {
        var one = SeededGenerator(seed: 1)
        var other = SeededGenerator(seed: 2)
        var backoff = Backoff()
        let first = backoff.next(using: &one)
        backoff.reset()
        #expect(backoff.next(using: &other) != first)
    }
}
