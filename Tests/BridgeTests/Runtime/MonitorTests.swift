import Foundation
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// Nobody may set the machine's clock for a test. So the two halves are shown apart: the deadline is a time of the
/// monotonic clock, and the condition reads it as one. (A condition of the wall clock takes a monotonic deadline, which
/// is some years after 1970, for one that has long passed, and does not wait at all. A deadline of the wall clock would
/// be half a century of uptime away.)
@Suite struct MonitorTests {
    private static func now(_ clock: clockid_t) -> Duration {
        var time = timespec()
        clock_gettime(clock, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    @Test(arguments: [Duration.zero, .milliseconds(1), .seconds(3600)])
    func aDeadlineIsATimeOfTheMonotonicClock(_ limit: Duration) {
        let before = Self.now(CLOCK_MONOTONIC)
        let deadline = MonotonicDeadline(after: limit).time
        let after = Self.now(CLOCK_MONOTONIC)
        let time = Duration.seconds(deadline.tv_sec) + .nanoseconds(deadline.tv_nsec)
        #expect(time >= before + limit && time <= after + limit)
        #expect((0..<1_000_000_000).contains(deadline.tv_nsec))
    }

    @Test func aTimedWaitLastsAsLongByTheMonotonicClock() {
        let monitor = Monitor(false)
        let limit = Duration.milliseconds(50)
        let before = Self.now(CLOCK_MONOTONIC)
        #expect(!monitor.wait(within: limit) { $0 })
        #expect(Self.now(CLOCK_MONOTONIC) - before >= limit)
    }

    @Test func aTimeThatDoesNotFitIsCut() {
        let deadline = MonotonicDeadline(after: .seconds(Int64.max)).time
        #expect(deadline.tv_sec > 0)
        let monitor = Monitor(true)
        #expect(monitor.wait(within: .seconds(Int64.max)) { $0 })
    }

    @Test func aChangeEndsATimedWait() throws {
        let monitor = Monitor(0)
        let thread = LoopThread.start(name: "change") { for _ in 0..<100 { monitor.update { $0 += 1 } } }
        #expect(monitor.wait(within: Patience.limit) { $0 == 100 })
        thread.join()
    }

    @Test func whoTakesWakesWhoWaitsForThat() throws {
        let monitor = Monitor<Int?>(nil)
        let thread = LoopThread.start(name: "give") {
            for number in 0..<1000 {
                monitor.wait { state -> Void? in
                    guard state == nil else { return nil }
                    state = number
                    return ()
                }
            }
        }
        let taken = (0..<1000).map { _ in
            monitor.wait { state -> Int? in
                defer { state = nil }
                return state
            }
        }
        #expect(taken == Array(0..<1000))
        thread.join()
    }
}
