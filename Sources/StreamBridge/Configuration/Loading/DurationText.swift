/// Durations as users write them: `250ms`, `5s`, `2m`, `1h`.
enum DurationText {
    private static let milliseconds: [(unit: String, count: Int64)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]

    private static let remedy = "write a whole number with its unit, such as 250ms, 5s, 2m or 1h"

    /// Reads one number with its unit.
    static func parse(_ text: String) throws(ConfigurationComplaint) -> Duration {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count)
        guard !digits.isEmpty else { throw ConfigurationComplaint(remedy) }
        guard let factor = milliseconds.first(where: { $0.unit == unit })?.count else {
            guard unit.isEmpty else { throw ConfigurationComplaint(remedy) }
            throw ConfigurationComplaint("a duration needs its unit: write \(digits)s or \(digits)ms")
        }
        // A day more than anything the bridge waits for; the bound keeps every later sum in range.
        guard let number = Int64(digits), !number.multipliedReportingOverflow(by: factor).overflow,
            number * factor <= 1000 * 365 * 24 * 3_600_000
        else { throw ConfigurationComplaint("this is longer than a thousand years") }
        return .milliseconds(number * factor)
    }

    /// Writes a duration with the largest unit that is exact; parts of a millisecond are dropped.
    static func format(_ duration: Duration) -> String {
        let parts = duration.components
        let total = parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000
        let unit = milliseconds.last { total != 0 && total % $0.count == 0 } ?? ("ms", 1)
        return "\(total / unit.count)\(unit.unit)"
    }
}

extension Duration {
    /// Reads a duration as the configuration has it: `250ms`, `5s`, `2m`, `1h`.
    package init?(written text: String) {
        guard let duration = try? DurationText.parse(text) else { return nil }
        self = duration
    }
}
