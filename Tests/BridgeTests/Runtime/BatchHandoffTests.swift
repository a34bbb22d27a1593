import Synchronization
import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct BatchHandoffTests {
    struct Parcel: HandoffItem, Equatable {
        var number = 0
        var byteCount: Int
        var count: Int { 1 }
    }

    struct Failure: Error, Equatable { var number: Int }

    /// Counts wake-ups and lets a test wait for them.
    private final class Bell: Sendable {
        private let rings = Mutex(0)
        private let signal = StopSignal()
        private let wanted: Int

        init(wanted: Int = .max) { self.wanted = wanted }

        var count: Int { rings.withLock { $0 } }

        @Sendable func ring() {
            if rings.withLock({
                $0 += 1; return $0 == wanted
            }) {
                signal.request(grace: .zero)
            }
        }

        /// Blocks until it rang as often as wanted.
        func wait() { _ = signal.wait(for: .seconds(60)) }
    }

    @Test func handsItemsOverInOrder() throws {
        let handoff = BatchHandoff<Parcel>(maximumBytes: 100, maximumItems: 4) {}
        for number in 0..<4 { #expect(handoff.put(Parcel(number: number, byteCount: 1))) }
        #expect(!handoff.isEmpty)
        for number in 0..<4 { #expect(try handoff.take()?.number == number) }
        #expect(try handoff.take() == nil)
        #expect(handoff.isEmpty)
    }

    @Test func wakesTheTakerForEveryItemAndForAFailure() {
        let bell = Bell()
        let handoff = BatchHandoff<Parcel>(maximumBytes: 100, maximumItems: 4, wakeTaker: bell.ring)
        _ = handoff.put(Parcel(byteCount: 1))
        _ = handoff.put(Parcel(byteCount: 1))
        handoff.fail(Failure(number: 1))
        #expect(bell.count == 3)
    }

    @Test(arguments: [(bytes: 30, items: 100), (bytes: 1000, items: 3)])
    func aFullQueueHoldsTheGiverBack(_ limit: (bytes: Int, items: Int)) throws {
        let bell = Bell(wanted: 3)
        let handoff = BatchHandoff<Parcel>(maximumBytes: limit.bytes, maximumItems: limit.items, wakeTaker: bell.ring)
        let given = Mutex(0)
        let giver = LoopThread.start(name: "giver") {
            for number in 0..<200 where handoff.put(Parcel(number: number, byteCount: 10)) { given.withLock { $0 += 1 } }
        }
        bell.wait()
        var taken = 0
        while taken < 200 {
            // Three wait, and one more went in while the one before this look was taken.
            #expect(given.withLock { $0 } <= taken + 3)
            guard let parcel = try handoff.take() else { continue }
            #expect(parcel.number == taken)
            taken += 1
        }
        giver.join()
        #expect(given.withLock { $0 } == 200)
    }

    @Test func thereIsRoomWhenTheTakerIsDoneWithALargeItem() throws {
        let handoff = BatchHandoff<Parcel>(maximumBytes: 10, maximumItems: 4) {}
        #expect(handoff.awaitRoom())
        #expect(handoff.put(Parcel(number: 0, byteCount: 5_000)))
        let order = Mutex<[String]>([])
        let giver = LoopThread.start(name: "giver") {
            _ = handoff.awaitRoom()
            order.withLock { $0.append("room") }
        }
        #expect(try handoff.take()?.number == 0)
        order.withLock { $0.append("done") }
        #expect(try handoff.take() == nil)
        giver.join()
        #expect(order.withLock { $0 } == ["done", "room"])
    }

    @Test func nobodyWaitsForRoomInAClosedQueue() {
        let handoff = BatchHandoff<Parcel>(maximumBytes: 10, maximumItems: 4) {}
        #expect(handoff.put(Parcel(byteCount: 5_000)))
        let giver = LoopThread.start(name: "giver") { _ = handoff.awaitRoom() }
        handoff.close()
        giver.join()
        #expect(!handoff.awaitRoom())
    }

    @Test func anItemLargerThanTheBoundPassesAlone() throws {
        let handoff = BatchHandoff<Parcel>(maximumBytes: 10, maximumItems: 4) {}
        #expect(handoff.put(Parcel(number: 0, byteCount: 5_000)))
        let order = Mutex<[String]>([])
        let giver = LoopThread.start(name: "giver") {
            _ = handoff.put(Parcel(number: 1, byteCount: 1))
            order.withLock { $0.append("second is in") }
        }
        order.withLock { $0.append("taking the first") }
        #expect(try handoff.take()?.number == 0)
        giver.join()
        #expect(order.withLock { $0 } == ["taking the first", "second is in"])
        #expect(try handoff.take()?.number == 1)
    }

    @Test func aPositionWithoutEventsWeighsNothing() {
        let handoff = BatchHandoff<Parcel>(maximumBytes: 10, maximumItems: 3) {}
        #expect(handoff.put(Parcel(byteCount: 10)))
        #expect(handoff.put(Parcel(byteCount: 0)))
        #expect(handoff.put(Parcel(byteCount: 0)))
    }

    @Test func closingReleasesABlockedGiver() throws {
        let handoff = BatchHandoff<Parcel>(maximumBytes: 10, maximumItems: 1) {}
        #expect(handoff.put(Parcel(byteCount: 10)))
        let answer = Mutex<Bool?>(nil)
        let giver = LoopThread.start(name: "giver") {
            let accepted = handoff.put(Parcel(byteCount: 10))
            answer.withLock { $0 = accepted }
        }
        handoff.close()
        giver.join()
        #expect(answer.withLock { $0 } == false)
        #expect(!handoff.put(Parcel(byteCount: 1)))
        #expect(handoff.isEmpty)
    }

    @Test func aFailureComesAfterTheItemsBeforeIt() throws {
        let handoff = BatchHandoff<Parcel>(maximumBytes: 10, maximumItems: 2) {}
        _ = handoff.put(Parcel(number: 1, byteCount: 1))
        handoff.fail(Failure(number: 1))
        handoff.fail(Failure(number: 2))
        #expect(try handoff.take()?.number == 1)
        for _ in 0..<2 { #expect(throws: Failure(number: 1)) { try handoff.take() } }
    }
}
