import Kafka

/// What a copy of a topic's range would have.
package struct TopicCopyPlan: Sendable, Encodable {
    package struct Partition: Sendable, Encodable {
        package let partition: Int32
        /// The first offset, and the one behind the last.
        package let from: Int64
        package let to: Int64
        package var records = 0
    }

    package let source: String
    package let topic: String
    package private(set) var records: Int64 = 0
    /// Keys, values and headers.
    package private(set) var bytes = 0
    package private(set) var partitions: [Partition]
    /// The smallest and the largest time of a record, in milliseconds since 1970.
    package private(set) var first: Int64?
    package private(set) var last: Int64?
    /// Consumers of the topic see the records a second time.
    package let isOwnTopic: Bool
    private let rate: Int?
    /// At the rate that was asked for.
    package var seconds: Double? { rate.map { Double(records) / Double($0) } }
    /// False when a stop came first: there is more.
    package var isWhole = false

    init(_ record: TopicCopyRecord, rate: Int?) {
        source = record.source
        topic = record.target
        isOwnTopic = record.source == record.target
        partitions = record.stretches.sorted { $0.key < $1.key }
            .map { Partition(partition: $0.key, from: $0.value.start, to: $0.value.end) }
        self.rate = rate
    }

    mutating func count(_ copied: TopicCopyPass.Copied) {
        records += 1
        bytes += copied.record.size
        if let index = partitions.firstIndex(where: { $0.partition == copied.partition }) { partitions[index].records += 1 }
        if let time = copied.timestamp {
            first = min(first ?? time, time)
            last = max(last ?? time, time)
        }
    }

    private enum CodingKeys: CodingKey { case source, topic, records, bytes, partitions, first, last, isOwnTopic, seconds, isWhole }

    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(source, forKey: .source)
        try object.encode(topic, forKey: .topic)
        try object.encode(records, forKey: .records)
        try object.encode(bytes, forKey: .bytes)
        try object.encode(partitions, forKey: .partitions)
        try object.encode(first, forKey: .first)
        try object.encode(last, forKey: .last)
        try object.encode(isOwnTopic, forKey: .isOwnTopic)
        try object.encode(seconds, forKey: .seconds)
        try object.encode(isWhole, forKey: .isWhole)
    }
}
