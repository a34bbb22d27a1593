import Runtime

extension TopicReader {
    /// How far a scan has come, by partition.
    package struct Extent: Sendable {
        /// The offsets where it ends: of the moment when it began.
        package fileprivate(set) var ends: [Int32: Int64] = [:]
        /// The first offsets that were not read.
        package fileprivate(set) var next: [Int32: Int64] = [:]
    }

    /// Hands out every record that a topic has at the moment of the call, or those before a stop. Blocks.
    ///
    /// - Parameters:
    ///   - timeout: how long Kafka may take for an answer, or give no record.
    ///   - waitsForTransactions: whether those that are open are waited for. They hide everything behind their first
    ///     record, committed or not.
    ///   - queueBytes: how much may lie fetched and untouched; nil for the client's default.
    ///   - begin: is told each partition and the offsets that it has, and says where to begin.
    ///   - turn: called now and then.
    ///   - map: makes something of a record that outlives it.
    /// - Returns: nil when there is no such topic.
    @discardableResult
    package static func scan<Result>(
        _ topic: String, admin: KafkaAdmin, settings: KafkaSettings, timeout: Duration, stop: StopSignal,
        waitsForTransactions: Bool = false, isolation: Isolation = .readCommitted, queueBytes: Int? = nil,
        begin: (_ partition: Int32, _ offsets: Range<Int64>) -> Int64 = { $1.lowerBound }, turn: (Extent) -> Void = { _ in },
        _ map: (borrowing Record) -> Result, take: (Result) throws(KafkaError) -> Void
    ) throws(KafkaError) -> Extent? {
        guard let description = try admin.topic(topic, timeout: timeout), description.partitions > 0 else { return nil }
        var extent = Extent()
        var open: Set<Int32> = []
        for partition in 0..<Int32(description.partitions) {
            let offsets = try admin.watermarks(topic: topic, partition: partition, timeout: timeout)
            let first = begin(partition, offsets)
            extent.ends[partition] = offsets.upperBound
            extent.next[partition] = first
            if first < offsets.upperBound { open.insert(partition) }
        }
        guard !open.isEmpty else { return extent }
        let reader = try TopicReader(settings: settings, isolation: isolation, queueBytes: queueBytes)
        for partition in open { try reader.start(topic: topic, partition: partition, at: extent.next[partition] ?? 0) }
        var deadline = ContinuousClock.now + timeout
        var isHidden = false
        var count = 0
        while !open.isEmpty, !stop.isRequested {
            if count.isMultiple(of: 512) { turn(extent) }
            count += 1
            switch try reader.next(timeout: min(.milliseconds(200), timeout), { ($0.partition, $0.offset, map($0)) }) {
            case .record((let partition, let offset, let result)):
                deadline = .now + timeout
                guard open.contains(partition), let end = extent.ends[partition] else { continue }
                // What came after the call began is not part of it.
                if offset < end { try take(result) }
                extent.next[partition] = min(offset, end - 1) + 1
                if offset >= end - 1 { open.remove(partition) }
            // Compaction and transaction markers leave offsets without a record, so the end may come before the last
            // offset was seen.
            case .end(_, let partition, let offset):
                let end = extent.ends[partition] ?? 0
                extent.next[partition] = max(extent.next[partition] ?? 0, min(offset, end))
                if !waitsForTransactions || offset >= end { open.remove(partition) } else { isHidden = true }
            case .nothing:
                turn(extent)
                guard ContinuousClock.now >= deadline else { continue }
                throw KafkaError.timedOut(operation: "read topic \(topic)\(isHidden ? " behind an open transaction" : "")")
            }
        }
        return extent
    }
}
