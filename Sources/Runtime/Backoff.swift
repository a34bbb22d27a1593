import Foundation

/// Delays between tries: doubling, capped, with equal jitter so that many bridges do not come back at the same instant.
package struct Backoff {
    private let initial: Duration
    private let cap: Duration
    private var ceiling: Duration

    package init(initial: Duration = .milliseconds(100), cap: Duration = .seconds(10)) {
        self.initial = initial
        self.cap = cap
        ceiling = initial
    }

    /// The next delay: between half of the ceiling and the ceiling, which then doubles up to the cap.
    mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let delay = ceiling * Double.random(in: 0.5...1, using: &generator)
        ceiling = min(ceiling * 2, cap)
        return delay
    }

    package mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    /// Waits for the next delay, for a thread that has nothing else to do and that nobody stops.
    package mutating func pause() { Thread.sleep(forTimeInterval: next() / .seconds(1)) }

    /// After a success.
    package mutating func reset() { ceiling = initial }
}
