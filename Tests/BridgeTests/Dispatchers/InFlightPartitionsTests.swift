import Synchronization
import Testing

@testable import Runtime
@testable import StreamBridge

/// A worker's hands, and the consumer that waits until they are empty of some partitions.
@Suite struct InFlightPartitionsTests {
    @Test func handsThatHoldOtherPartitionsNeedNotBeWaitedFor() {
        let hands = InFlightPartitions()
        hands.take()
        hands.hold([1, 2])
        #expect(hands.await(emptyOf: [3], within: .zero, wake: {}))
        #expect(!hands.await(emptyOf: [2, 3], within: .zero, wake: {}))
        hands.hold([])
        #expect(hands.await(emptyOf: [2], within: .zero, wake: {}))
    }

    @Test func whoTakesRecordsHasToBeginAnotherTurn() {
        let hands = InFlightPartitions()
        // It may just have got one of them and not told yet.
        hands.take()
        #expect(!hands.await(emptyOf: [1], within: .zero, wake: {}))
        let (isWoken, isLaidDown) = (Monitor(false), Monitor(false))
        let consumer = Monitor<Bool?>(nil)
        let thread = LoopThread.start(name: "consumer") {
            let isEmpty = hands.await(emptyOf: [1], within: .seconds(600)) { isWoken.update { $0 = true } }
            consumer.update { $0 = isEmpty && isLaidDown.read { $0 } }
        }
        isWoken.wait { $0 ? () : nil }
        hands.hold([1])
        isLaidDown.update { $0 = true }
        hands.take()
        thread.join()
        #expect(consumer.read { $0 } == true)
    }

    @Test func aTurnWithoutRecordsIsEnough() {
        let hands = InFlightPartitions()
        hands.take()
        let isWoken = Monitor(false)
        let result = Monitor(false)
        let thread = LoopThread.start(name: "consumer") {
            let isEmpty = hands.await(emptyOf: [1], within: .seconds(600)) { isWoken.update { $0 = true } }
            result.update { $0 = isEmpty }
        }
        isWoken.wait { $0 ? () : nil }
        hands.take()
        thread.join()
        #expect(result.read { $0 })
    }

    @Test func abandonedPartitionsAreLetGoOf() {
        let hands = InFlightPartitions()
        hands.take()
        hands.hold([1, 2])
        #expect(hands.release().isEmpty)
        let worker = LoopThread.start(name: "worker") {
            hands.wait(for: .seconds(600))
            _ = hands.release()
        }
        hands.abandon([2, 3])
        #expect(hands.await(emptyOf: [2, 3], within: .seconds(600), wake: {}))
        worker.join()
        #expect(!hands.await(emptyOf: [1], within: .zero, wake: {}))
        // Ours again: nothing of it is let go of.
        hands.accept([2])
        hands.hold([2])
        #expect(hands.release().isEmpty)
        hands.hold([3])
        #expect(hands.release() == [3])
        #expect(hands.release().isEmpty)
    }

    @Test func aPokeEndsAWait() {
        let hands = InFlightPartitions()
        let isDone = Monitor(false)
        let worker = LoopThread.start(name: "worker") {
            hands.wait(for: .seconds(600))
            isDone.update { $0 = true }
        }
        // It may come before the wait begins, and then it ends the next one only: so again and again.
        while !isDone.wait(within: .milliseconds(1), until: { $0 }) { hands.wake() }
        worker.join()
    }

    @Test func aWorkerThatHasEndedHoldsNothing() {
        let hands = InFlightPartitions()
        hands.take()
        hands.hold([1])
        hands.leave()
        #expect(hands.await(emptyOf: [1], within: .zero, wake: {}))
    }

    /// The race that the turns are for: the worker takes records of a partition just before it is paused, and tells
    /// after.
    @Test func whateverTheThreadsDoNothingIsInHandAfterTheWait() {
        let hands = InFlightPartitions()
        let partitions: [Int32] = [0, 1, 2]
        let paused = Mutex<Set<Int32>>([])
        let inHand = Mutex<Set<Int32>>([])
        let isOver = Mutex(false)
        let worker = LoopThread.start(name: "worker") {
            var random = SeededGenerator(seed: 7)
            while !isOver.withLock({ $0 }) {
                hands.take()
                // A paused partition hands out nothing.
                let taken = paused.withLock { paused -> Set<Int32> in
                    let taken = Set(partitions.filter { _ in random.below(2) == 0 }).subtracting(paused)
                    inHand.withLock { $0 = taken }
                    return taken
                }
                guard !taken.isEmpty else { continue }
                hands.hold(taken)
                inHand.withLock { $0 = [] }
            }
            hands.leave()
        }
        var random = SeededGenerator(seed: 8)
        for _ in 0..<5000 {
            let partition = random.pick(partitions)
            paused.withLock { _ = $0.insert(partition) }
            #expect(hands.await(emptyOf: [partition], within: .seconds(600), wake: {}))
            #expect(inHand.withLock { !$0.contains(partition) })
            paused.withLock { _ = $0.remove(partition) }
        }
        isOver.withLock { $0 = true }
        worker.join()
    }
}
