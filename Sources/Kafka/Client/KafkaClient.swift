import CKafka
import Runtime

/// Owner of a `rd_kafka_t` and of its event queue.
///
/// Everything comes as events of one queue (delivery reports, errors, logs); there is no C callback. A loop blocks in
/// ``poll(timeout:)`` and is woken by ``wake()``.
package final class KafkaClient: Sendable {
    enum Role {
        case producer
        /// Never joins a group, so it also serves for looking at topics.
        case consumer
        /// Joins a group. Its rebalances and the results of its commits are events, too.
        case groupMember
    }

    private let owned: (client: LibrdkafkaPointer, queue: LibrdkafkaPointer)
    var handle: OpaquePointer { owned.client.address }
    var queue: OpaquePointer { owned.queue.address }
    package let requests = RequestCounts()
    /// Of a group member.
    let membership: MembershipRequests?
    private let interceptor: RequestInterceptor

    /// - Throws: ``KafkaError`` when a property is refused or the client cannot be made.
    init(role: Role, properties: [String: String]) throws(KafkaError) {
        let configuration = try KafkaProperties(Self.complete(properties))
        let events = role == .groupMember ? RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT : 0
        configuration.enableEvents(RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG | events)
        let conf = configuration.release()
        membership = role == .groupMember ? MembershipRequests() : nil
        interceptor = RequestInterceptor([requests] + (membership.map { [$0] } ?? []))
        interceptor.install(in: conf)
        let type = role == .producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER
        var sentence = [CChar](repeating: 0, count: 512)
        guard let handle = rd_kafka_new(type, conf, &sentence, sentence.count) else {
            rd_kafka_conf_destroy(conf)
            let detail = String(decoding: sentence.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, operation: "make a Kafka client", detail: detail)
        }
        // What the main queue would get comes to a group's queue as well: there is one to wait at.
        if role == .groupMember { rd_kafka_poll_set_consumer(handle) }
        let queue: OpaquePointer = role == .groupMember ? rd_kafka_queue_get_consumer(handle) : rd_kafka_queue_get_main(handle)
        rd_kafka_set_log_queue(handle, queue)
        owned = (LibrdkafkaPointer(address: handle), LibrdkafkaPointer(address: queue))
    }

    deinit {
        // The queue is a reference into the handle and goes first. `rd_kafka_destroy` joins the client's threads; every
        // topic handle retains its client, so none is left here.
        rd_kafka_queue_destroy(queue)
        guard membership != nil else { return rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE) }
        // A group member may never end: librdkafka 2.0.2 waits for a rebalance that nobody answers any more, or, after
        // its topic was deleted, for a connection's thread. Nobody waits for it, least of all a process that stops.
        let (client, interceptor) = (owned.client, interceptor)
        _ = LoopThread.start(name: "destroy") {
            rd_kafka_destroy_flags(client.address, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
            withExtendedLifetime(interceptor) {}
        }
    }

    /// What every client has, whatever its role.
    private static func complete(_ given: [String: String]) -> [String: String] {
        var properties = given
        properties["log.queue"] = "true"
        // Looking at a topic must not create it. A producer's default is true: its periodic refresh, and every query
        // for a leader, would make a topic that was deleted anew, with the broker's number of partitions.
        properties["allow.auto.create.topics"] = "false"
        // librdkafka's 300 s is how long a partition that was added to a topic is not written to or read.
        guard properties["topic.metadata.refresh.interval.ms"] == nil else { return properties }
        properties["topic.metadata.refresh.interval.ms"] = "\(metadataRefresh.milliseconds)"
        // What librdkafka would take for it otherwise is three intervals, after which it forgets a topic whose brokers
        // are all away.
        properties["metadata.max.age.ms"] = properties["metadata.max.age.ms"] ?? "900000"
        return properties
    }

    /// How soon a client notices that a topic has more partitions.
    static let metadataRefresh: Duration = .seconds(30)

    /// The effective value of a property.
    func value(of property: String) -> String? {
        var size = 0
        guard let conf = rd_kafka_conf(handle), rd_kafka_conf_get(conf, property, nil, &size) == RD_KAFKA_CONF_OK, size > 0 else {
            return nil
        }
        var text = [CChar](repeating: 0, count: size)
        guard rd_kafka_conf_get(conf, property, &text, &size) == RD_KAFKA_CONF_OK else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The next event, or nil when none came in time or ``wake()`` was called.
    func poll(timeout: Duration) -> KafkaEvent? {
        rd_kafka_queue_poll(queue, timeout.milliseconds).map { KafkaEvent(stealing: $0) }
    }

    /// Makes a blocked ``poll(timeout:)``, or the next one, return at once. Any thread.
    ///
    /// No wake-up is lost: librdkafka keeps the request as a flag of the queue until a poll consumes it
    /// (`rd_kafka_q_yield`), so one that arrives just before the poll starts to wait ends that wait.
    package func wake() { rd_kafka_queue_yield(queue) }

    /// Records that wait to be sent or acknowledged. Any thread.
    package var unacknowledged: Int { Int(rd_kafka_outq_len(handle)) }

    /// The first fatal error of this client, if there was one.
    package var fatalError: KafkaError? {
        var sentence = [CChar](repeating: 0, count: 512)
        let code = rd_kafka_fatal_error(handle, &sentence, sentence.count)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        let detail = String(decoding: sentence.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return KafkaError(code: KafkaError.Code(code), operation: "continue producing", message: detail, isFatal: true)
    }
}
