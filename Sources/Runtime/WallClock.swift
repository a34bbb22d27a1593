import Foundation

/// The time of day, for what people and other programs read; durations are measured with `ContinuousClock`.
package enum WallClock {
    /// Milliseconds since 1970.
    package static func milliseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
}
