import Kafka

/// Reads what is left of a copy's range, committed records only, and says how far it has come. Used on one thread.
struct TopicCopyPass {
    /// A record as it is sent again.
    struct Copied {
        let partition: Int32
        let offset: Int64
        /// Milliseconds since 1970.
        let timestamp: Int64?
        var record: OutgoingRecord
    }

    enum Step {
        case record(Copied)
        /// Nothing to copy, but the pass may be further.
        case nothing
    }

    private let reader: TopicReader
    private let filter: KeyFilter?
    private let patience: Duration
    private var deadline: ContinuousClock.Instant
    /// Partitions that are not at their end.
    private var open: Set<Int32>
    /// With the offsets that were looked at.
    private(set) var record: TopicCopyRecord

    /// - Parameter patience: how long Kafka may give no record.
    init(_ record: TopicCopyRecord, settings: KafkaSettings, patience: Duration) throws {
        self.record = record
        self.patience = patience
        deadline = .now + patience
        filter = try record.key.map { text throws(WrongUsage) in try KeyFilter(text) }
        open = Set(record.stretches.filter { $0.value.next < $0.value.end }.keys)
        reader = try TopicReader(settings: settings)
        for partition in open.sorted() {
            try reader.start(topic: record.source, partition: partition, at: record.stretches[partition]?.next ?? 0)
        }
    }

    var isThrough: Bool { open.isEmpty }

    /// The next record that belongs to the range. Blocks.
    ///
    /// - Returns: nil when nothing is left.
    /// - Throws: ``KafkaError``.
    mutating func next(within timeout: Duration) throws(KafkaError) -> Step? {
        guard !isThrough else { return nil }
        switch try reader.next(timeout: timeout, Copied.init) {
        case .record(let copied):
            deadline = .now + patience
            guard let end = record.stretches[copied.partition]?.end, open.contains(copied.partition) else { return .nothing }
            let isWithin = copied.offset < end
            advance(copied.partition, to: isWithin ? copied.offset + 1 : end)
            return isWithin && filter?.takes(copied.record.key) ?? true ? .record(copied) : .nothing
        // Aborted records and transaction markers leave offsets without a record, so the end may come before the last
        // offset was seen.
        case .end(_, let partition, let offset):
            if let end = record.stretches[partition]?.end { advance(partition, to: min(end, offset)) }
            return .nothing
        case .nothing:
            guard .now < deadline else { throw .timedOut(operation: "read topic \(record.source)") }
            return .nothing
        }
    }

    private mutating func advance(_ partition: Int32, to offset: Int64) {
        guard let stretch = record.stretches[partition] else { return }
        record.stretches[partition]?.next = max(stretch.next, offset)
        if offset >= stretch.end { open.remove(partition) }
    }
}

extension TopicCopyPass.Copied {
    fileprivate init(_ record: borrowing KafkaRecord) {
        partition = record.partition
        offset = record.offset
        timestamp = record.timestamp
        self.record = OutgoingRecord(key: record.key, value: record.value, headers: record.headers, timestamp: record.timestamp ?? 0)
    }

    /// With where it comes from and by which replay; headers of these names are replaced.
    func marked(id: String, topic: String, partition target: Int32?) -> OutgoingRecord {
        let marks = [
            ("bridge.origin", "replay"), ("bridge.replay", id), ("replay.topic", topic), ("replay.partition", "\(partition)"),
            ("replay.offset", "\(offset)"),
        ]
        var marked = record
        marked.partition = target
        marked.headers.removeAll { header in marks.contains { $0.0 == header.name } }
        marked.headers += marks.map { ($0.0, Array($0.1.utf8)) }
        return marked
    }
}
