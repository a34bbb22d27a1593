import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

@Suite struct OffsetLedgerTests {
    private let ledger = OffsetLedger()

    private func progress(_ partition: Int32, _ next: Int64) throws -> OffsetLedger.Progress {
        OffsetLedger.Progress(partition: partition, assignment: try #require(ledger.assignments[partition]), next: next)
    }

    @Test func commitsWhatIsAnsweredAndNothingElse() throws {
        ledger.begin([0: 5, 1: nil])
        #expect(ledger.partitions == [0, 1])
        #expect(ledger.takeUncommitted().isEmpty)
        ledger.handOver([try progress(0, 8), try progress(1, 3)])
        #expect(ledger.takeUncommitted().isEmpty)
        ledger.answered([try progress(0, 8)])
        #expect(ledger.takeUncommitted() == [0: 8])
        #expect(ledger.takeUncommitted().isEmpty)
        ledger.answered([try progress(1, 3), try progress(0, 9)])
        #expect(ledger.takeUncommitted(of: [1]) == [1: 3])
        #expect(ledger.takeUncommitted() == [0: 9])
    }

    @Test func commandsWithoutACommittedAnswerWait() throws {
        let ends: [Int32: Int64] = [0: 12, 1: 7]
        ledger.begin([0: 5, 1: nil])
        // Nothing is known of partition 1 yet.
        #expect(ledger.waiting { ends[$0] } == 7)
        ledger.took([1, 2].map { RecordCoordinates(partition: 1, offset: $0) } + [RecordCoordinates(partition: 0, offset: 5)])
        #expect(ledger.waiting { ends[$0] } == 7 + 6)
        ledger.answered([try progress(0, 12), try progress(1, 3)])
        #expect(ledger.waiting { ends[$0] } == 7 + 4)
        #expect(ledger.takeUncommitted() == [0: 12, 1: 3])
        #expect(ledger.waiting { ends[$0] } == 4)
        #expect(ledger.waiting { $0 == 0 ? nil : ends[$0] } == nil)
        ledger.end([0, 1])
        #expect(ledger.waiting { ends[$0] } == 0)
    }

    @Test func whatIsAnsweredAnewUpToTheCommittedOffsetIsNotCommittedAgain() throws {
        ledger.begin([0: 5])
        ledger.answered([try progress(0, 5)])
        #expect(ledger.takeUncommitted().isEmpty)
    }

    @Test func aCommitThatFailedIsMadeAgain() throws {
        ledger.begin([0: nil, 1: nil, 2: nil])
        ledger.answered([try progress(0, 1), try progress(1, 2)])
        #expect(ledger.takeUncommitted() == [0: 1, 1: 2])
        ledger.commitFailed()
        #expect(ledger.takeUncommitted() == [0: 1, 1: 2])
        #expect(ledger.takeUncommitted().isEmpty)
    }

    @Test func lateAnswersOfAnEarlierAssignmentMoveNothing() throws {
        ledger.begin([0: nil, 1: nil])
        let late = try progress(0, 7)
        ledger.handOver([late])
        ledger.end([0])
        #expect(ledger.partitions == [1])
        #expect(ledger.assignments[0] == nil)
        ledger.answered([late])
        #expect(ledger.takeUncommitted().isEmpty)
        // It comes back: the answer is still an old one.
        ledger.begin([0: 4])
        ledger.answered([late])
        ledger.handOver([late])
        #expect(ledger.takeUncommitted().isEmpty)
        ledger.awaitAnswers(of: [0], within: .zero)
        ledger.answered([try progress(0, 6)])
        #expect(ledger.takeUncommitted() == [0: 6])
    }

    @Test func waitsForTheAnswersOfWhatWasHandedOver() throws {
        ledger.begin([0: nil, 1: nil, 2: nil])
        ledger.handOver([try progress(0, 7), try progress(1, 9)])
        ledger.answered([try progress(0, 7)])
        // Answered, nothing handed over, not ours: nothing to wait for.
        ledger.awaitAnswers(of: [0, 2, 5], within: .seconds(600))
        let (ledger, last) = (ledger, try progress(1, 9))
        let waiting = LoopThread.start(name: "wait") { ledger.awaitAnswers(of: [0, 1], within: .seconds(600)) }
        ledger.answered([last])
        waiting.join()
        // A partition that goes need not be waited for.
        ledger.handOver([try progress(0, 8)])
        let another = LoopThread.start(name: "wait") { ledger.awaitAnswers(of: [0], within: .seconds(600)) }
        ledger.end([0])
        another.join()
    }
}
