extension JSONDate {
    /// Reads a time of RFC 3339, the profile of ISO 8601 for the internet: `2026-01-31T00:00:00Z`,
    /// `2026-01-31T02:00:00.5+02:00`. The seconds may be left out, as ISO 8601 allows: Java writes whole minutes as
    /// `2026-01-31T00:00Z`.
    ///
    /// Strict: a zone is there, letters are upper-case, the day exists in its month, no second 60 and no hour 24. What
    /// a fraction says beyond milliseconds is dropped.
    ///
    /// - Returns: milliseconds since 1970-01-01T00:00:00Z within ``simpleRange``, or nil if the bytes are no such time.
    package static func read(_ range: Range<Int>, of bytes: RawSpan) -> Int64? {
        guard range.count >= 17 else { return nil }
        let start = range.lowerBound

        func digits(_ count: Int, at offset: Int) -> Int64? {
            var number: Int64 = 0
            for position in offset..<offset + count {
                let digit = bytes.byte(at: position) &- UInt8(ascii: "0")
                guard digit < 10 else { return nil }
                number = number * 10 + Int64(digit)
            }
            return number
        }
        func has(_ byte: UInt8, at offset: Int) -> Bool { bytes.byte(at: offset) == byte }

        guard has(UInt8(ascii: "-"), at: start + 4), has(UInt8(ascii: "-"), at: start + 7), has(UInt8(ascii: "T"), at: start + 10),
            has(UInt8(ascii: ":"), at: start + 13),
            let year = digits(4, at: start), let month = digits(2, at: start + 5), let day = digits(2, at: start + 8),
            let hour = digits(2, at: start + 11), let minute = digits(2, at: start + 14),
            1...12 ~= month, 1...daysInMonth(month, of: year) ~= day, hour < 24, minute < 60
        else { return nil }

        var position = start + 16
        var second: Int64 = 0
        if has(UInt8(ascii: ":"), at: position) {
            guard range.count >= 20, let seconds = digits(2, at: position + 1), seconds < 60 else { return nil }
            second = seconds
            position += 3
        }
        var fraction: Int64 = 0
        if position > start + 16, has(UInt8(ascii: "."), at: position) {
            position += 1
            let first = position
            while position < range.upperBound, let digit = digits(1, at: position) {
                if position < first + 3 { fraction = fraction * 10 + digit }
                position += 1
            }
            guard position > first else { return nil }
            for _ in min(position - first, 3)..<3 { fraction *= 10 }
        }

        let zone: Int64
        switch range.upperBound - position {
        case 1 where has(UInt8(ascii: "Z"), at: position): zone = 0
        case 6:
            guard has(UInt8(ascii: "+"), at: position) || has(UInt8(ascii: "-"), at: position), has(UInt8(ascii: ":"), at: position + 3),
                let hours = digits(2, at: position + 1), let minutes = digits(2, at: position + 4), hours < 24, minutes < 60
            else { return nil }
            zone = (hours * 60 + minutes) * (has(UInt8(ascii: "-"), at: position) ? -60 : 60)
        default: return nil
        }

        let seconds = daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - zone
        let milliseconds = seconds * 1000 + fraction
        return simpleRange ~= milliseconds ? milliseconds : nil
    }

    private static func daysInMonth(_ month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The days of a date of the Gregorian calendar, counted in years that begin in March, as when writing.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        // 400 years later, so that nothing is negative: the calendar repeats itself after 146097 days.
        let marchYear = (month <= 2 ? year - 1 : year) + 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400 + dayOfYear - 719_468 - 146_097
    }
}
