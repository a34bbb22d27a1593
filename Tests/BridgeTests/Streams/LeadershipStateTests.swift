import Testing

@testable import StreamBridge

/// Who leads, as a table: what happens, one thing after another, and where that leads.
@Suite struct LeadershipStateTests {
    private enum Step {
        case alone, this, other, gone, revoked, lost, failed
    }

    private static func state(_ delivery: Delivery) -> LeadershipState {
        LeadershipState(isFenced: delivery == .exactlyOnce, sessionTimeout: .seconds(10))
    }

    private static let start = ContinuousClock.now

    private static func apply(_ steps: [Step], to state: inout LeadershipState, at now: ContinuousClock.Instant = start) {
        for step in steps {
            switch step {
            case .alone: state.joinsAlone(at: now)
            case .this: state.assigned(to: .this, at: now)
            case .other: state.assigned(to: .other, at: now)
            case .gone: state.assigned(to: .gone, at: now)
            case .revoked: _ = state.revoked()
            case .lost: state.lost()
            case .failed: state.sessionFailed()
            }
        }
    }

    private typealias Row = (steps: [Step], exactlyOnce: LeadershipState.Standing, atLeastOnce: LeadershipState.Standing, terms: [Int])

    private static let rows: [Row] = [
        ([], .waiting, .waiting, [0, 0]),
        ([.this], .leading, .leading, [1, 1]),
        ([.other], .standby, .standby, [0, 0]),
        ([.other, .this], .leading, .leading, [1, 1]),
        ([.this, .other], .standby, .standby, [1, 1]),
        // Nobody else can be leading: it begins at once, and the group's word changes no session.
        ([.alone], .provisional, .provisional, [1, 1]),
        ([.alone, .this], .leading, .leading, [1, 1]),
        ([.alone, .other], .standby, .standby, [1, 1]),
        ([.alone, .failed], .waiting, .waiting, [1, 1]),
        ([.alone, .failed, .this], .leading, .leading, [2, 2]),
        ([.alone, .lost], .provisional, .waiting, [1, 1]),
        // A dead process that the group still counts leads nothing.
        ([.alone, .gone], .provisional, .provisional, [1, 1]),
        ([.alone, .gone, .this], .leading, .leading, [1, 1]),
        ([.alone, .gone, .other], .standby, .standby, [1, 1]),
        ([.alone, .gone, .failed], .waiting, .waiting, [1, 1]),
        ([.this, .revoked, .gone], .provisional, .provisional, [1, 2]),
        ([.gone], .standby, .standby, [0, 0]),
        ([.other, .gone], .standby, .standby, [0, 0]),
        ([.this, .revoked, .other, .revoked, .gone], .standby, .standby, [1, 1]),
        // The group forms anew: a fence lets a session continue, without one it ends before.
        ([.this, .revoked], .leading, .waiting, [1, 1]),
        ([.this, .revoked, .this], .leading, .leading, [1, 2]),
        ([.this, .revoked, .other], .standby, .standby, [1, 1]),
        ([.alone, .revoked], .provisional, .waiting, [1, 1]),
        ([.other, .revoked], .standby, .standby, [0, 0]),
        // The group has given it up.
        ([.this, .lost], .cutOff, .waiting, [1, 1]),
        ([.this, .lost, .this], .leading, .leading, [1, 2]),
        ([.this, .lost, .other], .standby, .standby, [1, 1]),
        ([.this, .lost, .failed], .waiting, .waiting, [1, 1]),
        ([.other, .lost], .waiting, .waiting, [0, 0]),
        ([.this, .revoked, .lost, .gone], .provisional, .standby, [1, 1]),
        // With the group's word another session may begin, and its fence shows whether the word still holds.
        ([.this, .failed], .leading, .leading, [1, 1]),
    ]

