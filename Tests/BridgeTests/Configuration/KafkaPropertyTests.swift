import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct KafkaPropertyTests {
    private static func kafka(_ line: String) -> String {
        ConfigurationText.minimal().replacing("127.0.0.1:9092", with: "127.0.0.1:9092\n  \(line)")
    }

    @Test func scalarsOfEveryTypeBecomeTexts() throws {
        let text = Self.kafka(
            "linger.ms: 5\n  enable.idempotence: True\n  socket.keepalive.enable: \"True\"\n  client.rack: \"\"\n  x: 1.50\n"
                + "  producer: {compression.type: zstd}\n  consumer: {fetch.min.bytes: 0x10}")
        let kafka = try ConfigurationText.load(text).configuration.kafka
        #expect(
            kafka.common == [
                "bootstrap.servers": "127.0.0.1:9092", "linger.ms": "5", "enable.idempotence": "true", "socket.keepalive.enable": "True",
                "client.rack": "", "x": "1.50",
            ])
        #expect(kafka.producer == ["compression.type": "zstd"])
        #expect(kafka.consumer == ["fetch.min.bytes": "0x10"])
    }

    @Test(arguments: [
        ("enable.idempotence: false", "idempotence"), ("enable.idempotence: 0", "idempotence"), ("acks: 1", "in-sync"),
        ("acks: 0", "in-sync"),
        ("request.required.acks: 1", "in-sync"), ("max.in.flight: 6", "reorder"),
        ("max.in.flight.requests.per.connection: 1000000", "reorder"),
        ("retries: 0", "outage"), ("message.send.max.retries: 0", "outage"), ("enable.gapless.guarantee: true", "goes back"),
        ("delivery.report.only.error: true", "reports of success"), ("queuing.strategy: lifo", "order"),
        ("partitioner: random", "partitions"),
        ("transactional.id: x", "transactional ids"), ("group.id: x", "groups"), ("enable.auto.commit: true", "commits offsets itself"),
        ("enable.auto.offset.store: true", "stores offsets itself"), ("isolation.level: read_uncommitted", "aborted"),
        ("auto.offset.reset: latest", "jump over records"), ("auto.offset.reset: earliest", "jump over records"),
        ("partition.assignment.strategy: range", "takes every partition"),
        ("partition.assignment.strategy: \"range,cooperative-sticky\"", "takes every partition"),
        ("group.instance.id: a", "fence each other"), ("group.protocol: consumer", "classic protocol"),
        ("test.mock.num.brokers: 3", "simulated"), ("plugin.library.paths: /x.so", "foreign code"), ("dr_msg_cb: x", "callbacks"),
        ("interceptors: x", "only from code"), ("bootstrap.server: 1", ""), ("bootstrap: {servers: x}", "written with dots"),
        ("producers: {a: b}", "did you mean `producer`?"), ("linger.ms: [1]", "one value"), ("linger.ms:", "write \"\""),
    ])
    func propertyThatBreaksAPromiseIsRefusedWithTheReason(line: String, words: String) {
        let faults = ConfigurationText.faults(Self.kafka(line))
        if words.isEmpty {
            #expect(faults == [], "only librdkafka knows its names")
        } else {
            #expect(faults.count == 1 && faults[0].hasPrefix("bridge.yaml:6:") && faults[0].contains(words), "\(faults)")
        }
    }

    @Test(arguments: [
        "enable.idempotence: true", "acks: all", "acks: -1", "max.in.flight: 5", "retries: 3", "partitioner: consistent_random",
        "enable.auto.commit: false", "queue.buffering.max.messages: 1000", "queue.buffering.max.kbytes: 1024", "queuing.strategy: fifo",
        "metadata.broker.list: \"a:1,b:2\"", "auto.offset.reset: error", "partition.assignment.strategy: cooperative-sticky",
        "group.protocol: Classic",
    ])
    func propertyThatKeepsThePromisesIsAccepted(line: String) {
        #expect(ConfigurationText.faults(Self.kafka(line)) == [])
    }

    @Test(arguments: [
        ("a", true), ("a:1,b:2", true), ("a:1, b:2", true), ("SASL_SSL://a:1", true), ("\"[::1]:9092\"", true), ("a:x", false),
        ("\"a:1,,b\"", false), ("http://a:1", false), ("a:70000", false), ("\"\"", false),
    ])
    func serversAreHostsWithPorts(servers: String, isAccepted: Bool) {
        let faults = ConfigurationText.faults(ConfigurationText.minimal().replacing("127.0.0.1:9092", with: servers))
        #expect(faults.isEmpty == isAccepted, "\(faults)")
    }

    @Test func bothSidesMayNameTheirServersThemselves() {
        let text = ConfigurationText.minimal()
            .replacing(
                "  bootstrap.servers: 127.0.0.1:9092", with: "  producer: {bootstrap.servers: a}\n  consumer: {bootstrap.servers: b}")
        #expect(ConfigurationText.faults(text) == [])
        #expect(ConfigurationText.faults(text.replacing("  consumer: {bootstrap.servers: b}", with: "  client.id: x")).count == 1)
    }

    @Test func librdkafkasAnswerIsAFaultWithItsLine() {
        let checks = ConfigurationChecks(
            kafkaProperty: { name, value, role in
                name == "linger.ms" && value == "soon" ? "no number in \"\(value)\"" : name == "lingr.ms" ? "no such property" : nil
            }, kafkaPropertyNames: { ["linger.ms", "acks"] })
        #expect(
            ConfigurationText.faults(Self.kafka("producer: {linger.ms: soon}"), checks: checks) == [
                "bridge.yaml:6:25: kafka.producer.linger.ms: `soon` is refused; librdkafka: no number in \"soon\""
            ])
        #expect(
            ConfigurationText.faults(Self.kafka("lingr.ms: 5"), checks: checks) == [
                "bridge.yaml:6:3: kafka.lingr.ms: unknown property; did you mean `linger.ms`? librdkafka: no such property"
            ])
    }
}
