@testable import StreamBridge

/// Everything that a topic holds now.
enum TopicContents {
    /// Reads every partition from its beginning to its end of the moment.
    static func read(_ topic: String, partitions: Int32 = 1, from settings: KafkaSettings) throws -> [TestRecord] {
        let reader = try TopicReader(settings: settings)
        for partition in 0..<partitions { try reader.start(topic: topic, partition: partition, at: 0) }
        var open = Set(0..<partitions)
        var records: [TestRecord] = []
        let deadline = ContinuousClock.now + Patience.limit
        while !open.isEmpty {
            switch try reader.next(timeout: .seconds(1), TestRecord.init) {
            case .record(let record): records.append(record)
            case .end(_, let partition): open.remove(partition)
            case .nothing: guard .now < deadline else { throw WaitedInVain(what: "the end of topic \(topic)") }
            }
        }
        return records
    }
}
