import ArgumentParser
import Foundation

/// A time on the command line, such as 2026-01-31T00:00:00Z.
struct ISOTime: ExpressibleByArgument {
    /// Since 1970.
    let milliseconds: Int64

    init?(argument: String) {
        for style in [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)] {
            if let date = try? Date(argument, strategy: style) {
                milliseconds = Int64((date.timeIntervalSince1970 * 1000).rounded())
                return
            }
        }
        return nil
    }
}
