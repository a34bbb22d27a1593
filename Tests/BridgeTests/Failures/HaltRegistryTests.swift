import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct HaltRegistryTests {
    /// A part that has halted, on a thread of its own, and what it was told.
    private static func halt(_ halted: HaltRegistry, _ stop: StopSignal = StopSignal(), remedy: @escaping @Sendable () -> String? = { nil })
        -> Monitor<String??>
    {
        let reported = Monitor<String??>(nil)
        let part = halted.begin()
        _ = LoopThread.start(name: "halted") {
            let reason = part.awaitMend(stop, every: .milliseconds(1), remedy)
            reported.update { $0 = .some(reason) }
        }
        return reported
    }

    @Test func theLastOneEndsTheWaitOfAll() throws {
        let halted = HaltRegistry(of: 2)
        let first = Self.halt(halted)
        #expect(first.value == nil)
        let second = Self.halt(halted)
        #expect(try first.wait(for: "the first") { $0 } == .some(nil))
        #expect(try second.wait(for: "the second") { $0 } == .some(nil))
    }

    @Test func whatIsMendedGoesOnAndCountsAgain() throws {
        let halted = HaltRegistry(of: 2)
        let mended = Self.halt(halted) { "fixed" }
        #expect(try mended.wait(for: "the fix") { $0 } == "fixed")
        let other = Self.halt(halted)
        #expect(other.value == nil)
        halted.tryAgain()
        #expect(try other.wait(for: "the other try") { $0 } == "asked to try again")
    }

    /// The last one halts while another looks, and finds that it is fixed.
    @Test func whoFindsThatItIsMendedKeepsTheOthers() throws {
        let halted = HaltRegistry(of: 2)
        let looks = Monitor(0)
        let mayFind = Monitor(false)
        let first = Self.halt(halted) {
            looks.update { $0 += 1 }
            mayFind.wait { $0 ? () : nil }
            return "fixed"
        }
        try looks.wait(for: "a look") { $0 > 0 ? () : nil }
        let last = Self.halt(halted)
        mayFind.update { $0 = true }
        #expect(try first.wait(for: "the fix") { $0 } == "fixed")
        #expect(last.value == nil)
        halted.tryAgain()
        #expect(try last.wait(for: "the other try") { $0 } == "asked to try again")
    }

    @Test func aStopEndsTheWait() throws {
        let stop = StopSignal()
        let reported = Self.halt(HaltRegistry(of: 2), stop)
        stop.request(grace: .zero)
        #expect(try reported.wait(for: "the end") { $0 } == .some(nil))
    }
}
