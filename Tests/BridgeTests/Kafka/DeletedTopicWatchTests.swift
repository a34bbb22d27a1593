import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct DeletedTopicWatchTests {
    private let start: ContinuousClock.Instant = .now

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

    @Test func aTopicIsGoneWhenTwoLooksInARowMissIt() {
        var watch = DeletedTopicWatch()
        #expect(watch.look(waiting: 1, hasReports: true, at: at(0)) { "t" } == nil)
        #expect(watch.look(waiting: 1, hasReports: false, at: at(900)) { "t" } == nil)
        #expect(watch.look(waiting: 1, hasReports: false, at: at(1000)) { "t" } == .isMissing("t"))
        #expect(watch.look(waiting: 1, hasReports: false, at: at(1400)) { "t" } == nil)
        #expect(watch.look(waiting: 1, hasReports: false, at: at(1500)) { "t" } == .isGone("t"))
    }

    @Test func oneThatIsFoundAgainOrWhoseRecordsAreReportedIsNotGone() {
        var watch = DeletedTopicWatch()
        #expect(watch.look(waiting: 1, hasReports: true, at: at(0)) { "t" } == nil)
        #expect(watch.look(waiting: 1, hasReports: false, at: at(1000)) { "t" } == .isMissing("t"))
        #expect(watch.look(waiting: 1, hasReports: false, at: at(1500)) { nil } == nil)
        #expect(watch.look(waiting: 1, hasReports: false, at: at(3500)) { "t" } == .isMissing("t"))
        #expect(watch.look(waiting: 1, hasReports: true, at: at(4000)) { "t" } == nil)
        #expect(watch.look(waiting: 1, hasReports: false, at: at(5000)) { "t" } == .isMissing("t"))
        #expect(watch.look(waiting: 1, hasReports: false, at: at(5500)) { "u" } == .isMissing("u"))
    }

    @Test func whileNothingWaitsNobodyIsAsked() {
        var watch = DeletedTopicWatch()
        for time in stride(from: 0, to: 10_000, by: 500) {
            let found = watch.look(waiting: 0, hasReports: false, at: at(time)) {
                Issue.record("asked")
                return "t"
            }
            #expect(found == nil)
        }
    }
}
