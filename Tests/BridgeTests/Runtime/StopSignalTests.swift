import Synchronization
import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct StopSignalTests {
    @Test func aRequestEndsAWait() {
        let stop = StopSignal()
        let answer = Mutex<Bool?>(nil)
        let waiter = LoopThread.start(name: "waiter") {
            let stopped = stop.wait(for: .seconds(600))
            answer.withLock { $0 = stopped }
        }
        stop.request(grace: .seconds(60))
        waiter.join()
        #expect(answer.withLock { $0 } == true)
    }

    @Test func aWaitEndsByItselfWithoutARequest() {
        #expect(!StopSignal().wait(for: .milliseconds(1)))
    }

    @Test func nothingIsRequestedOrOverdueAtFirst() {
        let stop = StopSignal()
        #expect(!stop.isRequested)
        #expect(!stop.isOverdue)
        #expect(stop.deadline == nil)
    }

    @Test func theFirstRequestDecidesTheDeadline() throws {
        let stop = StopSignal()
        stop.request(grace: .seconds(600))
        let deadline = try #require(stop.deadline)
        stop.request(grace: .zero)
        #expect(stop.deadline == deadline)
        #expect(!stop.isOverdue)
    }

    @Test func isOverdueWhenTheGraceIsOver() {
        let stop = StopSignal()
        stop.request(grace: .zero)
        #expect(stop.isRequested)
        #expect(stop.isOverdue)
    }

    @Test func everyWakerIsCalledOnceAndOnlyWhileItsWorkRuns() {
        let stop = StopSignal()
        let calls = Mutex<[String]>([])
        stop.waking {
            calls.withLock { $0.append("gone") }
        } while: {
        }
        stop.waking {
            calls.withLock { $0.append("early") }
        } while: {
            stop.request(grace: .zero)
            stop.request(grace: .zero)
        }
        stop.waking {
            calls.withLock { $0.append("late") }
        } while: {
        }
        #expect(calls.withLock { $0 } == ["early", "late"])
    }
}
