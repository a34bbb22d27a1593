import Kafka
import Mongo
import Runtime

/// Stands where Kafka would, and shows every batch of records instead of publishing it. Used on one thread.
final class RecordInspector: RecordSink {
    private let client: KafkaClient
    /// Gets each batch, and for each route the index of its topic in ``topics``.
    private let look: (borrowing RecordBatch, [Int]) -> Void
    /// The topics that the records belong to, by route; several routes may share one.
    private(set) var topics: [String] = []
    /// By route: the first index of its topic's name.
    private var indexes: [Int] = []
    private let arrival = Arrival()

    /// - Parameter client: knows the topics' names; nothing is asked of it.
    init(client: KafkaClient, look: @escaping (borrowing RecordBatch, [Int]) -> Void) {
        self.client = client
        self.look = look
    }

    /// The index of a route's topic in ``topics``.
    func topicIndex(of route: Int) -> Int { indexes[route] }

    /// Called once for each route, in the order of their numbers.
    func topic(_ name: String) throws -> KafkaTopic {
        let topic = try KafkaTopic(name, of: client)
        indexes.append(topics.firstIndex(of: name) ?? topics.count)
        topics.append(name)
        return topic
    }

    func publish(_ batch: borrowing RecordBatch, to topics: [KafkaTopic]) { look(batch, indexes) }

    func seal(_ position: StreamPosition) {}
    func endLinger(isCaughtUp: Bool) {}
    func serve(timeout: Duration) { arrival.await(within: timeout) }
    var nextDeadline: ContinuousClock.Instant? { nil }
    var wake: @Sendable () -> Void { arrival.tell }
}

/// Something came: a batch, an error, a stop.
private struct Arrival: Sendable {
    private let hasCome = Monitor(false)

    var tell: @Sendable () -> Void {
        return { [hasCome] in hasCome.update { $0 = true } }
    }

    /// Waits for what comes after the last call. The caller looks for it after this call, so nothing is missed.
    func await(within limit: Duration) {
        if hasCome.wait(within: limit, until: { $0 }) { hasCome.update { $0 = false } }
    }
}

extension RecordBatch {
    /// The text of a record's header; empty when there is none.
    borrowing func header(_ name: String, of record: Record) -> String {
        bytes.withUnsafeBytes { bytes in
            headers[record.headers].first { $0.name.description == name }.map { String(decoding: bytes[$0.text], as: UTF8.self) } ?? ""
        }
    }

    /// Lends a record's key and value.
    borrowing func withKeyAndValue<Result>(
        of record: Record, _ body: (_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?) -> Result
    ) -> Result {
        bytes.withUnsafeBytes { bytes in
            func slice(_ range: Range<Int>?) -> UnsafeRawBufferPointer? { range.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) } }
            return body(slice(record.key), slice(record.value))
        }
    }
}
