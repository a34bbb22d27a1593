import Testing

@testable import StreamBridge

@Suite(.blocking) struct PartitionerTests {
    /// Vectors of the Java client (Kafka's own UtilsTest).
    @Test(
        arguments: [
            ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829), ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] as [(String, Int32)])
    func theTestsOwnHashIsTheJavaClients(_ key: String, _ hash: Int32) {
        #expect(Murmur2.hash(Array(key.utf8)) == hash)
    }

    @Test func aKeyLandsWhereTheJavaClientsWouldPutIt() throws {
        let kafka = try TestKafka.shared.get()
        let topic = UniqueName.make("partitioner")
        try kafka.make(topic: topic, partitions: 7)
        let producer = try ReportingProducer(kafka.settings)
        let keys = (0..<200).map { #"{"_id":{"$oid":"62751d0f00000000000\#(10_000 + $0)"}}"# } + ["21", "foobar", "abc", ""]
        for key in keys { #expect(try producer.produce(topic, key: key, value: "v")) }
        try producer.wait(acknowledged: keys.count)
        let stored = try TopicContents.read(topic, partitions: 7, from: kafka.settings)
        #expect(stored.count == keys.count)
        for record in stored { #expect(record.partition == Murmur2.partition(of: try #require(record.key), among: 7)) }
        #expect(Set(stored.map(\.partition)).count == 7)
    }
}

/// MurmurHash2, 32 bits, with the Java client's seed.
private enum Murmur2 {
    static func partition(of key: [UInt8], among count: Int32) -> Int32 { (hash(key) & 0x7fff_ffff) % count }

    static func hash(_ bytes: [UInt8]) -> Int32 {
        let factor: UInt32 = 0x5bd1_e995
        var hash: UInt32 = 0x9747_b28c ^ UInt32(bytes.count)
        var rest = bytes[...]
        while rest.count >= 4 {
            var word = rest.prefix(4).reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) } &* factor
            word = (word ^ (word >> 24)) &* factor
            hash = (hash &* factor) ^ word
            rest = rest.dropFirst(4)
        }
        if !rest.isEmpty { hash = (hash ^ rest.reversed().reduce(0) { $0 << 8 | UInt32($1) }) &* factor }
        hash = (hash ^ (hash >> 13)) &* factor
        return Int32(bitPattern: hash ^ (hash >> 15))
    }
}
