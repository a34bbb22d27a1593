import Logging

/// Sends records in Kafka transactions, one after another: each is committed before the next one begins. Used on one
/// thread.
package final class TransactionalSender {
    private let producer: KafkaProducer
    private let ender: TransactionCompleter
    /// Why a record of the open transaction will not be stored.
    private var refusal: KafkaError?

    /// - Throws: ``KafkaError`` when a property is refused.
    package init(_ settings: KafkaSettings, transactional: ProducerProperties.Transactional, logger: Logger) throws(KafkaError) {
        producer = try KafkaProducer(
            properties: ProducerProperties.make(settings, memory: StreamMemory(limit: 64 << 20, streams: 1), transactional: transactional),
            logger: logger)
        ender = TransactionCompleter(client: producer.client)
    }

    package func topic(_ name: String) throws(KafkaError) -> KafkaTopic { try producer.topic(name) }

    /// Makes this the only producer with its transactional id. Blocks.
    package func fence() throws(KafkaError) { try producer.client.initTransactions(timeout: Self.callTime) }

    package func begin() throws(KafkaError) {
        refusal = nil
        try producer.client.beginTransaction()
        producer.beginLinger()
    }

    /// Whose transaction is open.
    package var client: KafkaClient { producer.client }

    /// Blocks while the client's queue is full.
    ///
    /// - Throws: ``KafkaError``; the transaction can only be abandoned then.
    package func send(_ record: OutgoingRecord, to topic: KafkaTopic) throws(KafkaError) {
        let deadline = ContinuousClock.now + Self.roomTime
        while !(try producer.produce(record, to: topic, tag: 1)) {
            try serve(timeout: .milliseconds(100))
            if let refusal { throw refusal }
            guard .now < deadline else { throw .timedOut(operation: "send records to topic \(topic.name)") }
        }
    }

    /// Blocks until the outcome is known, at most until `deadline` and one answer more.
    package func commit(until deadline: ContinuousClock.Instant) throws(KafkaError) {
        producer.endLinger()
        ender.start(.commit)
        while true {
            try serve(timeout: .milliseconds(100))
            switch ender.takeResult() {
            case .success?: return
            case .failure(let error)?: throw refusal ?? error
            case nil: if .now >= deadline + Self.callTime { throw refusal ?? .timedOut(operation: "commit a transaction") }
            }
        }
    }

    /// Gives up the open transaction, as far as Kafka can be reached.
    package func abandon() {
        producer.abandon()
        ender.abandon(within: Self.callTime) { _ = try? producer.serve(timeout: .milliseconds(20)) { _ in } }
    }

    private func serve(timeout: Duration) throws(KafkaError) {
        try producer.serve(timeout: timeout) { report in
            if case .refused(let error, _, _, _) = report, !error.isConsequence { refusal = refusal ?? error }
        }
    }

    /// How long one answer of Kafka is waited for.
    private static let callTime: Duration = .seconds(5)
    /// How long a full queue may stay full.
    private static let roomTime: Duration = .seconds(60)
}
