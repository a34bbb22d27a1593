import Runtime

/// What a stream or a dispatcher is doing: its state, since when, why, and what fixes it; and how often it failed.
package struct LoopCondition: Sendable {
    package enum State: String, Sendable, CaseIterable {
        /// `snapshotting` is of the contract; nothing is in it yet.
        case starting, snapshotting, streaming, idle, retrying, standby, halted
    }

    package enum Server: String, Sendable, CaseIterable {
        case mongodb, kafka
    }

    package private(set) var state = State.starting
    /// Milliseconds since 1970.
    package private(set) var since = WallClock.milliseconds()
    /// Why it retries, halted, or stands still.
    package private(set) var reason: String?
    /// What to do about a halt.
    package private(set) var remedy: String?
    /// Attempts that failed and were made again.
    package private(set) var retries: [RetryClass: Int] = [:]
    package private(set) var halts = 0
    /// Servers that did not answer the last request, and what was said instead.
    package var silent: [Server: String] { silence.mapValues(\.reason) }

    private var silence: [Server: (reason: String, since: ContinuousClock.Instant)] = [:]
    private var attempts = FailingAttempts()
    private var outages = Outages()

    /// A retry that succeeds within this time is not told to those who ask whether the loop is ready.
    static let patience: Duration = .seconds(5)
    /// What a server that answers has refused for so long does not pass by itself.
    static let refusalPatience: Duration = .seconds(60)

    /// A server cannot be used now; the same is tried again.
    mutating func trouble(
        with server: Server, _ error: any Error, of actor: FailingAttempts.Actor = .loop, at now: ContinuousClock.Instant = .now
    ) {
        let text = "\(error)"
        let kind = StreamFailure.retryClass(of: error)
        retries[kind, default: 0] += 1
        attempts.failed(actor, with: server, reason: text, kind: kind, at: now)
        if kind.isSilence { silence[server] = silence[server] ?? (text, now) }
        lookAtAttempts()
    }

    /// The server answered; whether that is of any use shows later (``progressed(_:with:)``).
    mutating func answered(by server: Server, to actor: FailingAttempts.Actor = .loop) {
        attempts.answered(actor, by: server)
        silence[server] = nil
        lookAtAttempts()
    }

    /// What was tried has succeeded, or nobody tries it any more.
    ///
    /// - Parameter server: nil for both.
    mutating func progressed(_ actor: FailingAttempts.Actor, with server: Server? = nil) {
        attempts.ended(actor, with: server)
        lookAtAttempts()
    }

    private mutating func lookAtAttempts() {
        outages.mongoDB = attempts.reason(of: .mongodb)
        outages.kafka = attempts.reason(of: .kafka)
    }

    /// Nothing that was wrong is of any account now.
    mutating func forgetOutages() {
        outages = Outages()
        attempts = FailingAttempts()
        silence = [:]
    }

    /// Nothing is asked of MongoDB now, and what it said last is of no account.
    mutating func forgetMongoDB() {
        outages.forgetMongoDB()
        attempts.ended(with: .mongodb)
        silence[.mongodb] = nil
    }

    // MARK: For probes

    /// A server that has not answered for longer than a retry takes.
    func lastingSilence(of server: Server, at now: ContinuousClock.Instant) -> String? {
        silence[server].flatMap { now - $0.since >= Self.patience ? $0.reason : nil }
    }

    /// What keeps failing for longer than a retry takes.
    func lastingFailures(at now: ContinuousClock.Instant) -> [FailingAttempts.Failure] {
        state == .halted ? [] : attempts.lasting(for: Self.patience, at: now)
    }

    /// What a server that answers has refused for a minute.
    func refusals(at now: ContinuousClock.Instant) -> [FailingAttempts.Failure] {
        state == .halted ? [] : attempts.refused(for: Self.refusalPatience, at: now)
    }

    /// The state that follows from what is going on; a halt stays.
    ///
    /// - Parameters:
    ///   - activity: when nothing is wrong.
    ///   - stillness: why it stands still although nothing is wrong.
    ///   - whoGoesOn: "the stream", for example.
    /// - Returns: the line that tells what has changed.
    mutating func settle(
        _ activity: State, stillness: String? = nil, subject: String, at now: ContinuousClock.Instant
    ) -> Outages.Line? {
        // A thread that was left to its last call may still report after the halt.
        guard state != .halted else { return nil }
        reason = outages.reason ?? stillness
        change(to: outages.reason == nil ? activity : .retrying)
        return outages.takeLine(subject: subject, at: now)
    }

    mutating func halt(_ halt: Halt) {
        reason = halt.reason
        remedy = halt.remedy
        halts += 1
        silence = [:]
        change(to: .halted)
    }

    /// What halted was fixed.
    mutating func resume() {
        forgetOutages()
        reason = nil
        remedy = nil
        change(to: .starting)
    }

    private mutating func change(to new: State) {
        guard new != state else { return }
        state = new
        since = WallClock.milliseconds()
    }
}
