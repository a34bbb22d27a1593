import Runtime

/// Publishes answers, and tells the ledger what Kafka has stored. One delivery guarantee each; used on its own thread.
protocol AnswerPublisher {
    /// Publishes what comes through `handoff` until it ends with ``AnswersEnd``; then waits until everything is stored,
    /// at most until a stop's deadline. To end a blocked wait, wake the producer's client.
    ///
    /// - Throws: whatever else ended the hand-off, ``KafkaError``, ``RecordRefused``.
    func run(from handoff: BatchHandoff<AnswerBatch>) throws
}

/// No more answers come.
struct AnswersEnd: Error {}
