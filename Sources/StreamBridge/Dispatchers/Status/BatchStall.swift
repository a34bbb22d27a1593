import Runtime

/// Notices when MongoDB answers, and no command in a worker's hands gets nearer to its own answer. Used on the worker's
/// thread.
final class BatchStall {
    /// Longer than completions of other workers are waited for.
    static let patience: Duration = .seconds(10)
    private static let interval: Duration = .seconds(1)

    private var answered = 0
    private var since: ContinuousClock.Instant
    private var reported: ContinuousClock.Instant?

    init(at now: ContinuousClock.Instant = .now) { since = now }

    /// A batch was taken.
    func begin(at now: ContinuousClock.Instant = .now) {
        answered = 0
        since = now
        reported = nil
    }

    /// - Parameters:
    ///   - answered: how many of the batch's commands have their answer.
    ///   - total: how many it has.
    /// - Returns: what to tell, at most once a second.
    func look(answered: Int, of total: Int, at now: ContinuousClock.Instant = .now) -> WaitsFor? {
        guard answered == self.answered else {
            begin(at: now)
            self.answered = answered
            return nil
        }
        guard now - since >= Self.patience, reported.map({ now - $0 >= Self.interval }) ?? true else { return nil }
        reported = now
        return WaitsFor(
            description:
                "MongoDB answers, but none of the \(total - answered) commands in hand could be carried out for \((now - since).readable)")
    }
}
