import Runtime

/// What a loop tries and fails at, and since when.
///
/// A loop is not well because something else was answered in between: a worker that is refused again and again beside
/// others that work, a session that connects, fails at the same record and begins anew. So an answer hides a failure,
/// and only progress ends it; one that does not come back within ``relapse`` is over, too.
///
/// Pure: no clock, no I/O.
struct FailingAttempts: Sendable {
    /// Whose attempts they are.
    enum Actor: Hashable, Sendable {
        /// The stream or the dispatcher as a whole.
        case loop
        /// Sessions that end with an error and begin anew.
        case session
        /// Documents that are looked up for `batchedLookup`.
        case lookup
        /// Documents that are read for a snapshot.
        case snapshot
        /// A worker of a dispatcher, by its number.
        case worker(Int)
        /// Commands that such a worker has in hand, and that get no answer although MongoDB answers.
        case commands(Int)

        /// Any answer shows that the server is there for it.
        var isHiddenByAnyAnswer: Bool { self == .loop || self == .session }
    }

    struct Failure: Sendable {
        let server: LoopCondition.Server
        let actor: Actor
        /// What was said first, and again when the kind of failure changed.
        fileprivate(set) var reason: String
        fileprivate(set) var kind: RetryClass
        let since: ContinuousClock.Instant
        /// Since when the server has answered, and refused.
        fileprivate(set) var refusedSince: ContinuousClock.Instant?
        fileprivate(set) var newest: ContinuousClock.Instant
        fileprivate(set) var count = 1
        /// The server has answered something since.
        fileprivate(set) var isHidden = false

        /// It has come again and again, or it lasts.
        fileprivate func isPresent(at now: ContinuousClock.Instant) -> Bool {
            !isHidden || count > 1 && now - newest <= FailingAttempts.relapse
        }
    }

    /// A failure that comes back within this time has not been over. More than the longest backoff, and a session's
    /// start.
    static let relapse: Duration = .seconds(30)
    /// Attempts of which none is refused for so long are not going on.
    private static let recent: Duration = .seconds(120)

    /// In the order in which they began.
    private var failures: [Failure] = []

    mutating func failed(
        _ actor: Actor, with server: LoopCondition.Server, reason: String, kind: RetryClass, at now: ContinuousClock.Instant
    ) {
        failures.removeAll { $0.isHidden && now - $0.newest > Self.relapse }
        guard let index = failures.firstIndex(where: { $0.actor == actor && $0.server == server }) else {
            failures.append(
                Failure(
                    server: server, actor: actor, reason: reason, kind: kind, since: now, refusedSince: kind.isRefusal ? now : nil,
                    newest: now))
            return
        }
        if failures[index].kind != kind { failures[index].reason = reason }
        failures[index].kind = kind
        failures[index].refusedSince = kind.isRefusal ? failures[index].refusedSince ?? now : nil
        failures[index].newest = now
        failures[index].count += 1
        failures[index].isHidden = false
    }

    /// The server answered.
    mutating func answered(_ actor: Actor, by server: LoopCondition.Server) {
        for index in failures.indices where failures[index].server == server {
            if failures[index].actor == actor || failures[index].actor.isHiddenByAnyAnswer { failures[index].isHidden = true }
        }
    }

    /// What was tried has succeeded, or nobody tries it any more.
    ///
    /// - Parameter server: nil for both.
    mutating func ended(_ actor: Actor, with server: LoopCondition.Server? = nil) {
        failures.removeAll { $0.actor == actor && $0.server == server ?? $0.server }
    }

    /// Nobody tries anything with this server any more.
    mutating func ended(with server: LoopCondition.Server) { failures.removeAll { $0.server == server } }

    /// Why a server cannot be used now.
    func reason(of server: LoopCondition.Server) -> String? { failures.first { $0.server == server && !$0.isHidden }?.reason }

    /// What has failed for `time`, the first first.
    func lasting(for time: Duration, at now: ContinuousClock.Instant) -> [Failure] {
        failures.filter { $0.isPresent(at: now) && now - $0.since >= time }
    }

    /// What a server that answers has refused for `time`, again and again, the first first.
    func refused(for time: Duration, at now: ContinuousClock.Instant) -> [Failure] {
        failures.filter { failure in
            guard let since = failure.refusedSince, failure.isPresent(at: now) else { return false }
            return failure.count > 1 && now - since >= time && now - failure.newest <= Self.recent
        }
    }
}
