/// What a process knows of its lead of a stream, and how that changes. Pure: no clock, no I/O.
struct LeadershipState {
    enum Standing: Equatable {
        /// The group has not said yet who leads, and it may be another process.
        case waiting
        /// The group has given the lead to nobody who lives, and nobody else can be leading.
        case provisional
        case leading
        /// The group has given this process up, or cannot be reached. Its session continues, and no other begins.
        case cutOff
        case standby

        /// A session may begin.
        var mayBegin: Bool { self == .provisional || self == .leading }
        /// A session that has begun may continue.
        var mayGoOn: Bool { mayBegin || self == .cutOff }
    }

    /// Whom the group gives the lead to.
    enum Word {
        case this
        case other
        /// A process of this host that runs no more: the group counts it until its session time-out.
        case gone
    }

    /// Exactly-once: the next leader fences this process.
    let isFenced: Bool
    /// The group gives up a member that it has not heard of for so long.
    let sessionTimeout: Duration
    private(set) var standing = Standing.waiting
    /// Counts how often this process began to lead: a session is over when its own term is, even if another one has
    /// begun.
    private(set) var term = 0
    /// This process led until the group began to form anew.
    private var led = false
    /// Why this process can be no member any more.
    private(set) var failure: (any Error)?
    /// The lead waits for the session of this term to end. Of this one alone: a session whose thread stood still for
    /// longer than its term must not take the wait for a later one's for its own.
    private var settling: Int?
    /// The session of this term is storing its position.
    private var finishing: Int?
    /// When this process ran and could not be wrong about its lead: when the group was asked for its word, or at its
    /// last turn while it is provisional.
    private var ranAt: ContinuousClock.Instant?
    /// When the group was asked for the word that was heard last.
    private var heardSync: ContinuousClock.Instant?

    init(isFenced: Bool, sessionTimeout: Duration) {
        self.isFenced = isFenced
        self.sessionTimeout = sessionTimeout
    }

    private mutating func move(to new: Standing) {
        if new.mayBegin, !standing.mayGoOn { term += 1 }
        standing = new
    }

    // MARK: What happens

    /// Nobody else leads, as far as can be known.
    ///
    /// - Parameter now: when the look at the group began.
    mutating func joinsAlone(at now: ContinuousClock.Instant) {
        ranAt = now
        heardSync = now
        move(to: .provisional)
    }

    /// The group has formed.
    ///
    /// - Parameter now: when it was asked for its word. The answer is stale for a process that was paused since then.
    mutating func assigned(to word: Word, at now: ContinuousClock.Instant) {
        ranAt = now
        heardSync = now
        switch word {
        case .this: move(to: .leading)
        case .other: move(to: .standby)
        case .gone:
            // A leader is needed until the group has noticed. The previous leader continues; a standby might not be the
            // only one.
            move(to: standing.mayGoOn || led ? .provisional : .standby)
        }
        led = false
    }

    /// The group forms anew, and the lead may go to another process.
    ///
    /// - Returns: whether the session has to end before. With exactly-once it continues: the next leader fences it.
    mutating func revoked() -> Bool {
        guard !isFenced, standing.mayBegin else { return false }
        led = true
        settling = term
        move(to: .waiting)
        return true
    }

    /// The session had its time to end.
    ///
    /// - Returns: whether it is storing its position, which is waited for: nothing is stored once the lead has gone.
    mutating func settled() -> Bool {
        settling = nil
        return finishing != nil
    }

    /// A session is over.
    mutating func sessionEnded() { finishing = nil }

    /// This process can be no member any more.
    mutating func failed(_ error: any Error) { failure = failure ?? error }

    /// The group has given this member up. With exactly-once its session continues until the group names another, or
    /// until it is fenced: a lone bridge may have been cut off, and nobody else leads. At-least-once there is no fence:
    /// the next leader may have published what this session has not published yet.
    mutating func lost() {
        led = false
        settling = nil
        switch standing {
        case .leading: move(to: isFenced ? .cutOff : .waiting)
        case .provisional: if !isFenced { move(to: .waiting) }
        case .standby: move(to: .waiting)
        case .cutOff, .waiting: break
        }
    }

    /// A session has failed, perhaps because another producer has taken the stream's transactional id: without the
    /// group's word no other begins.
    mutating func sessionFailed() { if standing == .provisional || standing == .cutOff { move(to: .waiting) } }

    /// This process runs. Told often while it is provisional.
    ///
    /// One that stood still has no word of the group that holds, and no fence: the group may have formed without it
    /// meanwhile.
    mutating func runs(at now: ContinuousClock.Instant, sign: ContinuousClock.Instant?) {
        if !isFenced, standing == .provisional, !isFresh(sign: sign, at: now) { move(to: .waiting) }
        ranAt = now
    }

    // MARK: What is allowed

    func holds(_ number: Int) -> Bool { standing.mayGoOn && term == number }

    /// - Throws: why this process can be no member any more; ``NotLeading`` when the term is over.
    func check(_ number: Int) throws {
        if let failure { throw failure }
        if !holds(number) { throw NotLeading() }
    }

    /// Whether a session that has to end may still store its position: the lead waits for it, or is still here.
    mutating func maySettle(_ number: Int) -> Bool {
        guard settling == number || holds(number) else { return false }
        finishing = number
        return true
    }

    enum Storing {
        case allowed
        /// The group has given no sign for too long. It will, or the term is over.
        case held
        case over
    }

    /// Whether a position may be stored now.
    ///
    /// A provisional leader is no longer alone as soon as the group has formed. What the group says takes a while to be
    /// heard; meanwhile the leader that it names may have stored a position, or `bridge positions` an edit.
    ///
    /// - Parameter sync: when the group was asked for the word that it gave last.
    func mayStore(
        _ number: Int, sign: ContinuousClock.Instant?, sync: ContinuousClock.Instant, at now: ContinuousClock.Instant
    ) -> Storing {
        guard settling == number || finishing == number || holds(number) else { return .over }
        if !isFenced, standing == .provisional, let heardSync, heardSync < sync { return .held }
        return isFresh(sign: sign, at: now) ? .allowed : .held
    }

    /// Whether it is certain enough that nobody else leads.
    ///
    /// With exactly-once the fence decides. At-least-once, what counts is time: the group gives a member up when it has
    /// not heard of it for the session time-out, and nobody else leads before. A sign is a time when the group has
    /// heard of this member, so up to then it is safe; the last quarter is left for a record's way to Kafka. A process
    /// that stood still finds at its next look that the sign is old, because the clock went on.
    ///
    /// - Parameter sign: when the group has heard of this member the last time, as far as is known.
    func isFresh(sign: ContinuousClock.Instant?, at now: ContinuousClock.Instant) -> Bool {
        if isFenced { return true }
        if let sign, sign.duration(to: now) < sessionTimeout * 3 / 4 { return true }
        // No member yet, or for a moment only. Others wait for who stored the newest position: this process, if it has
        // begun.
        return ranAt.map { $0.duration(to: now) < Self.wordsTime } ?? false
    }

    /// What is known without a sign is certain for so long.
    private static let wordsTime: Duration = .seconds(3)
}
