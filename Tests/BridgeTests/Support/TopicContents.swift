@testable import Kafka
@testable import StreamBridge

/// Everything that a topic holds now.
enum TopicContents {
    /// Reads every partition from its beginning to its end of the moment.
    static func read(_ topic: String, partitions: Int32 = 1, from settings: KafkaSettings) throws -> [TestRecord] {
        let reader = try TopicReader(settings: settings)
        let admin = try KafkaAdmin(settings: settings, logger: .silent)
        // The broker answers a commit before every partition shows it.
        var open: [Int32: Int64] = [:]
        for partition in 0..<partitions {
            let offsets = try admin.watermarks(topic: topic, partition: partition, timeout: Patience.limit)
            guard !offsets.isEmpty else { continue }
            open[partition] = offsets.upperBound
            try reader.start(topic: topic, partition: partition, at: offsets.lowerBound)
        }
        var records: [TestRecord] = []
        let deadline = ContinuousClock.now + Patience.limit
        while !open.isEmpty {
            switch try reader.next(timeout: .seconds(1), TestRecord.init) {
            case .record(let record):
                guard let end = open[record.partition] else { continue }
                if record.offset < end { records.append(record) }
                if record.offset + 1 >= end { open[record.partition] = nil }
            case .end(_, let partition, let offset): if offset >= open[partition] ?? 0 { open[partition] = nil }
            case .nothing: guard .now < deadline else { throw WaitedInVain(what: "the end of topic \(topic)") }
            }
        }
        return records
    }
}
