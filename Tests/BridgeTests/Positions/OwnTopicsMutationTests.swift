import Mongo
import Testing

@testable import StreamBridge

/// Records of the bridge's own topics that somebody else wrote: refused or used, never the end of the process. `make
/// fuzz` does the same for longer.
@Suite struct OwnTopicsMutationTests {
    private static let token = "826274DD9F000000032B022C0100296E5A1004"

    private static let seeds = [
        """
        {"version":1,"stream":"inventory","token":{"_data":"\(token)"},"clusterTime":"1651826079.3","wallTime":5,"events":4200000000,\
        "transaction":{"id":"00010203-0405-0607-0809-0a0b0c0d0e0f:7","index":3},"options":"00aa","replicaSet":"rs0","writer":"host/1",\
        "writtenAt":"2022-05-06T08:34:39.123Z","id":"r-1","from":"\(token)","to":"1651826079.3","filter":null,"topic":"again","by":"ann@desk",\
        "startedAt":"2022-05-06T08:34:39.123Z","state":"running"}
        """,
        """
        {"stream":"inventory","old":{"version":1,"stream":"inventory","token":{"_data":"\(token)"},"events":5},"new":"not json","by":"ann@desk",\
        "why":"oplog too small","at":"2022-05-06T08:34:39.123Z"}
        """,
        """
        {"version":1,"id":"r-1","source":"orders","topic":"again","key":null,"keepsPartitions":true,"partitions":{"0":{"start":0,"end":100,\
        "next":40},"7":{"start":5,"end":9007199254740992,"next":6}},"events":41,"by":"ann@desk","startedAt":"2026-11-24T20:25:34.000Z",\
        "writtenAt":"2026-11-24T20:25:35.000Z","state":"running"}
        """,
    ]

    private static let numbers = [
        "9223372036854775807", "-9223372036854775808", "9007199254740992", "9007199254740993", "-1", "0", "1e308", "-1e308", "1.5", "null",
        "true", "{}", "[]", "\"5\"", #"{"$numberLong":"9223372036854775807"}"#, #"{"$numberDouble":"NaN"}"#, #"{"$numberDecimal":"1"}"#,
        "4294967296", "99999999999999999999999999",
    ]

    /// Another number in the place of one, or other bytes.
    private static func mutate(_ seed: String, _ random: inout SeededGenerator) -> [UInt8] {
        var text = seed
        for _ in 0...random.below(3) {
            let places = text.matches(of: #/[0-9]+/#).map(\.range)
            guard random.below(3) > 0, !places.isEmpty else {
                var bytes = Array(text.utf8)
                bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
                text = String(decoding: bytes, as: UTF8.self)
                continue
            }
            text.replaceSubrange(random.pick(places), with: random.pick(numbers))
        }
        return Array(text.utf8)
    }

    @Test func whatSomebodyElseWroteIsRefusedOrUsed() {
        var random = SeededGenerator(seed: 17)
        var taken = [0, 0, 0, 0]
        for round in 0..<6000 {
            let bytes = Self.mutate(Self.seeds[round % Self.seeds.count], &random)
            if Self.usesPosition(bytes) { taken[0] += 1 }
            if Self.usesEdit(bytes) { taken[1] += 1 }
            guard let document = try? BSONDocument(extendedJSON: String(decoding: bytes, as: UTF8.self)) else { continue }
            if Self.usesCopy(document) { taken[2] += 1 }
            if let replay = try? StreamReplayRecord(document) {
                taken[3] += 1
                #expect(replay.isSameReplay(as: replay))
                _ = (replay.json, replay.from.clusterTime)
            }
        }
        // Otherwise nothing was tried.
        #expect(taken.allSatisfy { $0 > 50 }, "\(taken)")
    }

    private static func usesPosition(_ bytes: [UInt8]) -> Bool {
        _ = StoredPositionEntry(stream: "inventory", value: bytes, now: 1_651_826_079_000)
        guard let stored = try? StoredPosition(json: bytes) else { return false }
        var next = stored
        next.position.events += 1
        next.position.transaction = stored.position.transaction.flatMap { TransactionPlace.next(after: $0, of: $0.id) }
        // Nobody counts that far, and one more would be refused.
        if stored.position.events < BSONValue.maxCount, stored.position.transaction?.index ?? 0 < BSONValue.maxCount {
            #expect((try? StoredPosition(json: next.json))?.position.events == stored.position.events + 1)
        }
        _ = (stored.changes(of: .sample()), StoredPosition.iso8601(milliseconds: stored.writtenAt))
        return true
    }

    private static func usesEdit(_ bytes: [UInt8]) -> Bool {
        guard let edit = PositionEdit(json: bytes) else { return false }
        _ = (edit.oldPlace, edit.newPlace, edit.time, edit.json)
        return true
    }

    private static func usesCopy(_ document: BSONDocument) -> Bool {
        guard let copy = TopicCopyRecord(document) else { return false }
        #expect(copy.fraction.map { 0...1 ~= $0 } ?? true)
        for stretch in copy.stretches.values { #expect(0 <= stretch.start && stretch.start <= stretch.next && stretch.next <= stretch.end) }
        _ = (copy.json, copy.place)
        return true
    }

    /// Of a dead letter or a published record.
    @Test(arguments: ["9223372036854775807", "-1", "", " 1", "+1", "1.0", "９", "9007199254740993"])
    func aHeaderThatIsNoCountIsNone(_ text: String) { #expect(Int64(count: text) == nil || text == "+1") }

    @Test func aHeaderThatIsACountIsRead() { #expect(["0", "7", "9007199254740992"].map { Int64(count: $0) } == [0, 7, 1 << 53]) }
}
