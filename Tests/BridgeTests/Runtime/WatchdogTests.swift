import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct WatchdogTests {
    private let now = ContinuousClock.now
    private let watch = Watchdog()

    @Test func aLoopThatHasNotMovedForAMinuteIsStuck() {
        let heartbeat = watch.heartbeat(of: "publish fruits")
        heartbeat.beat(at: now)
        #expect(watch.stuckLoops(at: now + .seconds(60)).isEmpty)
        let stuck = watch.stuckLoops(at: now + .seconds(61))
        #expect(stuck.map(\.name) == ["publish fruits"])
        heartbeat.beat(at: now + .seconds(61))
        #expect(watch.stuckLoops(at: now + .seconds(62)).isEmpty)
    }

    @Test func aLoopAtRestIsNotStuck() {
        let heartbeat = watch.heartbeat(of: "publish fruits")
        #expect(watch.stuckLoops(at: now + .seconds(1000)).isEmpty)
        heartbeat.beat(at: now)
        heartbeat.resting { #expect(watch.stuckLoops(at: now + .seconds(1000)).isEmpty) }
        // It is judged again afterwards.
        #expect(watch.stuckLoops(at: now + .seconds(1000)).count == 1)
        heartbeat.rest()
        #expect(watch.stuckLoops(at: now + .seconds(1000)).isEmpty)
    }

    @Test func aLoopThatIsGoneIsForgotten() {
        let kept = watch.heartbeat(of: "read fruits")
        kept.beat(at: now)
        do {
            let gone = watch.heartbeat(of: "publish fruits")
            gone.beat(at: now)
            #expect(watch.stuckLoops(at: now + .seconds(61)).count == 2)
        }
        #expect(watch.stuckLoops(at: now + .seconds(61)).map(\.name) == ["read fruits"])
    }
}
