import Kafka
import Runtime

extension ConnectOffsets {
    /// Reads the topic as it is now. Blocks.
    ///
    /// Workers with exactly-once support write offsets in transactions: one that is open is waited for.
    ///
    /// - Throws: ``KafkaError``, ``Stopped``, or ``WrongUsage`` when there is no such topic.
    static func read(
        of connector: String, in topic: String, admin: KafkaAdmin, settings: KafkaSettings, timeout: Duration, stop: StopSignal
    ) throws -> ConnectOffsets {
        var offsets = ConnectOffsets(of: connector, in: topic)
        // Hears a stop while nobody answers.
        let isThere = try admin.topic(topic, within: timeout, stop: stop) != nil
        let extent = try TopicReader.scan(
            topic, admin: admin, settings: settings, timeout: timeout, stop: stop, waitsForTransactions: true,
            { record in
                record.key.flatMap(ConnectOffsetKey.init).map {
                    // The values of other connectors are nobody's business.
                    Entry(
                        key: $0, value: $0.connector == connector ? record.value : nil, coordinates: record.coordinates,
                        writtenAt: record.timestamp)
                }
            },
            take: { entry throws(KafkaError) in
                if let entry { offsets.take(entry) }
            })
        if stop.isRequested { throw Stopped() }
        guard isThere, extent != nil else {
            throw WrongUsage(
                "--connect-offsets: there is no topic \(topic.quoted); `offset.storage.topic` of the Connect worker names it, and "
                    + "`offsets.storage.topic` of a connector that has one of its own")
        }
        return offsets
    }
}
