/// Spreads events evenly over time. Pure but for the clock.
struct RateLimiter {
    /// Events per second, at least 1.
    private let rate: Int
    /// When the next event may go.
    private var next: ContinuousClock.Instant = .now

    init(rate: Int) { self.rate = rate }

    /// So many events go together: those of a tenth of a second.
    var batchEvents: Int { max(1, rate / 10) }

    /// When `count` events, which go together, may go. What was late is not made up for by a burst.
    mutating func turn(of count: Int) -> ContinuousClock.Instant {
        let turn = max(next, .now)
        next = turn + .seconds(1) * Double(count) / Double(rate)
        return turn
    }
}
