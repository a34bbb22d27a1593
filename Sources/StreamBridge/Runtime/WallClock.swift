import Foundation

/// The time of day, for what people and other programs read; durations are measured with `ContinuousClock`.
enum WallClock {
    /// Milliseconds since 1970.
    static func milliseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
}
