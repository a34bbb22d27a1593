/// How much came per second, over the last ten seconds.
///
/// Pure: no clock.
struct RateWindow: Sendable {
    private static let seconds = 10

    /// By second; the one that has begun included.
    private var slots = [Int](repeating: 0, count: RateWindow.seconds + 1)
    private let start: ContinuousClock.Instant
    /// The second of the newest slot.
    private var newest = 0

    init(start: ContinuousClock.Instant = .now) { self.start = start }

    mutating func add(_ amount: Int, at now: ContinuousClock.Instant) {
        advance(to: now)
        slots[newest % slots.count] += amount
    }

    /// Over the last ten whole seconds; what came in the second that has begun counts when it is over.
    func perSecond(at now: ContinuousClock.Instant) -> Double {
        var window = self
        window.advance(to: now)
        let current = window.slots[window.newest % window.slots.count]
        return Double(window.slots.reduce(0, +) - current) / Double(Self.seconds)
    }

    private mutating func advance(to now: ContinuousClock.Instant) {
        let second = Int(start.duration(to: now) / .seconds(1))
        guard second > newest else { return }
        for passed in (newest + 1)...max(newest + 1, min(second, newest + slots.count)) { slots[passed % slots.count] = 0 }
        newest = second
    }
}
