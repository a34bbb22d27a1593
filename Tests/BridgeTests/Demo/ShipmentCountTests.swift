import Testing

@testable import StreamBridge

@Suite struct ShipmentCountTests {
    /// Two trucks out, one of them back, a command refused, a command sent twice: all of it answered.
    private static func story() -> ShipmentCount {
        var count = ShipmentCount()
        for id in ["c-1", "c-2", "c-2", "r-1", "c-4"] { count.sent(id) }
        count.sent("c-3", isMalformed: true)
        count.answered("c-1", status: "dispatched", text: "one")
        count.answered("c-2", status: "reassigned", text: "two")
        count.answered("c-2", status: "reassigned", text: "two")
        count.answered("c-3", status: "invalid", text: "three")
        count.foundDeadLetter()
        count.answered("r-1", status: "completed", text: "four")
        count.answered("c-4", status: "rejected", text: "five")
        count.active = 1
        count.trucks = 1
        return count
    }

    private static func faults(_ change: (inout ShipmentCount) -> Void) -> [Int] {
        var count = story()
        change(&count)
        return [count.missing, count.repeated, count.changed]
    }

    @Test func aStoryWithoutFaultsHasNone() {
        #expect(Self.faults { _ in } == [0, 0, 0])
        let count = Self.story()
        #expect(count.isAnswered)
        #expect(count.commands == 6)
        #expect(count.outcomes == 6)
        #expect(
            count.description
                == "6 commands in Kafka, 6 outcomes, 1 dead letter; 1 active shipments in MongoDB, 1 different trucks")
    }

    @Test func whatIsNotThereIsMissing() {
        #expect(Self.faults { $0.sent("c-5") } == [1, 0, 0])
        #expect(Self.faults { $0.sent("c-1") } == [1, 0, 0])
        #expect(
            Self.faults {
                $0.sent("c-5", isMalformed: true)
                $0.answered("c-5", status: "invalid", text: "six")
            } == [1, 0, 0])
        #expect(
            Self.faults {
                $0.active = 0
                $0.trucks = 0
            } == [1, 0, 0])
    }

    @Test func whatIsThereOnceTooOftenIsRepeated() {
        #expect(Self.faults { $0.answered("c-1", status: "dispatched", text: "one") } == [0, 1, 0])
        #expect(Self.faults { $0.foundDeadLetter() } == [0, 1, 0])
        #expect(
            Self.faults {
                $0.active = 2
                $0.trucks = 2
            } == [0, 1, 0])
    }

    @Test func aTruckThatIsOutTwiceIsRepeated() {
        #expect(
            Self.faults {
                $0.sent("c-5")
                $0.answered("c-5", status: "dispatched", text: "six")
                $0.active = 2
                $0.trucks = 1
            } == [0, 1, 0])
    }

    /// One is missing and another came twice: neither makes up for the other.
    @Test func faultsDoNotCancelOut() {
        #expect(
            Self.faults {
                $0.sent("c-5")
                $0.answered("c-1", status: "dispatched", text: "one")
            } == [1, 1, 0])
    }

    @Test func anotherAnswerToTheSameCommandIsNoticed() {
        #expect(
            Self.faults {
                $0.sent("c-1")
                $0.answered("c-1", status: "dispatched", text: "another")
            } == [0, 0, 1])
    }
}