    @Test func everyTransition() {
        for row in Self.rows {
            for (delivery, standing, term) in [
                (Delivery.exactlyOnce, row.exactlyOnce, row.terms[0]), (.atLeastOnce, row.atLeastOnce, row.terms[1]),
            ] {
                var state = Self.state(delivery)
                Self.apply(row.steps, to: &state)
                #expect(state.standing == standing, "\(delivery): \(row.steps)")
                #expect(state.term == term, "\(delivery): \(row.steps)")
                #expect(state.holds(state.term) == standing.mayGoOn)
                #expect(!state.holds(state.term - 1))
            }
        }
    }

    @Test func onlyASessionWithoutAFenceEndsBeforeTheGroupFormsAnew() {
        for (steps, ends) in [([.this], true), ([.alone], true), ([.other], false), ([], false)] as [([Step], Bool)] {
            var state = Self.state(.atLeastOnce)
            Self.apply(steps, to: &state)
            let mustEnd = state.revoked()
            #expect(mustEnd == ends, "\(steps)")
            var fenced = Self.state(.exactlyOnce)
            Self.apply(steps, to: &fenced)
            let mustEndFenced = fenced.revoked()
            #expect(!mustEndFenced, "\(steps)")
        }
    }

    // MARK: A session that has to end

    private enum End {
        case settles, isSettled, ends
    }

    /// What the session may still do once the group forms anew, at-least-once: whether it may settle, what it may
    /// store, and whether it is waited for.
    @Test func aSessionThatHasToEndStoresItsPositionOrLosesItsRightTo() throws {
        let rows: [(ends: [End], storing: LeadershipState.Storing, isWaitedFor: Bool)] = [
            ([], .allowed, false),
            ([.settles], .allowed, true),
            // It begins to store in time, and is waited for.
            ([.settles, .isSettled], .allowed, true),
            ([.settles, .isSettled, .ends], .over, false),
            ([.settles, .ends], .allowed, false),
            // Too late.
            ([.isSettled], .over, false),
            ([.isSettled, .settles], .over, false),
        ]
        for row in rows {
            var state = Self.state(.atLeastOnce)
            Self.apply([.this, .revoked], to: &state)
            for end in row.ends {
                switch end {
                case .settles: _ = state.maySettle(1)
                case .isSettled: _ = state.settled()
                case .ends: state.sessionEnded()
                }
            }
            #expect(state.mayStore(1, sign: nil, sync: Self.start, at: Self.start) == row.storing, "\(row.ends)")
            #expect(throws: NotLeading.self) { try state.check(1) }
            let isWaitedFor = state.settled()
            #expect(isWaitedFor == row.isWaitedFor, "\(row.ends)")
        }
    }

    /// A session whose thread stood still while another process led, and this one again, is over: the lead waits for
    /// the session of the later term.
    @Test func aSessionOfAnEarlierTermHasNoPartInTheSettlingOfALaterOne() {
        var state = Self.state(.atLeastOnce)
        Self.apply([.this, .revoked], to: &state)
        _ = state.settled()
        Self.apply([.other, .this, .revoked], to: &state)
        #expect(state.mayStore(1, sign: nil, sync: Self.start, at: Self.start) == .over)
        let (maySettle, mayLater) = (state.maySettle(1), state.maySettle(2))
        #expect(!maySettle && mayLater)
    }

    /// The group has formed, and its word is on its way to a leader that began before: somebody else may lead already.
    @Test func aProvisionalLeaderStoresNothingBehindAWordThatItHasNotHeard() {
        for delivery in [Delivery.exactlyOnce, .atLeastOnce] {
            var state = Self.state(delivery)
            state.joinsAlone(at: Self.start)
            #expect(state.mayStore(1, sign: nil, sync: Self.start - .seconds(1), at: Self.start) == .allowed)
            let sync = Self.start + .milliseconds(1)
            #expect(state.mayStore(1, sign: nil, sync: sync, at: sync) == (delivery == .exactlyOnce ? .allowed : .held))
            // It was given to a process that runs no more.
            state.assigned(to: .gone, at: sync)
            #expect(state.mayStore(1, sign: nil, sync: sync, at: sync) == .allowed)
        }
    }

