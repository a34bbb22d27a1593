import Foundation

extension Date {
    private static let httpStyle = VerbatimFormatStyle(
        format: """
            \(weekday: .abbreviated), \(day: .twoDigits) \(month: .abbreviated) \(year: .padded(4)) \
            \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits) GMT
            """,
        locale: Locale(identifier: "en_US_POSIX"), timeZone: .gmt, calendar: Calendar(identifier: .gregorian))

    /// As HTTP's header `Date` says it (IMF-fixdate of RFC 9110), in whole seconds.
    var httpText: String { formatted(Self.httpStyle) }
}
