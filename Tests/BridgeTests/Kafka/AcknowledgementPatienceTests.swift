import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

@Suite struct AcknowledgementPatienceTests {
    private static let start = ContinuousClock.now
    private var patience = AcknowledgementPatience()

    private mutating func look(_ waiting: Int, hasReports: Bool = false, after seconds: Double) -> WaitsFor? {
        patience.look(waiting: waiting, hasReports: hasReports, at: Self.start + .seconds(seconds))
    }

    @Test mutating func recordsThatNobodyAcknowledgesAreToldAfterSecondsAndThenOnceASecond() {
        #expect(look(2, after: 0) == nil)
        #expect(look(3, after: 4.9) == nil)
        #expect(look(3, after: 5)?.description == "Kafka has acknowledged nothing for 5 s, and 3 records wait")
        #expect(look(3, after: 5.5) == nil)
        let wait = look(3, after: 6)
        #expect(wait?.kind == .kafka)
    }

    @Test mutating func everyReportIsProgress() {
        #expect(look(3, after: 0) == nil)
        #expect(look(2, hasReports: true, after: 4) == nil)
        #expect(look(2, after: 8) == nil)
        #expect(look(2, after: 9) != nil)
    }

    @Test mutating func whoHasNothingInFlightWaitsForNothing() {
        #expect(look(1, after: 0) == nil)
        #expect(look(0, hasReports: true, after: 1) == nil)
        #expect(look(0, after: 100) == nil)
        #expect(look(1, after: 101) == nil)
        #expect(look(1, after: 105) == nil)
        #expect(look(1, after: 106) != nil)
    }

    @Test mutating func aConnectionThatHasFailedIsTheReason() {
        patience.failed(KafkaError.timedOut(operation: "reach broker 2"), at: Self.start)
        #expect(look(1, after: 10) == nil)
        let wait = look(1, after: 15)
        #expect(wait?.kind == .network)
        #expect(wait?.description.contains("reach broker 2") == true)
        // An hour later it is none.
        #expect(look(1, hasReports: true, after: 3600) == nil)
        #expect(look(1, after: 3605)?.kind == .kafka)
    }
}
