import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct FailingAttemptsTests {
    private static let start = ContinuousClock.now
    private static let broken = MongoError(kind: .network, operation: "read", message: "broken")
    private static let refused = MongoError(kind: .server(code: 8000), operation: "insert", message: "not this one")

    private static func after(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    /// What probes are told of a condition: whether it is ready, and healthy.
    private static func verdict(_ condition: LoopCondition, _ seconds: Int) -> [Bool] {
        [condition.lastingFailures(at: after(seconds)).isEmpty, condition.refusals(at: after(seconds)).isEmpty]
    }

    @Test func oneRetryIsNoReasonToCallABridgeUnready() {
        var condition = LoopCondition()
        condition.trouble(with: .mongodb, Self.refused, at: Self.after(0))
        #expect(Self.verdict(condition, 4) == [true, true])
        #expect(Self.verdict(condition, 5) == [false, true])
        condition.answered(by: .mongodb)
        #expect(Self.verdict(condition, 5) == [true, true])
    }

    @Test func whatAServerRefusesForAMinuteIsUnhealthy() {
        var condition = LoopCondition()
        for second in stride(from: 0, through: 60, by: 10) { condition.trouble(with: .mongodb, Self.refused, at: Self.after(second)) }
        #expect(Self.verdict(condition, 59) == [false, true])
        #expect(Self.verdict(condition, 60) == [false, false])
        #expect(condition.refusals(at: Self.after(60)).map(\.since) == [Self.start])
        condition.progressed(.loop, with: .mongodb)
        #expect(Self.verdict(condition, 60) == [true, true])
    }

    @Test(arguments: [broken, MongoError(kind: .server(code: 189), operation: "read", message: "stepped down")] as [any Error])
    func aServerThatCannotBeReachedIsNotTheBridgesFault(_ error: any Error) {
        var condition = LoopCondition()
        for second in stride(from: 0, through: 600, by: 10) { condition.trouble(with: .mongodb, error, at: Self.after(second)) }
        #expect(Self.verdict(condition, 600) == [false, true])
        // The minute begins when it answers.
        condition.trouble(with: .mongodb, Self.refused, at: Self.after(610))
        #expect(Self.verdict(condition, 660) == [false, true])
        #expect(Self.verdict(condition, 670) == [false, false])
    }

    @Test func whatOthersWorkOnIsWaitedFor() {
        var condition = LoopCondition()
        for second in stride(from: 0, through: 600, by: 10) {
            condition.trouble(with: .mongodb, WaitsFor(description: "the index is being built", kind: .waiting), at: Self.after(second))
        }
        #expect(Self.verdict(condition, 600) == [false, true])
        #expect(condition.retries[.waiting] == 61)
    }

    @Test func sessionsThatBeginAnewAndFailAgainMakeNoProgress() {
        var condition = LoopCondition()
        for second in stride(from: 0, through: 60, by: 12) {
            condition.trouble(with: .kafka, WaitsFor(description: "fenced"), of: .session, at: Self.after(second))
            // The next one connects.
            condition.answered(by: .kafka)
        }
        #expect(condition.settle(.streaming, subject: "the stream", at: Self.start) == nil)
        #expect(condition.state != .retrying)
        #expect(Self.verdict(condition, 60) == [false, false])
        // None has failed since.
        #expect(Self.verdict(condition, 91) == [true, true])
        condition.progressed(.session)
        #expect(Self.verdict(condition, 60) == [true, true])
    }

    @Test func aFailureThatComesBackLateIsANewOne() {
        var condition = LoopCondition()
        condition.trouble(with: .kafka, WaitsFor(description: "fenced"), of: .session, at: Self.after(0))
        condition.answered(by: .kafka)
        condition.trouble(with: .kafka, WaitsFor(description: "fenced"), of: .session, at: Self.after(31))
        #expect(Self.verdict(condition, 32) == [true, true])
        #expect(Self.verdict(condition, 36) == [false, true])
    }

    @Test func aWorkerThatIsRefusedIsNotHiddenByThoseThatWork() {
        let status = DispatchStatus(dispatcher: "shipments", logger: .silent)
        status.owns(partitions: 4)
        status.mongoFailed(Self.refused, of: .worker(1))
        status.mongoAnswered(.worker(0))
        status.carriedOut(by: 0)
        #expect(status.snapshot.state == .retrying)
        #expect(status.snapshot.reason?.contains("not this one") == true)
        status.mongoAnswered(.worker(1))
        #expect(status.snapshot.state == .streaming)
        status.mongoFailed(Self.refused, of: .worker(1))
        status.carriedOut(by: 1)
        #expect(status.snapshot.state == .streaming)
        #expect(status.snapshot.condition.lastingFailures(at: .now + .seconds(5)).isEmpty)
    }

    @Test func aLookupThatFailsIsNotHiddenByTheReader() {
        let status = StreamStatus(stream: "fruits", logger: .silent)
        status.mongoFailed(Self.refused, of: .lookup)
        status.read(events: 1, upTo: .sample(1), clusterTime: nil)
        #expect(status.snapshot.state == .retrying)
        status.lookedUp()
        #expect(status.snapshot.state == .streaming)
    }

    @Test func theReasonIsThatOfTheNewestKindOfFailure() {
        let status = StreamStatus(stream: "fruits", logger: .silent)
        status.mongoFailed(Self.broken)
        status.mongoFailed(MongoError(kind: .network, operation: "read", message: "still broken"))
        #expect(status.snapshot.reason?.contains("still") == false)
        status.mongoFailed(Self.refused)
        #expect(status.snapshot.reason?.contains("not this one") == true)
    }

    @Test func aHaltIsNoRetry() {
        var condition = LoopCondition()
        for second in 0...60 { condition.trouble(with: .mongodb, Self.refused, at: Self.after(second)) }
        condition.halt(Halt(reason: "it is broken", remedy: "Fix it", status: .configuration))
        #expect(Self.verdict(condition, 60) == [true, true])
    }
}
