import Testing

@testable import StreamBridge

@Suite struct LeadershipRankTests {
    /// Which of some processes leads each of some streams.
    private static func leaders(of streams: Int, among numbers: [UInt64]) -> [UInt64] {
        (0..<streams).compactMap { stream in numbers.min { rank(stream, $0) < rank(stream, $1) } }
    }

    private static func rank(_ stream: Int, _ number: UInt64) -> String { LeadershipRank.text(ofStream: stream, number: number) }

    @Test func ofTwoProcessesEachLeadsEveryOtherStream() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<200 {
            let numbers = [UInt64.random(in: 0 ... .max, using: &generator), .random(in: 0 ... .max, using: &generator)]
            let leaders = Self.leaders(of: 10, among: numbers)
            for pair in stride(from: 0, to: 10, by: 2) { #expect(leaders[pair] != leaders[pair + 1]) }
        }
    }

    @Test func ofManyProcessesNoneLeadsEverything() {
        var generator = SeededGenerator(seed: 2)
        for count in 3...8 {
            for _ in 0..<50 {
                let numbers = (0..<count).map { _ in UInt64.random(in: 0 ... .max, using: &generator) }
                let shares = Dictionary(grouping: Self.leaders(of: 64, among: numbers)) { $0 }.mapValues(\.count)
                #expect(shares.count > 1)
                #expect(shares.values.allSatisfy { $0 <= 32 })
            }
        }
    }

    @Test func ranksHaveOneLengthSoThatTheirTextSortsLikeThem() {
        for number in [0, 1, UInt64.max / 2, .max] { for stream in 0..<5 { #expect(Self.rank(stream, number).utf8.count == 16) } }
    }
}
