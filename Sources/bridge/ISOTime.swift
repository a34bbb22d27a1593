import ArgumentParser
import Foundation
import StreamBridge

/// A time on the command line, such as 2026-01-31T00:00:00Z.
struct ISOTime: ExpressibleByArgument {
    /// Since 1970.
    let milliseconds: Int64

    init?(argument text: String) {
        // The seconds may be left out, as in commands.
        let argument = text.replacing(/(T\d\d:\d\d)([Z+-])/) { "\($0.1):00\($0.2)" }
        for style in [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)] {
            if let date = try? Date(argument, strategy: style) {
                // To the end of the year 9999. Kafka takes times before 1970 for other things than times.
                guard let milliseconds = date.milliseconds, (0..<253_402_300_800_000).contains(milliseconds) else { return nil }
                self.milliseconds = milliseconds
                return
            }
        }
        // As in the configuration: a date alone, or minutes without seconds; but digits alone are no time here.
        guard argument.contains("-"), case .time(let seconds)? = try? StartPoint(argument: argument) else { return nil }
        milliseconds = Int64(seconds) * 1000
    }
}
