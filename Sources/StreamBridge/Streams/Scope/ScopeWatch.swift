import Mongo

/// Looks at what is watched beside the stream itself, which never waits for it. Used on one thread.
///
/// Whether a named collection that is gone has come back as something without a change stream: the server says nothing
/// of that, and a stream on a name that nobody has just has no events. And once at what a cluster has, which takes a
/// question for each database.
final class ScopeWatch {
    private static let interval: Duration = .seconds(10)
    /// How long a cluster of many databases may take.
    private static let clusterTime: Duration = .seconds(300)

    private let scope: WatchScope
    private let pool: MongoClientPool
    /// Judges what a cluster has; nil when that is done, or for every other scope.
    private var judge: ((WatchedCollections) throws(Halt) -> Void)?
    /// A named collection is not there, or was dropped or renamed.
    private(set) var isNeeded: Bool
    private var call: BoundedCall<WatchedCollections?>?
    private var next: ContinuousClock.Instant = .now

    /// - Parameters:
    ///   - found: what was there when the stream began; nil where nobody may see it.
    ///   - judge: for a cluster, of which nobody has looked yet.
    init(
        of scope: WatchScope, found: WatchedCollections?, pool: MongoClientPool,
        judge: ((WatchedCollections) throws(Halt) -> Void)? = nil
    ) {
        self.scope = scope
        self.pool = pool
        self.judge = judge
        isNeeded = found.map { !StreamReview.missing(of: scope, in: $0).isEmpty } ?? false
    }

    /// Events of a batch.
    func took(_ counts: OperationCounts) {
        let gone: [ChangeOperation] = [.drop, .rename, .dropDatabase, .invalidate]
        if gone.contains(where: { counts.events($0) > 0 }) { isNeeded = !scope.namedCollections.isEmpty }
    }

    /// Never waits.
    ///
    /// - Throws: ``Halt``.
    func look() throws(Halt) {
        guard isNeeded || judge != nil else { return }
        if let running = call {
            do {
                guard let found = try running.result(within: .zero) else {
                    if .now > next {
                        running.abandon()
                        call = nil
                    }
                    return
                }
                call = nil
                next = .now + Self.interval
                let judge = judge
                self.judge = nil
                guard let found else { return }
                try judge?(found)
                if let stranger = StreamReview.strangers(to: scope, in: found).first { throw stranger.halt }
                isNeeded = !StreamReview.missing(of: scope, in: found).isEmpty
            } catch let halt as Halt {
                throw halt
            } catch {
                // The reader meets the same trouble, and says so.
                call = nil
                next = .now + Self.interval
            }
        } else if .now > next {
            // Until then an answer is waited for.
            next = .now + (judge == nil ? Self.interval * 3 : Self.clusterTime)
            call = BoundedCall(of: pool, thread: "ask mongodb") { [scope, pool] in try WatchedCollections.find(of: scope, pool: pool) }
        }
    }
}
