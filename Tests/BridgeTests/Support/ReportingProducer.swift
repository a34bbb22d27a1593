import Mongo

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// A producer and everything that it reported. Used on one thread.
final class ReportingProducer {
    let producer: KafkaProducer
    /// Acknowledged records by tag.
    private(set) var acknowledged: [UInt: Int] = [:]
    private(set) var refused: [(error: KafkaError, topic: String, key: String?, size: Int)] = []
    /// What finished the producer.
    private(set) var fatal: KafkaError?
    private var topics: [String: KafkaTopic] = [:]

    /// - Parameter properties: over those that a stream's producer has.
    init(_ settings: KafkaSettings, _ properties: [String: String] = [:], queueBytes: Int = .max) throws {
        var settings = settings
        settings.producer.merge(properties) { $1 }
        producer = try KafkaProducer(
            properties: ProducerProperties.make(settings, memory: StreamMemory(limit: 64 << 20, streams: 1)), queueBytes: queueBytes,
            logger: .silent)
    }

    var count: Int { acknowledged.values.reduce(0, +) }

    func produce(
        _ topic: String, key: [UInt8]?, value: [UInt8]?, headers: [(StaticString, [UInt8])] = [], timestamp: Int64 = 0, tag: UInt = 1
    ) throws -> Bool {
        var batch = RecordBatch()
        batch.appendRecord(key: key, value: value, headers: headers, timestamp: timestamp)
        let handle = try topics[topic] ?? producer.topic(topic)
        topics[topic] = handle
        return try producer.produce(batch.records[0], of: batch, to: handle, tag: tag)
    }

    func produce(_ topic: String, key: String, value: String, tag: UInt = 1) throws -> Bool {
        try produce(topic, key: Array(key.utf8), value: Array(value.utf8), tag: tag)
    }

    /// Serves reports until they are as wanted.
    func wait(for what: String, until isDone: (ReportingProducer) -> Bool) throws {
        let deadline = ContinuousClock.now + Patience.limit
        while !isDone(self) {
            guard .now < deadline else { throw WaitedInVain(what: what) }
            serve(.milliseconds(100))
        }
    }

    func wait(acknowledged count: Int) throws { try wait(for: "\(count) acknowledgements") { $0.count >= count } }

    func serve(_ timeout: Duration) {
        do {
            try producer.serve(timeout: timeout) { report in
                switch report {
                case .acknowledged(let tag, let count): acknowledged[tag, default: 0] += count
                case .refused(let error, let topic, let key, let size): refused.append((error, topic, key, size))
                case .unreachable, .waits: break
                }
            }
        } catch {
            fatal = error
        }
    }
}

extension RecordBatch {
    mutating func appendRecord(
        key: [UInt8]?, value: [UInt8]?, headers: [(StaticString, [UInt8])] = [], timestamp: Int64 = 0, event: Int = 0
    ) {
        func write(_ text: [UInt8]?) -> Range<Int>? {
            guard let text else { return nil }
            let start = bytes.count
            bytes.append(contentsOf: text)
            return start..<bytes.count
        }
        let key = write(key)
        let value = write(value)
        let first = self.headers.count
        for (name, text) in headers {
            let start = bytes.count
            bytes.append(contentsOf: text)
            addHeader(name, from: start)
        }
        append(Record(route: 0, key: key, value: value, headers: first..<self.headers.count, timestamp: timestamp, event: event))
    }
}
