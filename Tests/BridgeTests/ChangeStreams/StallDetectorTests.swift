import Logging
import Mongo
import Testing

@testable import StreamBridge

@Suite struct StallDetectorTests {
    private let start = ContinuousClock.now

    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }
    private func time(_ seconds: UInt32) -> BSONTimestamp { BSONTimestamp(seconds: seconds, increment: 1) }

    @Test func aTokenThatStandsStillWhileTheDeploymentGoesOnIsTold() {
        var watch = StallDetector()
        watch.read(upTo: .sample(10_000), at: at(0))
        watch.read(upTo: .sample(10_000), at: at(121))
        #expect(watch.line(newest: time(10_100), at: at(122)) == nil, "the deployment stands still as well")
        let line = watch.line(newest: time(10_130), at: at(122))
        #expect(line?.level == .warning)
        #expect(line?.text.contains("stood at cluster time 10000.1") == true)
        #expect(watch.reason != nil)
        #expect(watch.line(newest: time(10_160), at: at(152)) == nil)
        watch.read(upTo: .sample(10_160), at: at(160))
        #expect(watch.reason == nil)
        #expect(watch.line(newest: time(10_170), at: at(170)) == .init(level: .notice, text: "the stream moves again"))
        #expect(watch.line(newest: time(10_180), at: at(180)) == nil)
    }

    @Test func aStreamThatWaitsForKafkaIsNotCalledStalled() {
        var watch = StallDetector()
        watch.read(upTo: .sample(10_000), at: at(0))
        #expect(watch.line(newest: time(11_000), at: at(1_000)) == nil)
    }

    @Test func aLongSearchBecomesAWarning() {
        var watch = StallDetector()
        watch.read(upTo: .sample(10_000), at: at(0))
        #expect(watch.search(for: .seconds(11)).level == .info)
        #expect(watch.reason == nil)
        #expect(watch.search(for: .seconds(125)).level == .warning)
        #expect(watch.reason?.contains("searched its oplog for 125 s") == true)
        #expect(watch.line(newest: time(10_160), at: at(130)) == nil)
        watch.read(upTo: .sample(10_160), at: at(160))
        #expect(watch.line(newest: time(10_160), at: at(161))?.level == .notice)
    }
}
