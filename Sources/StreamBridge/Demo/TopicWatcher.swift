import Kafka
import Runtime

/// Reads topics of the demo from their beginning and prints what arrives. Used on one thread.
final class TopicWatcher {
    struct Arrival {
        let topic: String
        let partition: Int32
        let offset: Int64
        let headers: [String: String]
        let text: String
    }

    /// How long nothing may arrive. After that nothing is waited for any more.
    private static let patience: Duration = .seconds(30)

    private let stage: Stage
    private let reader: TopicReader
    private let partitions: Int
    /// Partitions without a record that was not read.
    private var ended: Set<String> = []
    private var deadline: ContinuousClock.Instant = .now + patience

    init(_ topics: [String], on stage: Stage) throws {
        self.stage = stage
        reader = try TopicReader(settings: stage.kafka)
        partitions = topics.count * Int(Demo.partitions)
        for topic in topics {
            for partition in 0..<Demo.partitions { try reader.start(topic: topic, partition: partition, at: 0) }
        }
    }

    /// Reads until what is expected has arrived, and whatever else there is by then.
    ///
    /// - Parameter take: gets each record, and returns what to print of it.
    /// - Throws: ``StoppedEarly``, ``KafkaError``.
    func watch(until isThere: @autoclosure () -> Bool, _ take: (Arrival) -> String?) throws {
        while !isThere() || ended.count < partitions, .now < deadline {
            if stage.stop.isRequested { throw StoppedEarly() }
            switch try reader.next(timeout: .milliseconds(200), Arrival.init) {
            case .record(let arrival):
                deadline = .now + Self.patience
                ended.remove("\(arrival.topic)/\(arrival.partition)")
                if let line = take(arrival) {
                    stage.print("  \(arrival.topic)/\(arrival.partition)@\(arrival.offset)  \(line.harmlessLine)")
                }
            case .end(let topic, let partition, _): ended.insert("\(topic)/\(partition)")
            case .nothing: continue
            }
        }
    }
}

extension TopicWatcher.Arrival {
    fileprivate init(_ record: borrowing KafkaRecord) {
        topic = record.topic
        partition = record.partition
        offset = record.offset
        let pairs = record.headers.map { ($0.name, String(decoding: $0.value ?? [], as: UTF8.self)) }
        headers = Dictionary(pairs) { $1 }
        text = String(decoding: record.value ?? [], as: UTF8.self)
    }
}
