import Testing

@testable import Mongo
@testable import Runtime

@Suite struct JSONDateTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.1Z", 100), ("1970-01-01T00:00:00.1239Z", 123),
        ("1969-12-31T23:59:59.999999999Z", -1), ("1970-01-01T02:00:00+02:00", 0), ("1969-12-31T12:30:00.050-11:30", 50),
        ("1970-01-01T00:00:00-00:00", 0), ("2000-02-29T00:00:00Z", 951_782_400_000), ("2024-02-29T12:34:56.789Z", 1_709_210_096_789),
        ("2026-01-31T00:00:00Z", 1_769_817_600_000), ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999), ("2026-01-31T00:00:00+23:59", 1_769_817_600_000 - 86_340_000),
        ("2026-01-31T00:00Z", 1_769_817_600_000), ("2026-01-31T02:30+02:30", 1_769_817_600_000),
    ])
    func readsTimes(text: String, milliseconds: Int64) {
        #expect(Self.read(text) == milliseconds)
    }

    @Test(arguments: [
        "", "2026-01-31", "2026-01-31T00:00:00", "2026-01-31T00:00", "2026-01-31T00Z",
        "2026-01-31T00:00:Z", "2026-01-31T00:00.5Z", "2026-01-31T00:00:0Z", "2026-01-31T00:00:00", "2026-01-31T24:00Z",
        "2026-01-31 00:00:00Z", "2026-01-31t00:00:00Z",
        "2026-01-31T00:00:00z", "2026-01-31T00:00:00 Z", "2026-01-31T00:00:00.Z", "2026-01-31T00:00:00,5Z", "2026-01-31T00:00:00.5",
        "2026-01-31T00:00:00+02", "2026-01-31T00:00:00+0200", "2026-01-31T00:00:00+24:00", "2026-01-31T00:00:00+02:60",
        "2026-01-31T00:00:00Zx", "2026-01-31T00:00:00+02:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z", "2026-04-31T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-01-31T24:00:00Z",
        "2026-01-31T00:60:00Z", "2016-12-31T23:59:60Z", "+2026-01-31T00:00:00Z", "-026-01-31T00:00:00Z", "２026-01-31T00:00:00Z",
        "0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-1-31T00:00:00.00Z",
    ])
    func refusesWhatIsNoTime(text: String) {
        #expect(Self.read(text) == nil)
    }

    /// What is written is read again, whatever the zone is, and not one byte further than its range.
    @Test func readsWhatItWrites() {
        var generator = SeededGenerator(seed: 3)
        let range = JSONDate.simpleRange
        var times: [Int64] = [range.lowerBound, range.upperBound, 0, -1, 1]
        for _ in 0..<20_000 { times.append(range.lowerBound + Int64(generator.next() % UInt64(range.upperBound - range.lowerBound))) }
        for time in times {
            var buffer = OutputBuffer(capacity: 32)
            JSONDate.write(time, alwaysWithFraction: generator.below(2) == 0, into: &buffer)
            let bytes = buffer.bytes()
            if JSONDate.read(bytes.indices, of: bytes.span.bytes) != time { Issue.record("\(time)") }
            let embedded = Array("0".utf8) + bytes + Array("0".utf8)
            if JSONDate.read(1..<bytes.count + 1, of: embedded.span.bytes) != time { Issue.record("\(time) between digits") }
            let minutes = generator.below(1440)
            let zone = "\(generator.pick(["+", "-"]))\(twoDigits(minutes / 60)):\(twoDigits(minutes % 60))"
            let shift = Int64(minutes) * (zone.hasPrefix("-") ? 60_000 : -60_000)
            let expected = range ~= time + shift ? time + shift : nil
            if Self.read(String(decoding: bytes.dropLast(), as: UTF8.self) + zone) != expected { Issue.record("\(time) \(zone)") }
        }
    }

    private static func read(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        return JSONDate.read(bytes.indices, of: bytes.span.bytes)
    }

    private func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
