import Testing

@testable import StreamBridge

@Suite struct ProducerPropertiesTests {
    private func make(_ producer: [String: String], common: [String: String] = [:], limit: Int = 256 << 20) throws -> [String: String] {
        try ProducerProperties.make(
            KafkaSettings(common: common, producer: producer, consumer: ["linger.ms": "9"]), memory: StreamMemory(limit: limit, streams: 1))
    }

    @Test func placesAndOrdersRecordsLikeAnIdempotentJavaClient() throws {
        let properties = try make([:])
        #expect(properties["partitioner"] == "murmur2_random")
        #expect(properties["enable.idempotence"] == "true")
        #expect(properties["message.timeout.ms"] == "0")
        #expect(properties["linger.ms"] == "5")
    }

    @Test func theProducersOwnSettingsWinOverTheCommonOnesAndBothOverTheDefaults() throws {
        let properties = try make(["linger.ms": "1"], common: ["linger.ms": "2", "client.id": "x", "partitioner": "murmur2"])
        #expect(properties["linger.ms"] == "1")
        #expect(properties["client.id"] == "x")
        #expect(properties["partitioner"] == "murmur2")
    }

    @Test(arguments: [("queue.buffering.max.ms", "linger.ms"), ("delivery.timeout.ms", "message.timeout.ms")])
    func anAliasIsNotOverruledByADefault(_ alias: String, _ name: String) throws {
        let properties = try make([alias: "1234"])
        #expect(properties[name] == nil)
        #expect(try KafkaProperties(properties).value(of: name) == "1234")
    }

    @Test func theQueueHasRoomForTheLargestRecordWhateverTheMemory() throws {
        let properties = try make(["message.max.bytes": "67108864"], limit: 16 << 20)
        #expect(try #require(Int(properties["queue.buffering.max.kbytes"] ?? "")) << 10 >= 67_108_864)
        #expect(try make([:], limit: 256 << 20)["queue.buffering.max.kbytes"] == "16384")
        #expect(try make(["queue.buffering.max.kbytes": "7777"])["queue.buffering.max.kbytes"] == "7777")
    }

    /// librdkafka would say "queue full" to it for ever.
    @Test func aQueueThatCannotHoldTheLargestRecordIsRefused() throws {
        let error = try #require(throws: KafkaError.self) { try make(["queue.buffering.max.kbytes": "77"]) }
        #expect("\(error)".contains("queue.buffering.max.kbytes"))
        #expect(StreamFailure(error, stream: .sample()).halt?.status == .configuration)
    }

    @Test func aRefusedRecordStopsTheProducer() throws {
        #expect(try make([:])["enable.gapless.guarantee"] == "true")
    }
}
