import CKafka

@testable import Kafka
@testable import StreamBridge

/// Sends records to partitions of its choice and waits until they are stored. Used on one thread at a time.
final class CommandSender: @unchecked Sendable {
    // Safe: a test sends from one thread at a time.
    private let producer: KafkaProducer
    private let topic: KafkaTopic
    private var stored = 0
    private var sent = 0

    init(_ topic: String, on settings: KafkaSettings) throws {
        producer = try KafkaProducer(
            properties: ProducerProperties.make(settings, memory: StreamMemory(limit: 64 << 20, streams: 1)), logger: .silent)
        self.topic = try producer.topic(topic)
    }

    /// Sends records one after another; returns when all are stored.
    func send(_ records: some Sequence<(record: OutgoingRecord, partition: Int32)>) throws {
        for (record, partition) in records {
            while try !produce(record, to: partition) { try serve() }
            sent += 1
        }
        producer.endLinger()
        let deadline = ContinuousClock.now + Patience.limit
        while stored < sent {
            guard .now < deadline else { throw WaitedInVain(what: "\(sent) commands to be stored; \(stored) are") }
            try serve()
        }
    }

    private func produce(_ record: OutgoingRecord, to partition: Int32) throws -> Bool {
        let headers = KafkaHeaders(capacity: record.headers.count)
        for header in record.headers { headers.add(header.name, header.value) }
        let code = (record.key ?? []).withUnsafeBytes { key in
            (record.value ?? []).withUnsafeBytes { value in
                ckafka_produce(
                    producer.client.handle, topic.handle, partition, record.key == nil ? nil : key.baseAddress ?? Self.empty, key.count,
                    record.value == nil ? nil : value.baseAddress ?? Self.empty, value.count, 0, headers.pointer,
                    UnsafeMutableRawPointer(bitPattern: 1))
            }
        }
        switch code {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            headers.release()
            return true
        case RD_KAFKA_RESP_ERR__QUEUE_FULL: return false
        default: throw KafkaError(code, operation: "send a command")
        }
    }

    private func serve() throws {
        var refusal: KafkaError?
        try producer.serve(timeout: .milliseconds(100)) { report in
            switch report {
            case .acknowledged(_, let count): stored += count
            case .refused(let error, _, _, _): refusal = error
            case .unreachable, .waits: break
            }
        }
        if let refusal { throw refusal }
    }

    /// librdkafka tells an empty text from none by the pointer.
    private static var empty: UnsafeRawPointer { UnsafeRawPointer(StaticString("").utf8Start) }
}
