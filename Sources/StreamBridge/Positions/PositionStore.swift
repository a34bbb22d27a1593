import Mongo

/// The positions topic: compacted, key the stream's name, value a ``StoredPosition``.
struct PositionStore: Sendable {
    /// `bridge.<name>.positions`.
    let topic: String
    private let admin: KafkaAdmin
    private let settings: KafkaSettings

    init(bridge name: String, admin: KafkaAdmin, settings: KafkaSettings) {
        topic = "bridge.\(name).positions"
        self.admin = admin
        self.settings = settings
    }

    /// The newest position of every stream, read up to the high watermark of the moment of the call.
    ///
    /// Blocks. Rule 1 (docs/GUARANTEES.md): a caller that is a writer has fenced its predecessor before.
    ///
    /// - Throws: ``KafkaError``, or ``PositionError`` when `stream`'s newest record cannot be read.
    func read(stream: String, timeout: Duration) throws -> StoredPosition? {
        let newest = try readAll(timeout: timeout)[stream]
        return try newest.map { value throws(PositionError) in try StoredPosition(json: value) }
    }

    /// The newest value of every key. A key whose newest record is a tombstone is left out.
    func readAll(timeout: Duration) throws(KafkaError) -> [String: [UInt8]] {
        // The caller has ensured the topic, so an answer without it comes from a broker that is behind: no word on positions.
        guard let description = try admin.topic(topic, timeout: timeout), description.partitions > 0 else {
            throw KafkaError.unknownTopic(topic)
        }
        let reader = try TopicReader(settings: settings)
        // A transaction of a writer that is gone was resolved by the fence, so `read_committed` reaches these ends.
        var ends: [Int32: Int64] = [:]
        for partition in 0..<Int32(description.partitions) {
            let offsets = try admin.watermarks(topic: topic, partition: partition, timeout: timeout)
            guard !offsets.isEmpty else { continue }
            ends[partition] = offsets.upperBound
            try reader.start(topic: topic, partition: partition, at: offsets.lowerBound)
        }
        var values: [String: [UInt8]] = [:]
        var deadline = ContinuousClock.now + timeout
        while !ends.isEmpty {
            let step = try reader.next(timeout: min(.seconds(1), timeout)) { record in
                (partition: record.partition, offset: record.offset, key: record.key, value: record.value)
            }
            switch step {
            case .record(let record):
                deadline = .now + timeout
                if let key = record.key { values[String(decoding: key, as: UTF8.self)] = record.value }
                if let end = ends[record.partition], record.offset + 1 >= end { ends[record.partition] = nil }
            // Compaction and transaction markers leave offsets without a record, so the end may come before the last offset was seen.
            case .end(_, let partition): ends[partition] = nil
            case .nothing:
                guard ContinuousClock.now < deadline else {
                    throw KafkaError.timedOut(operation: "read the positions in topic \(topic)")
                }
            }
        }
        return values
    }
}
