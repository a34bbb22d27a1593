/// The place of this process among those that could lead a stream: the lowest rank leads.
///
/// Each process draws a number. Every stream takes it in a form of its own, so that one configuration's streams are led
/// by different processes: of two processes each leads every other stream.
enum LeadershipRank {
    static let number = UInt64.random(in: 0 ... .max)

    /// - Parameter index: of the stream in the configuration.
    /// - Returns: text that sorts like the rank.
    static func text(ofStream index: Int, number: UInt64 = number) -> String {
        // All bits the other way round turn the order round; the highest ones of an index that counts up in the reverse
        // order of its bits cut the processes into ever smaller halves (van der Corput's sequence).
        let turn: UInt64 = index.isMultiple(of: 2) ? 0 : .max
        let cut = UInt64(index / 2).bitReversed
        let digits = String(number ^ turn ^ cut, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension UInt64 {
    fileprivate var bitReversed: UInt64 {
        var (source, result) = (self, 0 as UInt64)
        for _ in 0..<64 {
            result = result << 1 | source & 1
            source >>= 1
        }
        return result
    }
}
