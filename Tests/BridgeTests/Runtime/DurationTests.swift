import Testing

@testable import Mongo
@testable import Runtime
@testable import StreamBridge

@Suite struct DurationTests {
    @Test(
        arguments: [
            (.milliseconds(340), "340 ms"), (.seconds(1), "1 s"), (.milliseconds(2_540), "2.5 s"), (.milliseconds(9_999), "9.9 s"),
            (.seconds(12), "12 s"), (.seconds(599), "599 s"),
            (.seconds(600), "10 min"), (.seconds(35_999), "599 min"), (.seconds(36_000), "10 h"), (.seconds(864_000), "10 d"),
            (.zero, "0 ms"),
        ] as [(Duration, String)])
    func readsAsPeopleSayIt(_ duration: Duration, _ text: String) {
        #expect(duration.readable == text)
    }

    @Test(
        arguments: [
            (.zero, 0), (.nanoseconds(1), 1), (.milliseconds(1), 1), (.microseconds(1_001), 2), (.seconds(3), 3_000), (.seconds(-1), 0),
            (.milliseconds(-1), 0), (.seconds(10_000_000), 2_000_000_000),
        ] as [(Duration, Int32)])
    func roundsUpToTheMillisecondsOfACCall(_ duration: Duration, _ milliseconds: Int32) {
        #expect(duration.milliseconds == milliseconds)
    }
}
