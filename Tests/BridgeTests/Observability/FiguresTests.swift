import Logging
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

@Suite struct FiguresTests {
    private let start = ContinuousClock.now

    // MARK: Rates

    @Test func aRateIsOverTheLastTenWholeSeconds() {
        var window = RateWindow(start: start)
        #expect(window.perSecond(at: start) == 0)
        for second in 0..<10 { window.add(100, at: start + .milliseconds(second * 1000 + 500)) }
        // The tenth second is not over.
        #expect(window.perSecond(at: start + .milliseconds(9900)) == 90)
        #expect(window.perSecond(at: start + .seconds(10)) == 100)
        #expect(window.perSecond(at: start + .seconds(15)) == 50)
        #expect(window.perSecond(at: start + .seconds(20)) == 0)
    }

    @Test func aRateForgetsWhatIsLongAgo() {
        var window = RateWindow(start: start)
        window.add(1000, at: start)
        window.add(10, at: start + .seconds(1000))
        #expect(window.perSecond(at: start + .seconds(1001)) == 1)
        #expect(window.perSecond(at: start + .seconds(100_000)) == 0)
    }

    // MARK: Distributions

    @Test func aDistributionTellsItsPercentiles() throws {
        var distribution = Distribution.ofDurations()
        #expect(distribution.percentile(50) == nil)
        #expect(distribution.maximum == nil)
        for milliseconds in 1...100 { distribution.record(.milliseconds(milliseconds)) }
        #expect(distribution.count == 100)
        #expect(abs(distribution.sum - 5.05) < 1e-9)
        #expect(try abs(#require(distribution.percentile(50)) - 0.05) < 0.001)
        #expect(try abs(#require(distribution.percentile(99)) - 0.099) < 0.002)
        #expect(try abs(#require(distribution.maximum) - 0.1) < 0.002)
    }

    @Test func aValueBeyondTheLargestOneCounts() {
        var distribution = Distribution.ofDurations()
        distribution.record(.seconds(100_000))
        distribution.record(.seconds(-1))
        #expect(distribution.count == 2)
        #expect(distribution.cumulativeCounts.last == 1)
    }

    // MARK: Operations

    @Test(arguments: ChangeOperation.allCases)
    func everyOperationIsKnownByItsName(_ operation: ChangeOperation) throws {
        let text = Array("xx\(operation.name)".utf8)
        text.withUnsafeBytes { #expect(ChangeOperation(2..<text.count, in: $0.bytes) == operation) }
        text.withUnsafeBytes { #expect(ChangeOperation(1..<text.count, in: $0.bytes) == .other) }
    }

    // MARK: Time

    @Test func theClusterClockGoesOnWhileNobodyAnswers() {
        let clock = ClusterClock()
        #expect(clock.age(of: BSONTimestamp(seconds: 90, increment: 0), at: start) == nil)
        clock.reported(BSONTimestamp(seconds: 100, increment: 1), at: start)
        #expect(clock.age(of: BSONTimestamp(seconds: 90, increment: 0), at: start) == .seconds(10))
        #expect(clock.age(of: BSONTimestamp(seconds: 100, increment: 1), at: start + .seconds(5)) == .seconds(5))
        // A member that is behind answers.
        clock.reported(BSONTimestamp(seconds: 95, increment: 1), at: start + .seconds(5))
        #expect(clock.age(of: BSONTimestamp(seconds: 90, increment: 0), at: start + .seconds(5)) == .seconds(10))
        #expect(clock.age(of: BSONTimestamp(seconds: 200, increment: 0), at: start + .seconds(5)) == .zero)
    }

    // MARK: Retries

    @Test(
        arguments: [
            (.network, .network), (.serverSelection, .network), (.server(code: 9001), .network), (.server(code: 10107), .election),
            (.server(code: 91), .election), (.server(code: 262), .timeout), (.server(code: 64), .timeout), (.server(code: 43), .other),
            (.authentication, .other),
        ] as [(MongoError.Kind, RetryClass)])
    func errorsOfMongoDBHaveAClass(_ kind: MongoError.Kind, _ expected: RetryClass) {
        #expect(StreamFailure.retryClass(of: MongoError(kind: kind, operation: "x", message: "x")) == expected)
    }

    @Test(
        arguments: [
            (-195, .network), (-187, .network), (-185, .timeout), (7, .timeout), (-144, .fenced), (90, .fenced), (22, .fenced),
            (6, .election),
            (16, .election), (19, .kafka),
        ] as [(KafkaError.Code, RetryClass)])
    func errorsOfKafkaHaveAClass(_ code: KafkaError.Code, _ expected: RetryClass) {
        let error = KafkaError(code: code, operation: "x", message: "x")
        #expect(StreamFailure.retryClass(of: error) == expected, "\(error.code)")
        let refused = RecordRefused(error: error, topic: "t", key: nil, size: 0, index: nil)
        #expect(StreamFailure.retryClass(of: refused) == expected)
    }

    // MARK: Conditions

    private static let broken = MongoError(kind: .network, operation: "read", message: "broken")

    @Test func aConditionKeepsWhyAndWhatMendsIt() {
        var condition = LoopCondition()
        condition.trouble(with: .mongodb, Self.broken)
        #expect(condition.settle(.streaming, subject: "the stream", at: start)?.level == .warning)
        #expect(condition.state == .retrying)
        #expect(condition.silent[.mongodb]?.contains("broken") == true)
        condition.trouble(with: .mongodb, Self.broken)
        #expect(condition.retries == [.network: 2])
        condition.answered(by: .mongodb)
        _ = condition.settle(.streaming, subject: "the stream", at: start)
        #expect(condition.state == .streaming)
        #expect(condition.reason == nil)
        #expect(condition.silent.isEmpty)
        condition.halt(Halt(reason: "it is broken", remedy: "Fix it", status: .configuration))
        #expect(condition.settle(.streaming, subject: "the stream", at: start) == nil)
        #expect(condition.state == .halted)
        #expect(condition.reason == "it is broken")
        #expect(condition.remedy == "Fix it")
        #expect(condition.halts == 1)
    }

    @Test func aServerThatRefusesIsNotSilent() {
        var condition = LoopCondition()
        condition.trouble(with: .mongodb, MongoError(kind: .server(code: 43), operation: "read", message: "no such cursor"))
        #expect(condition.silent.isEmpty)
    }
}
