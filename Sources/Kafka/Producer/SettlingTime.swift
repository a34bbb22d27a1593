/// How long a producer's next transaction waits after a commit.
///
/// A coordinator answers a commit before it has written the markers that end it, and until then refuses the next
/// transaction's first requests (CONCURRENT_TRANSACTIONS). librdkafka makes them again 20 ms later, or after
/// `retry.backoff.ms`; meanwhile more records come, and the next transaction follows as closely. So whatever comes
/// right after a commit waits for a moment instead. How long the moment has to be depends on the broker: it grows with
/// every refusal, and shrinks slowly without.
package struct SettlingTime {
    private static let (minimum, maximum): (Duration, Duration) = (.milliseconds(1), .milliseconds(20))

    package private(set) var time = minimum
    /// Refusals that were counted.
    private var seen = 0

    /// A transaction was committed.
    ///
    /// - Parameter refusals: how many there were until now.
    package mutating func settle(refusals: Int) {
        // One refusal in a hundred transactions is what is borne.
        time = refusals > seen ? min(time * 1.5, Self.maximum) : max(time * 0.996, Self.minimum)
        seen = refusals
    }

    package init() {}
}
