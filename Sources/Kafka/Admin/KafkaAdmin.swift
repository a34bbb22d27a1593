import CKafka
import Logging
import Runtime
import Synchronization

/// Looks at a cluster and creates topics. Never creates one by looking: see ``KafkaClient/Role/consumer``.
///
/// Thread-safe; calls block up to their timeout.
package final class KafkaAdmin: Sendable {
    package let client: KafkaClient
    private let logger: Logger
    /// What the client's own error events said last: the reason behind a bare time-out (refused connection, wrong
    /// password).
    private let lastProblem = Mutex<KafkaError?>(nil)

    /// - Parameter isolation: what the end of a partition is: the high watermark, or with `readCommitted` the end of
    ///   what is before the oldest open transaction.
    /// - Throws: ``KafkaError`` when librdkafka refuses a property.
    package init(settings: KafkaSettings, isolation: Isolation = .readUncommitted, logger: Logger) throws(KafkaError) {
        var consumer = settings.common.merging(settings.consumer) { $1 }
        consumer["isolation.level"] = isolation.rawValue
        client = try KafkaClient(role: .consumer, properties: consumer.filter { !Self.managed.contains($0.key) })
        self.logger = logger
    }

    /// Properties that make no sense for a client without a group.
    private static let managed: Set<String> = ["group.id", "group.instance.id"]

    /// One topic as the cluster describes it.
    package struct TopicDescription: Sendable {
        package let name: String
        package let partitions: Int
        package let replicationFactor: Int
    }

    /// Waits until some broker answers.
    ///
    /// - Parameter topic: what it is asked about; it need not exist.
    /// - Throws: ``KafkaError`` with the reason that the connection attempts gave, after `timeout`.
    package func ping(about topic: String, timeout: Duration) throws(KafkaError) {
        try withMetadata(about: topic, timeout: timeout, operation: "reach Kafka") { _ throws(KafkaError) in }
    }

    /// The topic's partitions and replicas, or nil when there is no such topic.
    package func topic(_ name: String, timeout: Duration) throws(KafkaError) -> TopicDescription? {
        let operation = "look at topic \(name)"
        return try withMetadata(about: name, timeout: timeout, operation: operation) { metadata throws(KafkaError) in
            try Self.description(in: metadata, operation: operation)
        }
    }

    /// The same for a caller that hears a stop: asks for a second at a time.
    ///
    /// - Throws: ``KafkaError`` when no answer comes in time, ``Stopped``.
    package func topic(_ name: String, within timeout: Duration, stop: StopSignal) throws -> TopicDescription? {
        let deadline = ContinuousClock.now + timeout
        while true {
            do throws(KafkaError) {
                return try topic(name, timeout: max(.milliseconds(1), min(.seconds(1), deadline - .now)))
            } catch {
                if stop.isRequested { throw Stopped() }
                guard error.isSilence, .now < deadline else { throw error }
            }
        }
    }

    /// The ids of the cluster's brokers.
    ///
    /// - Parameter topic: what one of them is asked about; it need not exist.
    package func brokers(askedAbout topic: String, timeout: Duration) throws(KafkaError) -> [Int32] {
        try withMetadata(about: topic, timeout: timeout, operation: "reach Kafka") { metadata throws(KafkaError) in
            (0..<Int(metadata.broker_cnt)).map { metadata.brokers[$0].id }.sorted()
        }
    }

    /// Asks a broker about one topic.
    ///
    /// A request without a topic is about those in librdkafka's cache, and when it knows no others, version 2.0.2 lets
    /// the broker create them, whatever `allow.auto.create.topics` says (`rd_kafka_metadata`): one that was deleted a
    /// moment ago would be back.
    private func withMetadata<Result>(
        about topic: String, timeout: Duration, operation: String, _ body: (rd_kafka_metadata) throws(KafkaError) -> Result
    ) throws(KafkaError) -> Result {
        drainEvents()
        let topic = try KafkaTopic(topic, of: client)
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(client.handle, 0, topic.handle, &metadata, timeout.milliseconds)
        if code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE { throw .controller(operation: operation) }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else { throw reasoned(code, operation: operation) }
        defer { rd_kafka_metadata_destroy(metadata) }
        return try body(metadata.pointee)
    }

    private static func description(in metadata: rd_kafka_metadata, operation: String) throws(KafkaError) -> TopicDescription? {
        guard metadata.topic_cnt > 0 else { return nil }
        let topic = metadata.topics[0]
        switch topic.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
            return TopicDescription(
                name: String(cString: topic.topic), partitions: Int(topic.partition_cnt),
                replicationFactor: topic.partition_cnt > 0 ? Int(topic.partitions[0].replica_cnt) : 0)
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: return nil
        case let code: throw KafkaError(code, operation: operation)
        }
    }

    /// The result of ``create(topic:partitions:replicationFactor:config:timeout:)``.
    package enum Creation: Sendable, Equatable {
        case created, existed
        /// The brokers are older than the CreateTopics request.
        case unsupported
    }

    /// Creates a topic through the admin API.
    ///
    /// - Parameter isTrial: the cluster only says whether it would create it.
    /// - Throws: ``KafkaError``, for example TOPIC_AUTHORIZATION_FAILED, POLICY_VIOLATION, INVALID_REPLICATION_FACTOR.
    package func create(
        topic: String, partitions: Int, replicationFactor: Int, config: [String: String], isTrial: Bool = false, timeout: Duration
    ) throws(KafkaError) -> Creation {
        let operation = "create topic \(topic)"
        var sentence = [CChar](repeating: 0, count: 512)
        var new = rd_kafka_NewTopic_new(topic, Int32(clamping: partitions), Int32(clamping: replicationFactor), &sentence, sentence.count)
        guard new != nil else {
            let detail = String(decoding: sentence.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, operation: operation, detail: detail)
        }
        defer { rd_kafka_NewTopic_destroy(new) }
        for (name, value) in config.sorted(by: { $0.key < $1.key }) { rd_kafka_NewTopic_set_config(new, name, value) }

        let options = rd_kafka_AdminOptions_new(client.handle, RD_KAFKA_ADMIN_OP_CREATETOPICS)
        defer { rd_kafka_AdminOptions_destroy(options) }
        _ = rd_kafka_AdminOptions_set_request_timeout(options, timeout.milliseconds, nil, 0)
        // The answer comes when the topic is usable on all brokers, not only known to the controller.
        _ = rd_kafka_AdminOptions_set_operation_timeout(options, min(timeout, .seconds(10)).milliseconds, nil, 0)
        if isTrial { _ = rd_kafka_AdminOptions_set_validate_only(options, 1, nil, 0) }
        let answers = rd_kafka_queue_new(client.handle)
        defer { rd_kafka_queue_destroy(answers) }
        rd_kafka_CreateTopics(client.handle, &new, 1, options, answers)
        guard let answer = rd_kafka_queue_poll(answers, (timeout + .seconds(1)).milliseconds).map({ KafkaEvent(stealing: $0) }) else {
            throw reasoned(RD_KAFKA_RESP_ERR__TIMED_OUT, operation: operation)
        }
        let code = rd_kafka_event_error(answer.pointer)
        if code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE { return .unsupported }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw reasoned(code, operation: operation) }
        var count = 0
        guard let result = rd_kafka_event_CreateTopics_result(answer.pointer),
            let topics = rd_kafka_CreateTopics_result_topics(result, &count), count == 1
        else { throw KafkaError(RD_KAFKA_RESP_ERR__BAD_MSG, operation: operation) }
        switch rd_kafka_topic_result_error(topics[0]) {
        case RD_KAFKA_RESP_ERR_NO_ERROR: return .created
        case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return .existed
        case let code:
            throw KafkaError(code, operation: operation, detail: rd_kafka_topic_result_error_string(topics[0]).map { String(cString: $0) })
        }
    }

    /// The topic's effective settings, for example `cleanup.policy`; nil when the cluster cannot tell.
    package func settings(ofTopic topic: String, timeout: Duration) throws(KafkaError) -> [String: String]? {
        try settings(of: RD_KAFKA_RESOURCE_TOPIC, topic, operation: "read the settings of topic \(topic)", timeout: timeout)
    }

    /// A broker's effective settings; nil when the cluster cannot tell.
    package func settings(ofBroker id: Int32, timeout: Duration) throws(KafkaError) -> [String: String]? {
        try settings(of: RD_KAFKA_RESOURCE_BROKER, "\(id)", operation: "read the settings of broker \(id)", timeout: timeout)
    }

    private func settings(
        of type: rd_kafka_ResourceType_t, _ name: String, operation: String, timeout: Duration
    ) throws(KafkaError) -> [String: String]? {
        var resource = rd_kafka_ConfigResource_new(type, name)
        defer { rd_kafka_ConfigResource_destroy(resource) }
        let options = rd_kafka_AdminOptions_new(client.handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS)
        defer { rd_kafka_AdminOptions_destroy(options) }
        _ = rd_kafka_AdminOptions_set_request_timeout(options, timeout.milliseconds, nil, 0)
        let answers = rd_kafka_queue_new(client.handle)
        defer { rd_kafka_queue_destroy(answers) }
        rd_kafka_DescribeConfigs(client.handle, &resource, 1, options, answers)
        guard let answer = rd_kafka_queue_poll(answers, (timeout + .seconds(1)).milliseconds).map({ KafkaEvent(stealing: $0) }) else {
            throw reasoned(RD_KAFKA_RESP_ERR__TIMED_OUT, operation: operation)
        }
        let code = rd_kafka_event_error(answer.pointer)
        if code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE { return nil }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw reasoned(code, operation: operation) }
        var count = 0
        guard let result = rd_kafka_event_DescribeConfigs_result(answer.pointer),
            let resources = rd_kafka_DescribeConfigs_result_resources(result, &count), count == 1
        else { throw KafkaError(RD_KAFKA_RESP_ERR__BAD_MSG, operation: operation) }
        let refusal = rd_kafka_ConfigResource_error(resources[0])
        guard refusal == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(refusal, operation: operation) }
        var entries = 0
        guard let configs = rd_kafka_ConfigResource_configs(resources[0], &entries) else { return [:] }
        var settings: [String: String] = [:]
        for index in 0..<entries {
            guard let name = rd_kafka_ConfigEntry_name(configs[index]), let value = rd_kafka_ConfigEntry_value(configs[index]) else {
                continue
            }
            settings[String(cString: name)] = String(cString: value)
        }
        return settings
    }

    /// The first offset that a partition has and the one that its next record will get (the high watermark, unless the
    /// client reads what is committed).
    package func watermarks(topic: String, partition: Int32, timeout: Duration) throws(KafkaError) -> Range<Int64> {
        var low: Int64 = 0
        var high: Int64 = 0
        let code = rd_kafka_query_watermark_offsets(client.handle, topic, partition, &low, &high, timeout.milliseconds)
        let operation = "read the offsets of \(topic)/\(partition)"
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw reasoned(code, operation: operation) }
        // Negative ones stand for places such as "the end", and would be taken for them.
        guard low >= 0 else { throw KafkaError(RD_KAFKA_RESP_ERR__BAD_MSG, operation: operation) }
        return low..<max(low, high)
    }

    /// The first offset at or after a time, per partition; nil where there is none.
    package func offset(ofTopic topic: String, partition: Int32, atMilliseconds time: Int64, timeout: Duration) throws(KafkaError) -> Int64?
    {
        let list = rd_kafka_topic_partition_list_new(1)
        defer { rd_kafka_topic_partition_list_destroy(list) }
        guard let entry = rd_kafka_topic_partition_list_add(list, topic, partition) else { return nil }
        entry.pointee.offset = time
        let code = rd_kafka_offsets_for_times(client.handle, list, timeout.milliseconds)
        for code in [code, entry.pointee.err] where code != RD_KAFKA_RESP_ERR_NO_ERROR {
            throw reasoned(code, operation: "find the offset of a time in \(topic)")
        }
        return entry.pointee.offset >= 0 ? entry.pointee.offset : nil
    }

    /// A time-out alone does not tell why; the client's error events do. They are drained here, because nobody else
    /// polls this client.
    private func reasoned(_ code: rd_kafka_resp_err_t, operation: String) -> KafkaError {
        drainEvents()
        let plain = KafkaError(code, operation: operation)
        guard plain.matches(.transport, .timedOut, .allBrokersDown), let problem = lastProblem.withLock({ $0 }) else { return plain }
        return KafkaError(code: problem.code, operation: operation, message: problem.message)
    }

    /// Nobody else polls this client: what it has to say would pile up.
    private func drainEvents() {
        while let event = client.poll(timeout: .zero) {
            switch event.type {
            case RD_KAFKA_EVENT_ERROR:
                let problem = event.error(operation: "reach Kafka")
                // "All brokers are down" follows the error that says why: keep the reason.
                if problem.code != .allBrokersDown { lastProblem.withLock { $0 = problem } }
            case RD_KAFKA_EVENT_LOG: event.log(to: logger)
            default: continue
            }
        }
    }
}
