import Mongo

@testable import Kafka
@testable import StreamBridge

/// Takes every record over and remembers in which order things came. Used on one thread.
final class RecordingPublisher: RecordSink {
    enum Step: Equatable {
        /// Topic and key of a record, and whether it is a tombstone.
        case record(topic: String, key: String?, isTombstone: Bool)
        case sealed(StreamPosition)
    }

    private(set) var steps: [Step] = []
    private(set) var records: [EncodedRecord] = []
    /// Called before a record is taken over, with its index in the batch; throws to refuse it.
    var admit: (Int, EncodedRecord) throws -> Void = { _, _ in }
    private let client: KafkaClient

    init() throws { client = try KafkaClient(role: .producer, properties: [:]) }

    var sealed: [StreamPosition] {
        steps.compactMap { if case .sealed(let position) = $0 { position } else { nil } }
    }

    /// The number of records before each seal, and its place in a MongoDB transaction.
    func seals(_ place: (TransactionPlace) -> String) -> [String] {
        var count = 0
        return steps.compactMap { step in
            switch step {
            case .record:
                count += 1
                return nil
            case .sealed(let position): return "\(count)" + (position.transaction.map { " amid " + place($0) } ?? "")
            }
        }
    }

    func topic(_ name: String) throws -> KafkaTopic { try KafkaTopic(name, of: client) }

    func publish(_ batch: borrowing RecordBatch, to topics: [KafkaTopic]) throws {
        for (index, record) in batch.copied().enumerated() {
            try admit(index, record)
            records.append(record)
            steps.append(.record(topic: topics[record.route].name, key: record.keyText, isTombstone: record.value == nil))
        }
    }

    func seal(_ position: StreamPosition) { steps.append(.sealed(position)) }
    func endLinger(isCaughtUp: Bool) {}
    func serve(timeout: Duration) {}
    let nextDeadline: ContinuousClock.Instant? = nil
    let wake: @Sendable () -> Void = {}
}
