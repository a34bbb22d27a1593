import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct BatchStallTests {
    private static let start = ContinuousClock.now
    private let stall = BatchStall(at: start)

    private func look(answered: Int, after seconds: Double) -> WaitsFor? {
        stall.look(answered: answered, of: 3, at: Self.start + .seconds(seconds))
    }

    @Test func commandsThatGetNoAnswerAreToldOnceASecond() {
        #expect(look(answered: 0, after: 9) == nil)
        let text = "MongoDB answers, but none of the 3 commands in hand could be carried out for 10 s"
        #expect(look(answered: 0, after: 10)?.description == text)
        #expect(look(answered: 0, after: 10.5) == nil)
        #expect(look(answered: 0, after: 11) != nil)
    }

    @Test func everyAnswerIsProgress() {
        #expect(look(answered: 1, after: 9) == nil)
        #expect(look(answered: 1, after: 18) == nil)
        #expect(look(answered: 1, after: 19)?.description.contains("none of the 2 commands") == true)
        stall.begin(at: Self.start + .seconds(20))
        #expect(look(answered: 0, after: 29) == nil)
    }
}
