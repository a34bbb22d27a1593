import Kafka
import Runtime

/// The topic of the edits of positions, `bridge.<name>.position-edits`: one partition, kept forever.
struct PositionHistory: Sendable {
    let topic: String
    private let admin: KafkaAdmin
    private let settings: KafkaSettings

    init(bridge name: String, admin: KafkaAdmin, settings: KafkaSettings) {
        topic = InternalTopics.positionEdits(of: name)
        self.admin = admin
        self.settings = settings
    }

    /// The offset that the next edit will have, or a later one. Blocks.
    ///
    /// - Returns: 0 when there is no such topic yet.
    func end(timeout: Duration) throws(KafkaError) -> Int64 {
        guard try admin.topic(topic, timeout: timeout) != nil else { return 0 }
        return try admin.watermarks(topic: topic, partition: 0, timeout: timeout).upperBound
    }

    /// The edits from an offset on, the oldest first. Blocks.
    func edits(from offset: Int64 = 0, timeout: Duration, stop: StopSignal) throws(KafkaError) -> [PositionEdit] {
        var edits: [PositionEdit] = []
        try TopicReader.scan(
            topic, admin: admin, settings: settings, timeout: timeout, stop: stop, waitsForTransactions: true,
            begin: { _, offsets in max(offset, offsets.lowerBound) }, { $0.value },
            take: { value throws(KafkaError) in
                if let edit = value.flatMap(PositionEdit.init(json:)) { edits.append(edit) }
            })
        return edits
    }
}
