/// Notices that a producer's topic was deleted while records wait for it.
///
/// librdkafka repeats `AddPartitionsToTxn` for such a topic without a word until `transaction.timeout.ms` is over.
/// Nothing of it can be stored as long as the session lasts, and the next session creates the topic.
///
/// Pure: no clock, no I/O.
package struct DeletedTopicWatch {
    enum Verdict: Equatable {
        /// The broker that was asked does not know it: one that has just started may not know all of them.
        case isMissing(String)
        case isGone(String)
    }

    /// When the cluster is asked for the first time, how soon again when a topic is missing, and otherwise.
    private static let (first, second, interval): (Duration, Duration, Duration) = (.seconds(1), .milliseconds(500), .seconds(2))

    /// Nil while nothing waits.
    private var nextLook: ContinuousClock.Instant?
    private var missing: String?

    /// - Parameters:
    ///   - waiting: records that were neither acknowledged nor refused.
    ///   - hasReports: some were since the last look.
    ///   - find: asks the cluster for the first topic that it does not know.
    mutating func look(waiting: Int, hasReports: Bool, at now: ContinuousClock.Instant, find: () -> String?) -> Verdict? {
        guard waiting > 0, !hasReports, let next = nextLook else {
            nextLook = waiting > 0 ? now + Self.first : nil
            missing = nil
            return nil
        }
        guard now >= next else { return nil }
        let found = find()
        defer { missing = found }
        nextLook = now + (found == nil ? Self.interval : Self.second)
        return found.map { $0 == missing ? .isGone($0) : .isMissing($0) }
    }
}
