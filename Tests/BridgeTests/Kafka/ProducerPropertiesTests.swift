import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct ProducerPropertiesTests {
    private func make(
        _ producer: [String: String], common: [String: String] = [:], limit: Int = 256 << 20,
        transactional: ProducerProperties.Transactional? = nil
    )
        throws -> [String: String]
    {
        try ProducerProperties.make(
            KafkaSettings(common: common, producer: producer, consumer: ["linger.ms": "9"]), memory: StreamMemory(limit: limit, streams: 1),
            transactional: transactional)
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

    // MARK: Transactions

    private static let transactional = ProducerProperties.Transactional.stream("inventory", of: "lessons")

    @Test func aStreamsTransactionsAreNamedAfterItAndADispatchersAfterItsMember() throws {
        let stream = try make([:], transactional: Self.transactional)
        #expect(stream["transactional.id"] == "bridge.lessons.inventory")
        #expect(stream["transaction.timeout.ms"] == "60000")
        #expect(stream["enable.gapless.guarantee"] == nil)
        #expect(stream["retry.backoff.ms"] == "10")
        #expect(try make(["retry.backoff.ms": "70"], transactional: Self.transactional)["retry.backoff.ms"] == "70")
        #expect(try make([:])["retry.backoff.ms"] == nil)
        let member = try make([:], transactional: .dispatcher("shipments", of: "lessons", instance: "host/7"))
        #expect(member["transactional.id"] == "bridge.lessons.shipments.host/7")
        #expect(member["transaction.timeout.ms"] == "10000")
        #expect(try make(["transaction.timeout.ms": "7000"], transactional: Self.transactional)["transaction.timeout.ms"] == "7000")
    }

    /// A record must not outlive its transaction; librdkafka sets its time by that, unless it is given.
    @Test func whatIsAcceptedMakesAProducer() throws {
        for producer in [[:], ["message.timeout.ms": "60000"], ["transaction.timeout.ms": "1000"], ["socket.timeout.ms": "59900"]] {
            let properties = try make(producer.merging(["bootstrap.servers": "127.0.0.1:1"]) { $1 }, transactional: Self.transactional)
            #expect(properties["message.timeout.ms"] == producer["message.timeout.ms"])
            _ = try KafkaProducer(properties: properties, logger: .silent)
        }
    }

    @Test(arguments: [
        (["message.timeout.ms": "60001"], "message.timeout.ms is 60001, and with delivery: exactly-once may be from 1 to 60000"),
        (["delivery.timeout.ms": "0"], "delivery.timeout.ms is 0, and"),
        (["socket.timeout.ms": "60000"], "socket.timeout.ms is 60000, and with delivery: exactly-once may be from 1 to 59900"),
        (["transaction.timeout.ms": "5000", "message.timeout.ms": "6000"], "because transaction.timeout.ms is 5000; raise that"),
    ])
    func aTimeBeyondTheTransactionsIsRefused(_ producer: [String: String], _ words: String) throws {
        let error = try #require(throws: KafkaError.self) { try make(producer, transactional: Self.transactional) }
        #expect("\(error)".contains(words))
        #expect(StreamFailure(error, stream: .sample()).halt?.status == .configuration)
        _ = try make(producer)
    }

    /// librdkafka says so itself.
    @Test func aTransactionsTimeHasALeast() {
        #expect(KafkaProperties.fault(name: "transaction.timeout.ms", value: "999")?.contains("outside allowed range 1000..") == true)
    }
}
