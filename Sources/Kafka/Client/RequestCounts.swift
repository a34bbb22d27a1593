import CKafka
import Synchronization

/// Counts a client's requests about topics, and its transactions' first requests that were refused. Any thread.
package final class RequestCounts: RequestObserver {
    /// ApiKeys of the Kafka protocol.
    private enum Key {
        static let metadata: Int16 = 3
        static let addPartitionsToTransaction: Int16 = 24
        static let addOffsetsToTransaction: Int16 = 25
        static let endTransaction: Int16 = 26
    }

    private let metadata = Atomic(0)
    private let refused = Atomic(0)
    /// AddOffsetsToTxn requests of the transaction.
    private let offsets = Atomic(0)
    /// When the newest AddPartitionsToTxn was answered, in nanoseconds since ``start``.
    private let partitionsAnswered = Atomic<Int64>(.min)
    private let start: ContinuousClock.Instant = .now

    /// How often the client has asked about topics: at its interval, and whenever a partition is not where it was.
    package var metadataRequests: Int { metadata.load(ordering: .acquiring) }

    /// How often a transaction's first requests were made again, because the coordinator was not done with the
    /// transaction before (CONCURRENT_TRANSACTIONS).
    ///
    /// AddOffsetsToTxn is sent once in a transaction, unless it is refused. AddPartitionsToTxn is sent whenever there
    /// are new partitions, and exactly 20 ms after a refusal (`rd_kafka_txn_handle_AddPartitionsToTxn`).
    package var refusedBeginnings: Int { refused.load(ordering: .acquiring) }

    func sent(_ key: Int16) {
        switch key {
        case Key.metadata: metadata.add(1, ordering: .releasing)
        case Key.addPartitionsToTransaction:
            let answered = partitionsAnswered.load(ordering: .acquiring)
            if answered > .min, Self.retryTime.contains(now - answered) { refused.add(1, ordering: .releasing) }
        case Key.addOffsetsToTransaction:
            if offsets.add(1, ordering: .acquiringAndReleasing).oldValue > 0 { refused.add(1, ordering: .releasing) }
        case Key.endTransaction:
            offsets.store(0, ordering: .releasing)
            partitionsAnswered.store(.min, ordering: .releasing)
        default: break
        }
    }

    func answered(_ key: Int16, _ error: rd_kafka_resp_err_t) {
        if key == Key.addPartitionsToTransaction { partitionsAnswered.store(now, ordering: .releasing) }
    }

    private var now: Int64 {
        let (seconds, attoseconds) = start.duration(to: .now).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// How long after a refusal librdkafka makes an AddPartitionsToTxn again, in nanoseconds, with some room for its
    /// timer.
    private static let retryTime: Range<Int64> = 19_500_000..<26_000_000

    package init() {}
}
