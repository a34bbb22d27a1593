import Kafka

/// What brokers say about times that clients ask for, for a check: what would halt a stream or a dispatcher as soon as
/// it starts.
struct BrokerLimits {
    /// Of a broker; without what it does not say.
    let settings: [String: String]

    func findings(on configuration: BridgeConfiguration) -> [Finding] {
        let bridge = configuration.name
        var findings: [Finding] = []
        for stream in configuration.streams {
            let subject = "stream \(stream.name)"
            let group = GroupName.of(stream.name, of: bridge)
            let member = ConsumerProperties.leadership(configuration.kafka, group: group, rank: "")
            findings += [
                transaction(subject, configuration, stream.delivery == .exactlyOnce ? .stream(stream.name, of: bridge) : nil),
                session(subject, member),
            ].compactMap(\.self)
        }
        for dispatcher in configuration.dispatchers {
            let subject = "dispatcher \(dispatcher.name)"
            let group = GroupName.of(dispatcher.name, of: bridge)
            let member = ConsumerProperties.make(configuration.kafka, group: group, queueBytes: 1 << 20)
            let id = ProducerProperties.Transactional.dispatcher(dispatcher.name, of: bridge, instance: "check")
            findings += [
                transaction(subject, configuration, dispatcher.delivery == .exactlyOnce ? id : nil), session(subject, member),
            ].compactMap(\.self)
        }
        return findings
    }

    private func transaction(
        _ subject: String, _ configuration: BridgeConfiguration, _ transactional: ProducerProperties.Transactional?
    ) -> Finding? {
        guard let transactional, let maximum = number("transaction.max.timeout.ms"),
            let properties = try? ProducerProperties.make(
                configuration.kafka, memory: StreamMemory(limit: configuration.limits.memory, streams: 1), transactional: transactional),
            let time = properties["transaction.timeout.ms"].flatMap({ Int($0) }), time > maximum
        else { return nil }
        return .error(
            .kafkaTransactionTimeout, subject,
            "transaction.timeout.ms is \(time), and the brokers allow at most \(maximum)",
            remedy: KafkaFailures.transactionTimeoutRemedy)
    }

    private func session(_ subject: String, _ member: [String: String]) -> Finding? {
        guard let minimum = number("group.min.session.timeout.ms"), let maximum = number("group.max.session.timeout.ms"),
            let time = member["session.timeout.ms"].flatMap({ Int($0) }), time < minimum || time > maximum
        else { return nil }
        return .error(
            .kafkaSessionTimeout, subject, "session.timeout.ms is \(time), and the brokers allow \(minimum) to \(maximum)",
            remedy: KafkaFailures.sessionTimeoutRemedy)
    }

    private func number(_ name: String) -> Int? { settings[name].flatMap { Int($0) } }
}
