import CKafka
import Logging
import Runtime

/// An idempotent producer: every record once per session, in order per partition.
///
/// Used on one thread; to end a blocked ``serve(timeout:_:)``, wake its client. Records are counted by the tag they
/// were given; an acknowledgement names the tag only, so nothing is looked up or allocated per record.
package final class KafkaProducer {
    /// What one call of ``serve(timeout:_:)`` reports.
    package enum Report {
        /// `count` records with this tag are stored by the broker.
        case acknowledged(tag: UInt, count: Int)
        /// A record will not be stored; the size of its value and its key, for the message.
        case refused(error: KafkaError, topic: String, key: String?, size: Int)
        /// No broker can be reached now; the client continues trying. One broker that is away while another answers is
        /// no trouble.
        case unreachable(KafkaError)
        /// Records wait, and none was acknowledged for seconds.
        case waits(WaitsFor)
    }

    package let client: KafkaClient
    private let logger: Logger
    private let flusher: LingerFlusher
    private let heartbeat: Heartbeat?
    private let queueBytes: Int
    /// Of keys and values that were produced and not reported yet.
    private var queuedBytes = 0
    /// Records that were produced and not reported yet.
    private var queuedRecords = 0
    private var patience = AcknowledgementPatience()
    private var deletions = DeletedTopicWatch()
    private var topics: [String: KafkaTopic] = [:]
    /// The newest error of a connection: the reason behind "all brokers are down".
    private var lastProblem: KafkaError?

    /// - Parameters:
    ///   - queueBytes: how many bytes of keys and values may be on their way; a record that is larger goes alone.
    ///     librdkafka's own limit would let no such record pass, so it has to have room for the largest, whatever the
    ///     size of those that come.
    ///   - heartbeat: of the loop that serves this producer.
    /// - Throws: ``KafkaError`` when a property is refused.
    package init(properties: [String: String], queueBytes: Int = .max, heartbeat: Heartbeat? = nil, logger: Logger) throws(KafkaError) {
        client = try KafkaClient(role: .producer, properties: properties)
        flusher = LingerFlusher(client: client)
        self.queueBytes = queueBytes
        self.heartbeat = heartbeat
        self.logger = logger
    }

    deinit { flusher.end() }

    /// A topic that this producer produces to, or commits offsets of.
    package func topic(_ name: String) throws(KafkaError) -> KafkaTopic {
        if let known = topics[name] { return known }
        let topic = try KafkaTopic(name, of: client)
        topics[name] = topic
        return topic
    }

    /// Enqueues a record of a batch; key and value are copied.
    ///
    /// - Returns: false when the queue is full: serve reports, then try again.
    /// - Throws: ``KafkaError``, for example MSG_SIZE_TOO_LARGE when it exceeds `message.max.bytes`.
    package func produce(
        _ record: RecordBatch.Record, of batch: borrowing RecordBatch, to topic: KafkaTopic, tag: UInt
    ) throws(KafkaError) -> Bool {
        let size = (record.key?.count ?? 0) + (record.value?.count ?? 0)
        guard queuedBytes == 0 || size <= queueBytes - queuedBytes else { return false }
        let headers = KafkaHeaders(capacity: record.headers.count)
        let code = batch.bytes.withUnsafeBytes { bytes in
            // librdkafka tells a tombstone from an empty value by the pointer alone, and the buffer's memory has one
            // for an empty range.
            func start(_ range: Range<Int>?) -> UnsafeRawPointer? {
                range.flatMap { range in bytes.baseAddress.map { $0 + range.lowerBound } }
            }
            for header in batch.headers[record.headers] { headers.add(header.name, UnsafeRawBufferPointer(rebasing: bytes[header.text])) }
            return ckafka_produce(
                client.handle, topic.handle, RD_KAFKA_PARTITION_UA,
                start(record.key), record.key?.count ?? 0, start(record.value), record.value?.count ?? 0,
                record.timestamp, headers.pointer, UnsafeMutableRawPointer(bitPattern: tag)
            )
        }
        switch code {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            headers.release()
            queuedBytes += size
            queuedRecords += 1
            return true
        case RD_KAFKA_RESP_ERR__QUEUE_FULL:
            return false
        default:
            throw KafkaError(code, operation: "produce to topic \(topic.name)")
        }
    }

    /// Enqueues a record; everything is copied.
    ///
    /// - Returns: false when the queue is full: serve reports, then try again.
    /// - Throws: ``KafkaError``.
    package func produce(_ record: OutgoingRecord, to topic: KafkaTopic, tag: UInt) throws(KafkaError) -> Bool {
        let headers = KafkaHeaders(capacity: record.headers.count)
        for header in record.headers { headers.add(header.name, header.value) }
        let code = (record.key ?? []).withUnsafeBytes { key in
            (record.value ?? []).withUnsafeBytes { value in
                // An empty array's address is nil, and nil means none.
                ckafka_produce(
                    client.handle, topic.handle, record.partition ?? RD_KAFKA_PARTITION_UA,
                    record.key == nil ? nil : key.baseAddress ?? Self.empty, key.count,
                    record.value == nil ? nil : value.baseAddress ?? Self.empty, value.count,
                    record.timestamp, headers.pointer, UnsafeMutableRawPointer(bitPattern: tag))
            }
        }
        switch code {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            headers.release()
            queuedBytes += (record.key?.count ?? 0) + (record.value?.count ?? 0)
            queuedRecords += 1
            return true
        case RD_KAFKA_RESP_ERR__QUEUE_FULL: return false
        default: throw KafkaError(code, operation: "produce to topic \(topic.name)")
        }
    }

    private static var empty: UnsafeRawPointer { UnsafeRawPointer(StaticString("").utf8Start) }

    /// Waits for events up to `timeout`, or less while records wait for Kafka, then handles all that are there without
    /// waiting again.
    ///
    /// - Throws: ``KafkaError`` with `isFatal` when the producer is finished, or one that names a topic that is gone.
    package func serve(timeout: Duration, _ report: (Report) -> Void) throws(KafkaError) {
        heartbeat?.beat()
        let before = queuedRecords
        var wait = before > 0 ? min(timeout, Self.longestWait) : timeout
        var fatal: KafkaError?
        while let event = client.poll(timeout: wait) {
            wait = .zero
            switch event.type {
            case RD_KAFKA_EVENT_DR: serve(deliveryReports: event, report)
            case RD_KAFKA_EVENT_LOG: event.log(to: logger)
            case RD_KAFKA_EVENT_ERROR:
                let error = event.error(operation: "reach Kafka")
                if error.isFatal || error.code == .fatal {
                    // The reports that tell why may be behind it in the queue.
                    fatal = client.fatalError ?? error
                } else if error.code == .allBrokersDown {
                    report(.unreachable(lastProblem ?? error))
                } else {
                    lastProblem = error
                    patience.failed(error, at: .now)
                }
            default: continue
            }
        }
        if let fatal { throw fatal }
        guard before > 0 || queuedRecords > 0 else { return }
        let hasReports = queuedRecords != before
        if let waits = patience.look(waiting: queuedRecords, hasReports: hasReports, at: .now) { report(.waits(waits)) }
        switch deletions.look(waiting: queuedRecords, hasReports: hasReports, at: .now, find: missingTopic) {
        case .isMissing(let topic)?: report(.unreachable(.unknownTopic(topic)))
        case .isGone(let topic)?: throw .unknownTopic(topic)
        case nil: break
        }
    }

    /// The first topic that the cluster does not know; nil also when it does not answer. Asks for one after the other,
    /// because a request for several may create them (``KafkaAdmin``).
    private func missingTopic() -> String? {
        let deadline = ContinuousClock.now + Self.lookTime
        for topic in topics.values where .now < deadline {
            var metadata: UnsafePointer<rd_kafka_metadata>?
            let code = rd_kafka_metadata(client.handle, 0, topic.handle, &metadata, Self.lookTime.milliseconds)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else { return nil }
            defer { rd_kafka_metadata_destroy(metadata) }
            guard metadata.pointee.topic_cnt > 0 else { continue }
            if metadata.pointee.topics[0].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART { return topic.name }
        }
        return nil
    }

    /// How long the thread that serves the events may be kept from it.
    private static let lookTime: Duration = .milliseconds(500)

    /// While records wait, they are looked after this often.
    private static let longestWait: Duration = .seconds(1)

    /// One event carries up to thousands of reports: successes are only counted, failures are looked at.
    private func serve(deliveryReports event: borrowing KafkaEvent, _ report: (Report) -> Void) {
        var tag: UInt = 0
        var count = 0
        while let message = rd_kafka_event_message_next(event.pointer) {
            queuedRecords -= 1
            queuedBytes -= message.pointee.len + message.pointee.key_len
            guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                let topic = message.pointee.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? "?"
                let key = message.pointee.key.map {
                    String(decoding: UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len), as: UTF8.self)
                }
                report(
                    .refused(
                        error: KafkaError(message.pointee.err, operation: "store a record in topic \(topic)"),
                        topic: topic, key: key, size: message.pointee.len + message.pointee.key_len
                    )
                )
                continue
            }
            let next = UInt(bitPattern: message.pointee._private)
            if next != tag {
                if count > 0 { report(.acknowledged(tag: tag, count: count)) }
                tag = next
                count = 0
            }
            count += 1
        }
        if count > 0 { report(.acknowledged(tag: tag, count: count)) }
    }

    /// More records are at hand: they may wait for company.
    package func beginLinger() { flusher.cancel() }

    /// No more records are at hand: what was produced leaves now and does not wait for company.
    package func endLinger() { flusher.flush() }

    /// Gives up every record that is not acknowledged, so that closing does not wait for a broker that is away.
    package func abandon() { rd_kafka_purge(client.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT) }
}
