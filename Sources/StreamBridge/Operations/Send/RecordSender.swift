import Kafka
import Logging

/// Sends records to one topic and waits until Kafka has stored them. Used on one thread.
package final class RecordSender {
    let topic: KafkaTopic
    private let producer: KafkaProducer
    /// How long Kafka may store nothing before it counts as away.
    private let patience: Duration
    /// How many Kafka has stored.
    private(set) var stored = 0
    private var inFlight = 0
    private var lastNews: ContinuousClock.Instant = .now
    private var refusal: KafkaError?
    /// Why no broker could be reached, as far as is known.
    private var trouble: KafkaError?

    init(topic: String, settings: KafkaSettings, patience: Duration, logger: Logger) throws(KafkaError) {
        producer = try KafkaProducer(properties: Self.properties(settings), logger: logger)
        self.topic = try producer.topic(topic)
        self.patience = patience
    }

    // Closing must not wait for a broker that is away.
    deinit { if inFlight > 0 { producer.abandon() } }

    private static func properties(_ settings: KafkaSettings) throws(KafkaError) -> [String: String] {
        try ProducerProperties.make(settings, memory: StreamMemory(limit: 64 << 20, streams: 1))
    }

    /// The bytes of the largest record that the client takes.
    static func largestRecord(_ settings: KafkaSettings) throws(KafkaError) -> Int {
        Int(try KafkaProperties(properties(settings)).value(of: "message.max.bytes") ?? "") ?? 1_000_000
    }

    /// Blocks while the client's queue is full.
    func send(_ record: OutgoingRecord) throws(KafkaError) {
        if inFlight == 0 { lastNews = .now }
        producer.beginLinger()
        do throws(KafkaError) {
            while !(try producer.produce(record, to: topic, tag: 1)) { try serve(timeout: .milliseconds(100)) }
        } catch {
            let key = record.key?.readable.shortened ?? "none"
            throw error.isConsequence
                ? error
                : KafkaError(
                    code: error.code, operation: "send a record of \(record.size) bytes, key \(key), to topic \(topic.name)",
                    message: error.message, isFatal: error.isFatal)
        }
        inFlight += 1
        try serve(timeout: .zero)
    }

    /// Waits until everything that was sent is stored.
    func finish() throws(KafkaError) {
        while inFlight > 0 {
            producer.endLinger()
            try serve(timeout: .milliseconds(100))
        }
    }

    private func serve(timeout: Duration) throws(KafkaError) {
        do throws(KafkaError) {
            try producer.serve(timeout: timeout) { report in
                switch report {
                case .acknowledged(_, let count):
                    stored += count
                    inFlight -= count
                    lastNews = .now
                    trouble = nil
                case .refused(let error, _, _, _):
                    inFlight -= 1
                    if !error.isConsequence { refusal = refusal ?? error }
                case .unreachable(let error): trouble = error
                // As below, and with the caller's patience.
                case .waits: break
                }
            }
        } catch {
            throw refusal ?? error
        }
        if let refusal { throw refusal }
        if inFlight > 0, lastNews.duration(to: .now) > patience {
            throw trouble ?? .timedOut(operation: "store records in topic \(topic.name)")
        }
    }
}
