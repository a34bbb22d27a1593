extension StartPoint {
    /// Reads `now` or `oldest`.
    init(word text: String) throws(ConfigurationComplaint) {
        switch text {
        case "now": self = .now
        case "oldest": self = .oldest
        default:
            if (try? Self.seconds(of: text)) != nil { throw ConfigurationComplaint("write {time: \(text)}") }
            throw ConfigurationComplaint(
                ConfigurationSection.remedy(word: text, among: ["now", "oldest"])
                    + ", {time: 2026-01-31T00:00:00Z}, {clusterTime: \"1651826079.1\"}, {token: \"82...\"}")
        }
    }

    /// Reads an ISO 8601 time or seconds since 1970.
    init(time text: String) throws(ConfigurationComplaint) { self = .time(seconds: try Self.seconds(of: text)) }

    /// Reads `seconds.increment`.
    init(clusterTime text: String) throws(ConfigurationComplaint) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy(\.isASCIIDigit) }), let seconds = UInt32(parts[0]),
            let increment = UInt32(parts[1]), seconds > 0
        else {
            throw ConfigurationComplaint("write \"seconds.increment\", such as \"1651826079.1\", as the header mongodb.clusterTime has it")
        }
        self = .clusterTime(seconds: seconds, increment: increment)
    }

    /// Reads a resume token: the hexadecimal text of its `_data`, and perhaps `:` and that of its `_typeBits`.
    init(token text: String) throws(ConfigurationComplaint) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        func isHexadecimal(_ part: Substring) -> Bool {
            !part.isEmpty && part.utf8.count.isMultiple(of: 2) && part.allSatisfy { $0.isASCII && $0.isHexDigit }
        }
        guard parts.count <= 2, parts.allSatisfy(isHexadecimal) else {
            throw ConfigurationComplaint(
                "write the whole token as the header mongodb.token has it: hexadecimal, an even number of digits, and where it has a colon, "
                    + "what follows it as well")
        }
        self = .token(text)
    }

    // MARK: Times

    private static func seconds(of text: String) throws(ConfigurationComplaint) -> UInt32 {
        if !text.isEmpty, text.utf8.allSatisfy(\.isASCIIDigit) {
            guard let seconds = UInt32(text), seconds > 0 else {
                throw ConfigurationComplaint("seconds since 1970 have at most ten digits; for milliseconds leave out the last three")
            }
            return seconds
        }
        guard let seconds = iso8601(text) else {
            throw ConfigurationComplaint("write a time such as 2026-01-31T00:00:00Z, or seconds since 1970")
        }
        guard let seconds = UInt32(exactly: seconds), seconds > 0 else {
            throw ConfigurationComplaint("cluster times lie between 1970 and 2106")
        }
        return seconds
    }

    /// `2026-01-31`, `2026-01-31T12:00Z`, `2026-01-31 12:00:00.5+02:00`; parts of a second are dropped, no zone means
    /// UTC.
    private static func iso8601(_ text: String) -> Int64? {
        let pattern = #/(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s?(?:([Zz])|([+-])(\d{2}):?(\d{2})?)?)?/#
            .asciiOnlyDigits()
        guard let match = text.wholeMatch(of: pattern)?.output, let year = Int64(match.1), let month = Int64(match.2),
            let day = Int64(match.3)
        else { return nil }
        let hour = number(match.4)
        let minute = number(match.5)
        let second = number(match.6)
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        let zoneHours = number(match.9)
        let zoneMinutes = number(match.10)
        guard (1...12).contains(month), day >= 1, day <= lengths[Int(month) - 1], hour < 24, minute < 60, second < 60, zoneHours <= 18,
            zoneMinutes < 60
        else { return nil }
        // Days since 1970 of a date of the Gregorian calendar, counted in years that begin in March.
        let marchYear = month <= 2 ? year - 1 : year
        let era = marchYear / 400
        let yearOfEra = marchYear % 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        let zone = (zoneHours * 3600 + zoneMinutes * 60) * (match.8 == "-" ? -1 : 1)
        return days * 86_400 + hour * 3600 + minute * 60 + second - zone
    }

    private static func number(_ text: Substring??) -> Int64 { (text ?? nil).flatMap { Int64($0) } ?? 0 }
}
