import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct SettlingTimeTests {
    @Test func growsWithRefusalsUpToALimitAndShrinksSlowlyWithout() {
        var settling = SettlingTime()
        #expect(settling.time == .milliseconds(1))
        for refusals in 1...3 { settling.settle(refusals: refusals) }
        let grown = settling.time
        #expect(grown > .milliseconds(3))
        for _ in 0..<50 { settling.settle(refusals: 3) }
        #expect(settling.time > grown / 2 && settling.time < grown)
        for _ in 0..<5000 { settling.settle(refusals: 3) }
        #expect(settling.time == .milliseconds(1))
        for refusals in 4...100 { settling.settle(refusals: refusals) }
        #expect(settling.time == .milliseconds(20))
    }
}
