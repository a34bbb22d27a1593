import Logging
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

@Suite struct OutagesTests {
    private static let start = ContinuousClock.now

    /// The lines after each change, at one second each.
    private static func lines(_ changes: [(inout Outages) -> Void]) -> [Outages.Line?] {
        var outages = Outages()
        return changes.enumerated().map { second, change in
            change(&outages)
            return outages.takeLine(subject: "the dispatcher", at: start + .seconds(second))
        }
    }

    private static func retrying(_ text: String) -> Outages.Line {
        Outages.Line(level: .warning, text: "retrying: \(text); nothing is lost, the dispatcher continues when it can")
    }

    private static func back(_ time: Duration) -> Outages.Line {
        Outages.Line(level: .notice, text: "back after \(time.readable)")
    }

    @Test func aTroubleIsToldOnceWhenItBeginsAndOnceWhenItEnds() {
        let lines = Self.lines([
            { _ in }, { $0.mongoDB = "no primary" }, { $0.mongoDB = "no primary" }, { $0.mongoDB = nil }, { _ in },
        ])
        #expect(lines == [nil, Self.retrying("no primary"), nil, Self.back(.seconds(2)), nil])
    }

    @Test func anotherReasonIsToldOnceUntilAllIsWell() {
        let lines = Self.lines([
            { $0.mongoDB = "no primary" }, { $0.mongoDB = "not allowed" }, { $0.mongoDB = "no primary" }, { $0.mongoDB = "not allowed" },
            { $0.mongoDB = nil }, { $0.mongoDB = "not allowed" },
        ])
        #expect(
            lines == [
                Self.retrying("no primary"), Self.retrying("not allowed"), nil, nil, Self.back(.seconds(4)), Self.retrying("not allowed"),
            ])
    }

    @Test func theEndIsToldWhenBothAreBack() {
        let lines = Self.lines([
            { $0.kafka = "no broker" }, { $0.mongoDB = "no primary" }, { $0.kafka = nil }, { $0.mongoDB = nil }, { $0.kafka = "again" },
            { $0.kafka = nil },
        ])
        #expect(lines[0] == Self.retrying("no broker"))
        #expect(lines[1]?.level == .warning)
        #expect(lines[2] == nil)
        #expect(lines[3] == Self.back(.seconds(3)))
        #expect(lines[4] == Self.retrying("again"))
        #expect(lines[5] == Self.back(.seconds(1)))
    }

    @Test func theReasonIsMongoDBsFirst() {
        var outages = Outages()
        #expect(outages.reason == nil)
        outages.kafka = "no broker"
        #expect(outages.reason == "no broker")
        outages.mongoDB = "no primary"
        #expect(outages.reason == "no primary")
    }

    @Test func aForgottenTroubleIsNotToldToBeOverAndIsToldAnew() {
        let lines = Self.lines([
            { $0.mongoDB = "no primary" }, { $0.forgetMongoDB() }, { _ in }, { $0.mongoDB = "no primary" }, { $0.mongoDB = nil },
        ])
        #expect(lines == [Self.retrying("no primary"), nil, nil, Self.retrying("no primary"), Self.back(.seconds(1))])
    }

    @Test func theOtherTroubleOutlastsAForgottenOne() {
        let lines = Self.lines([
            { $0.kafka = "no broker" }, { $0.mongoDB = "no primary" }, { $0.forgetMongoDB() }, { $0.kafka = nil },
        ])
        #expect(lines[2] == nil)
        #expect(lines[3] == Self.back(.seconds(3)))
    }

    @Test func aDispatcherWithoutPartitionsHasNoTroubleWithMongoDB() {
        let status = DispatchStatus(dispatcher: "shipments", logger: .silent)
        status.owns(partitions: 1)
        status.mongoFailed(MongoError(kind: .network, operation: "insert", message: "broken"))
        #expect(status.snapshot.state == .retrying)
        status.owns(partitions: 0)
        #expect(status.snapshot.state == .standby)
        #expect(status.snapshot.condition.silent.isEmpty)
        // It is a member of the group all the same.
        status.kafkaFailed(KafkaError.timedOut(operation: "join"))
        status.owns(partitions: 0)
        #expect(status.snapshot.state == .retrying)
    }
}
