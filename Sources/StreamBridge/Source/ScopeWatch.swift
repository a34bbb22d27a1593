import Mongo

/// Looks whether a named collection that is gone has come back as something without a change stream. The server says nothing of that: a stream on a name
/// that nobody has just has no events. Used on one thread.
final class ScopeWatch {
    private static let interval: Duration = .seconds(10)

    private let scope: WatchScope
    private let pool: MongoClientPool
    /// A named collection is not there, or was dropped or renamed.
    private(set) var isNeeded: Bool
    private var call: BoundedCall<WatchedCollections?>?
    private var next: ContinuousClock.Instant = .now

    /// - Parameter found: what was there when the stream began; nil where nobody may see it.
    init(of scope: WatchScope, found: WatchedCollections?, pool: MongoClientPool) {
        self.scope = scope
        self.pool = pool
        isNeeded = found.map { !StreamReview.missing(of: scope, in: $0).isEmpty } ?? false
    }

    /// Events of a batch.
    func took(_ counts: OperationCounts) {
        let gone: [ChangeOperation] = [.drop, .rename, .dropDatabase, .invalidate]
        if gone.contains(where: { counts.events($0) > 0 }) { isNeeded = !scope.namedCollections.isEmpty }
    }

    /// Never waits.
    ///
    /// - Throws: ``StreamHalt``.
    func look() throws(StreamHalt) {
        guard isNeeded else { return }
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
                guard let found else { return }
                if let stranger = StreamReview.strangers(to: scope, in: found).first { throw stranger.halt }
                isNeeded = !StreamReview.missing(of: scope, in: found).isEmpty
            } catch let halt as StreamHalt {
                throw halt
            } catch {
                // The reader meets the same trouble, and says so.
                call = nil
                next = .now + Self.interval
            }
        } else if .now > next {
            // Until then an answer is waited for.
            next = .now + Self.interval * 3
            call = BoundedCall(of: pool, thread: "ask mongodb") { [scope, pool] in try WatchedCollections.find(of: scope, pool: pool) }
        }
    }
}
