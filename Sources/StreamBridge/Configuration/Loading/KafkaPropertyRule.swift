import Kafka

/// The librdkafka properties that would break what the bridge promises, each with the reason.
struct KafkaPropertyRule: Sendable {
    var names: [String]
    /// Whether a value, in lower case, is refused.
    var refuses: @Sendable (String) -> Bool
    /// Why, and what to do.
    var reason: String

    static let all: [KafkaPropertyRule] = [
        .init(["enable.idempotence"], unless: isTrue, "without idempotence a retry can duplicate and reorder records; remove it"),
        .init(
            ["acks", "request.required.acks"], unless: { $0 == "all" || $0 == "-1" },
            "a position is stored once every in-sync replica has the records; write all, or remove it"),
        .init(
            ["max.in.flight.requests.per.connection", "max.in.flight"], unless: { Int($0).map { (1...5).contains($0) } ?? false },
            "more than 5 requests in flight can reorder records; write 1 to 5"),
        .init(
            ["message.send.max.retries", "retries"], unless: { Int($0).map { $0 > 0 } ?? false },
            "without retries a short outage loses the batch; remove it, and bound the time with delivery.timeout.ms"),
        .init(["enable.gapless.guarantee"], unless: isFalse, "it stops the producer where the bridge goes back and sends again; remove it"),
        .init(["delivery.report.only.error"], unless: isFalse, "the bridge stores positions by the reports of success; remove it"),
        .init(["queuing.strategy"], unless: { $0 == "fifo" }, "records have to leave in the order of the change stream; remove it"),
        .init(["partitioner"], unless: { $0 != "random" }, "records of one document would go to different partitions; choose another one"),
        .init(["transactional.id"], "the bridge names its own transactional ids, after `name` and the stream; remove it"),
        .init(["group.id"], "the bridge names its own groups, after `name` and the stream; remove it"),
        .init(["enable.auto.commit"], unless: isFalse, "the bridge commits offsets itself, after the work is done; remove it"),
        .init(["enable.auto.offset.store"], unless: isFalse, "the bridge stores offsets itself, after the work is done; remove it"),
        .init(
            ["auto.offset.reset"], unless: { $0 == "error" },
            "a consumer whose offsets are gone has to stop, because it would jump over records or read all of them again; remove it"),
        .init(
            ["partition.assignment.strategy"], unless: { $0 == "cooperative-sticky" },
            "any other strategy takes every partition from everybody whenever a bridge comes or goes; remove it"),
        .init(["group.instance.id"], "two bridges of one configuration would have the same one and fence each other; remove it"),
        .init(["group.protocol"], unless: { $0 == "classic" }, "the bridge follows the rebalances of the classic protocol; remove it"),
        .init(["isolation.level"], "the bridge chooses it: records of open or aborted transactions are never read; remove it"),
        .init(
            ["test.mock.num.brokers", "test.mock.broker.rtt"],
            "it replaces the cluster by a simulated one inside this process, and every record would be lost; remove it"),
        .init(["plugin.library.paths"], "it loads foreign code, which can change or drop records, into the bridge; remove it"),
        .init(
            ["opaque", "default_topic_conf", "interceptors", "enabled_events", "ssl_key", "ssl_certificate", "ssl_ca", "msg_order_cmp"],
            "it can be set only from code, not as a text; remove it"),
    ]

    /// The reason why a property may not have a value; nil when it may.
    static func reason(refusing name: String, value: String) -> String? {
        let value = value.lowercased()
        if name.hasSuffix("_cb") { return "callbacks can be set only from code, not as a text; remove it" }
        return all.first { $0.names.contains(name) && $0.refuses(value) }?.reason
    }

    private init(_ names: [String], unless isAllowed: @escaping @Sendable (String) -> Bool = { _ in false }, _ reason: String) {
        self.names = names
        self.refuses = { !isAllowed($0) }
        self.reason = reason
    }

    // librdkafka's words for booleans.
    private static func isTrue(_ value: String) -> Bool { ["true", "t", "1"].contains(value) }
    private static func isFalse(_ value: String) -> Bool { ["false", "f", "0"].contains(value) }
}

extension KafkaSettings {
    /// Whether a property's value may not be printed.
    package static func isSecret(_ property: String) -> Bool {
        let name = property.lowercased()
        return [
            "password", "secret", "sasl.jaas", "sasl.oauthbearer.config", "ssl.key.pem", "ssl.keystore.key", "token", "private.key",
            "assertion.private", "credentials", "kinit.cmd",
        ].contains { name.contains($0) } && !name.hasSuffix(".url")
    }
}