    @Test func aTermHoldsStoresAndFailsByItsNumber() throws {
        struct Refused: Error {}
        for delivery in [Delivery.exactlyOnce, .atLeastOnce] {
            var state = Self.state(delivery)
            Self.apply([.this], to: &state)
            try state.check(1)
            #expect(state.mayStore(1, sign: nil, sync: Self.start, at: Self.start) == .allowed)
            #expect(state.mayStore(0, sign: nil, sync: Self.start, at: Self.start) == .over)
            let late = Self.start + .seconds(60)
            #expect(state.mayStore(1, sign: nil, sync: Self.start, at: late) == (delivery == .exactlyOnce ? .allowed : .held))
            let (maySettle, mayOther) = (state.maySettle(1), state.maySettle(0))
            #expect(maySettle && !mayOther)
            // The first failure is the one that is told, also to a term that is over.
            state.failed(Refused())
            state.failed(NotLeading())
            #expect(throws: Refused.self) { try state.check(1) }
            #expect(throws: Refused.self) { try state.check(0) }
        }
    }

    // MARK: At-least-once, what counts is time

    @Test func withoutASignOfTheGroupNothingIsCertain() {
        var state = Self.state(.atLeastOnce)
        Self.apply([.this], to: &state)
        let now = Self.start + .seconds(5)
        #expect(!state.isFresh(sign: nil, at: now))
        #expect(state.isFresh(sign: now - .seconds(7), at: now))
        // The group gives it up after ten, and a record takes its time.
        #expect(!state.isFresh(sign: now - .seconds(8), at: now))
        #expect(state.standing == .leading)
    }

    @Test func theGroupsWordIsASign() {
        var state = Self.state(.atLeastOnce)
        Self.apply([.this], to: &state)
        #expect(state.isFresh(sign: nil, at: Self.start + .seconds(1)))
        // It counts from when it was asked for: a process may stand still before it hears the answer.
        Self.apply([.revoked, .this], to: &state, at: Self.start - .seconds(9))
        #expect(!state.isFresh(sign: nil, at: Self.start + .seconds(1)))
    }

    /// The session stores where it is before the lead goes.
    @Test func whatEndsBeforeTheGroupFormsAnewMayStore() {
        var state = Self.state(.atLeastOnce)
        Self.apply([.this, .revoked], to: &state)
        #expect(state.isFresh(sign: nil, at: Self.start + .seconds(1)))
        #expect(state.isFresh(sign: Self.start, at: Self.start + .seconds(5)))
    }

    @Test func aFenceNeedsNoSign() {
        var state = Self.state(.exactlyOnce)
        Self.apply([.this], to: &state)
        #expect(state.isFresh(sign: nil, at: Self.start + .seconds(60)))
    }

    @Test func aProcessThatStoodStillBeforeTheGroupFormedWaitsForIt() {
        var state = Self.state(.atLeastOnce)
        Self.apply([.alone], to: &state)
        var now = Self.start
        for _ in 0..<20 {
            now += .seconds(1)
            state.runs(at: now, sign: nil)
        }
        #expect(state.standing == .provisional)
        #expect(state.isFresh(sign: nil, at: now + .seconds(1)))
        now += .seconds(5)
        #expect(!state.isFresh(sign: nil, at: now))
        state.runs(at: now, sign: nil)
        #expect(state.standing == .waiting)
    }

    @Test func aProcessThatTheGroupHearsOfMayStandStillForAMoment() {
        var state = Self.state(.atLeastOnce)
        Self.apply([.alone, .gone], to: &state)
        let now = Self.start + .seconds(5)
        state.runs(at: now, sign: now - .seconds(6))
        #expect(state.standing == .provisional)
    }
}
