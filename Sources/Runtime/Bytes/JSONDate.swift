/// Dates as ISO 8601 text in UTC.
package enum JSONDate {
    /// Milliseconds of the years 1970…9999, which relaxed Extended JSON writes as text.
    package static let relaxedRange: ClosedRange<Int64> = 0...253_402_300_799_999

    /// Milliseconds of the years 0001…9999.
    package static let simpleRange: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    /// Appends `2012-12-24T12:15:30.501Z`. The milliseconds are left out if they are zero, unless `alwaysWithFraction`.
    ///
    /// - Parameter milliseconds: since 1970-01-01T00:00:00Z, within ``simpleRange``.
    package static func write(_ milliseconds: Int64, alwaysWithFraction: Bool, into buffer: inout OutputBuffer) {
        // Counted from 0001-01-01, nothing is negative.
        let elapsed = UInt64(milliseconds - simpleRange.lowerBound)
        let (days, time) = elapsed.quotientAndRemainder(dividingBy: 86_400_000)
        let (seconds, fraction) = time.quotientAndRemainder(dividingBy: 1000)
        let date = civilDate(daysSinceYearOne: days)
        buffer.append(digits: date.year, count: 4)
        buffer.append(UInt8(ascii: "-"))
        buffer.append(digits: date.month, count: 2)
        buffer.append(UInt8(ascii: "-"))
        buffer.append(digits: date.day, count: 2)
        buffer.append(UInt8(ascii: "T"))
        buffer.append(digits: seconds / 3600, count: 2)
        buffer.append(UInt8(ascii: ":"))
        buffer.append(digits: seconds / 60 % 60, count: 2)
        buffer.append(UInt8(ascii: ":"))
        buffer.append(digits: seconds % 60, count: 2)
        if alwaysWithFraction || fraction != 0 {
            buffer.append(UInt8(ascii: "."))
            buffer.append(digits: fraction, count: 3)
        }
        buffer.append(UInt8(ascii: "Z"))
    }

    /// The date in the proleptic Gregorian calendar.
    ///
    /// The year is taken to begin on the first of March, so that the leap day is its last one; then the months' first
    /// days are `(153 * month + 2) / 5`, and eras of 400 years are all alike.
    private static func civilDate(daysSinceYearOne: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
        let shifted = daysSinceYearOne + 306  // 0000-03-01 is 306 days before 0001-01-01.
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let isNextYear = month >= 10
        return (era * 400 + yearOfEra + (isNextYear ? 1 : 0), isNextYear ? month - 9 : month + 3, day)
    }
}
