/// What a stream or a dispatcher is doing: its state, since when, why, and what mends it; and how often it failed.
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
    package private(set) var mend: String?
    /// Attempts that failed and were made again.
    package private(set) var retries: [RetryClass: Int] = [:]
    package private(set) var halts = 0
    /// Servers that did not answer the last request, and what was said instead.
    package private(set) var silent: [Server: String] = [:]

    private var troubles = Troubles()

    /// A server cannot be used now; the same is tried again.
    mutating func trouble(with server: Server, _ error: any Error) {
        let text = "\(error)"
        switch server {
        case .mongodb: troubles.mongoDB = troubles.mongoDB ?? text
        case .kafka: troubles.kafka = troubles.kafka ?? text
        }
        let kind = StreamFailure.retryClass(of: error)
        retries[kind, default: 0] += 1
        if kind.isSilence { silent[server] = silent[server] ?? text }
    }

    mutating func answered(by server: Server) {
        switch server {
        case .mongodb: troubles.mongoDB = nil
        case .kafka: troubles.kafka = nil
        }
        silent[server] = nil
    }

    /// Nothing that was wrong is of any account now.
    mutating func forgetTroubles() {
        troubles = Troubles()
        silent = [:]
    }

    /// Nothing is asked of MongoDB now, and what it said last is of no account.
    mutating func forgetMongoDB() {
        troubles.forgetMongoDB()
        silent[.mongodb] = nil
    }

    /// The state that follows from what is going on; a halt stays.
    ///
    /// - Parameters:
    ///   - activity: when nothing is wrong.
    ///   - stillness: why it stands still although nothing is wrong.
    ///   - whoGoesOn: "the stream", for example.
    /// - Returns: the line that tells what has changed.
    mutating func settle(
        _ activity: State, stillness: String? = nil, whoGoesOn: String, at now: ContinuousClock.Instant
    ) -> Troubles.Line? {
        // A thread that was left to its last call may still report after the halt.
        guard state != .halted else { return nil }
        reason = troubles.reason ?? stillness
        change(to: troubles.reason == nil ? activity : .retrying)
        return troubles.takeLine(whoGoesOn: whoGoesOn, at: now)
    }

    mutating func halt(_ halt: StreamHalt) {
        reason = halt.reason
        mend = halt.mend
        halts += 1
        silent = [:]
        change(to: .halted)
    }

    /// What halted was mended.
    mutating func goOn() {
        forgetTroubles()
        reason = nil
        mend = nil
        change(to: .starting)
    }

    private mutating func change(to new: State) {
        guard new != state else { return }
        state = new
        since = WallClock.milliseconds()
    }
}
