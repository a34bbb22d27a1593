import Mongo
import Testing

@testable import StreamBridge

/// What a stream shows, as a table: what happens, one thing after another, and the state and the log's lines that
/// follow.
@Suite struct StreamProgressTests {
    private enum Step {
        case leads, leadsNoMore, standsBy
        case reads(Int)
        case publishes(Int), stores
        case mongoFails, kafkaFails
        case halts, isFixed
    }

    private static let start = ContinuousClock.now
    private static let error = MongoError(kind: .network, operation: "read", message: "broken")
    private static let halt = Halt(reason: "it cannot continue", remedy: "Fix it", status: .configuration)

    private static func apply(_ step: Step, to progress: inout StreamProgress, at now: ContinuousClock.Instant) -> [Outages.Line] {
        switch step {
        case .leads: return progress.leads(at: now)
        case .leadsNoMore: progress.leadsNoMore()
        case .standsBy: return progress.standsBy(at: now)
        case .reads(let events): return progress.read(events: events, upTo: SampleEvent.token(1), at: now)
        case .publishes(let count): return progress.published(count, at: now)
        case .stores: return progress.stored(PublisherSession.position(1), storedAt: 5, at: now)
        case .mongoFails: return progress.failed(.mongodb, error, of: .loop, at: now)
        case .kafkaFails: return progress.failed(.kafka, error, of: .loop, at: now)
        case .halts: return progress.halted(halt)
        case .isFixed: return progress.goesOn(because: "asked to try again")
        }
        return []
    }

    private static func play(_ steps: [Step]) -> (progress: StreamProgress, lines: [Outages.Line]) {
        var progress = StreamProgress(subject: "the stream", at: start)
        var lines: [Outages.Line] = []
        for (index, step) in steps.enumerated() { lines += apply(step, to: &progress, at: start + .seconds(index)) }
        return (progress, lines)
    }

    private static let rows: [(steps: [Step], state: LoopCondition.State, lines: [String])] = [
        ([], .starting, []),
        ([.leads], .starting, []),
        ([.leads, .reads(3)], .streaming, []),
        ([.leads, .reads(3), .reads(0)], .idle, []),
        // One line when an outage begins, one when it is over, and none for a retry.
        ([.reads(3), .mongoFails], .retrying, ["retrying: could not read"]),
        ([.reads(3), .mongoFails, .mongoFails], .retrying, ["retrying: could not read"]),
        ([.reads(3), .mongoFails, .mongoFails, .reads(0)], .idle, ["retrying: could not read", "back after 2"]),
        ([.reads(3), .kafkaFails, .publishes(0)], .streaming, ["retrying: could not read", "back after 1"]),
        ([.reads(3), .kafkaFails, .stores], .streaming, ["retrying: could not read", "back after 1"]),
        // Only what answers again is back.
        ([.reads(3), .kafkaFails, .reads(3)], .retrying, ["retrying: could not read"]),
        ([.reads(3), .mongoFails, .publishes(3)], .retrying, ["retrying: could not read"]),
        // Another process leads: what was wrong is its business.
        ([.standsBy], .standby, ["stands by"]),
        ([.reads(3), .mongoFails, .standsBy], .standby, ["retrying: could not read", "stands by"]),
        ([.standsBy, .leads], .starting, ["stands by"]),
        ([.standsBy, .leads, .reads(1)], .streaming, ["stands by"]),
        // A halt stays, whatever a thread still reports.
        ([.leads, .reads(3), .halts], .halted, ["halted: it cannot continue. Fix it"]),
        ([.leads, .halts, .mongoFails, .reads(3), .publishes(1)], .halted, ["halted: it cannot continue. Fix it"]),
        ([.leads, .reads(3), .halts, .isFixed], .starting, ["halted: it cannot continue. Fix it", "continues after the halt: asked"]),
        (
            [.reads(3), .mongoFails, .halts, .isFixed, .reads(3)], .streaming,
            ["retrying: could not read", "halted: it cannot continue. Fix it", "continues after the halt: asked"]
        ),
    ]

    @Test func everyTransition() {
        for row in Self.rows {
            let (progress, lines) = Self.play(row.steps)
            #expect(progress.snapshot.state == row.state, "\(row.steps)")
            #expect(lines.count == row.lines.count, "\(row.steps): \(lines)")
            for (line, words) in zip(lines, row.lines) { #expect(line.text.hasPrefix(words), "\(row.steps)") }
        }
    }

    @Test func everyTakeoverCountsOnce() {
        let rows: [([Step], isLeader: Bool, takeovers: Int)] = [
            ([.standsBy], false, 0), ([.leads, .leads], true, 1), ([.leads, .leadsNoMore], false, 1),
            ([.leads, .leadsNoMore, .leads], true, 2), ([.leads, .standsBy], false, 1), ([.leads, .halts], false, 1),
            ([.leads, .halts, .isFixed, .leads], true, 2),
        ]
        for (steps, isLeader, takeovers) in rows {
            let snapshot = Self.play(steps).progress.snapshot
            #expect(snapshot.isLeader == isLeader, "\(steps)")
            #expect(snapshot.figures.takeovers == takeovers, "\(steps)")
        }
    }

    @Test func whoStandsByKnowsNoPosition() {
        #expect(Self.play([.leads, .stores]).progress.position == PublisherSession.position(1))
        let progress = Self.play([.leads, .stores, .standsBy]).progress
        #expect(progress.position == nil && progress.covered == nil && progress.snapshot.stored == nil)
        #expect(progress.snapshot.positionsStored == 1)
    }

    @Test func recordsAreReportedOnceAMinute() {
        var progress = Self.play([.leads, .publishes(3), .publishes(4)]).progress
        #expect(progress.takeReport(at: Self.start + .seconds(59)) == nil)
        #expect(progress.takeReport(at: Self.start + .seconds(60))?.records == 7)
        #expect(progress.takeReport(at: Self.start + .seconds(90)) == nil)
        #expect(progress.takeReport(at: Self.start + .seconds(120)) == nil)
        _ = progress.published(2, at: Self.start + .seconds(130))
        #expect(progress.takeReport(at: Self.start + .seconds(179)) == nil)
        #expect(progress.takeReport(at: Self.start + .seconds(180))?.records == 2)
    }

    @Test func onlyAPositionThatMayStillBeResumedIsComparedWithTheOplog() {
        func lines(_ status: ExitStatus?) -> Int {
            var progress = Self.play([.leads, .stores]).progress
            if let status { _ = progress.halted(Halt(reason: "r", remedy: "m", status: status)) }
            let newest = BSONTimestamp(seconds: .max, increment: 0)
            return progress.compare(
                with: OplogWindow(oldest: BSONTimestamp(seconds: .max - 1, increment: 0), newest: newest, isWhole: false), at: Self.start
            ).count
        }
        #expect(lines(nil) == 1)
        #expect(lines(.configuration) == 1)
        #expect(lines(.lostPosition) == 0)
    }
}
