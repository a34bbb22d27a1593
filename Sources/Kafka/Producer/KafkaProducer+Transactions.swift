import CKafka
import Runtime

/// Transactions of a producer with a `transactional.id` (librdkafka's INTRODUCTION.md, "Transactional Producer").
///
/// Each call blocks up to its timeout, and every error of librdkafka says what to do next: the same call again
/// (`isRetriable`), abort (`requiresAbort`), or a new producer (`isFatal`, which an error without a flag counts as).
extension KafkaClient {
    /// Makes this producer the only one with its transactional id, and ends what its predecessor left open.
    package func initTransactions(timeout: Duration) throws(KafkaError) {
        try check(rd_kafka_init_transactions(handle, timeout.milliseconds), operation: "initialise transactions (fence earlier producers)")
    }

    package func beginTransaction() throws(KafkaError) { try check(rd_kafka_begin_transaction(handle), operation: "begin a transaction") }

    /// Waits until everything produced in the transaction is stored, and commits it. Meanwhile somebody else has to
    /// serve the client's events.
    package func commitTransaction(timeout: Duration) throws(KafkaError) {
        try check(rd_kafka_commit_transaction(handle, timeout.milliseconds), operation: "commit a transaction")
    }

    func abortTransaction(timeout: Duration) throws(KafkaError) {
        try check(rd_kafka_abort_transaction(handle, timeout.milliseconds), operation: "abort a transaction")
    }

    private func check(_ error: OpaquePointer?, operation: String) throws(KafkaError) {
        if let error { throw KafkaError(stealingFromTransaction: error, operation: operation) }
    }
}
