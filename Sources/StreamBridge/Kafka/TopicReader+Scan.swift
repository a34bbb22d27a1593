extension TopicReader {
    /// Hands out every record that a topic has at the moment of the call. Blocks.
    ///
    /// - Parameters:
    ///   - timeout: how long Kafka may take for an answer, or give no record.
    ///   - waitsForTransactions: whether those that are open are waited for. They hide everything behind their first record, committed or not.
    ///   - begin: is told each partition and the offsets that it has, and says where to begin.
    ///   - map: makes something of a record that outlives it.
    /// - Returns: false when there is no such topic.
    static func scan<Result>(
        _ topic: String, admin: KafkaAdmin, settings: KafkaSettings, timeout: Duration, stop: StopSignal,
        waitsForTransactions: Bool = false, isolation: Isolation = .readCommitted,
        begin: (_ partition: Int32, _ offsets: Range<Int64>) -> Int64 = { $1.lowerBound },
        _ map: (borrowing Record) -> Result, take: (Result) throws(KafkaError) -> Void
    ) throws(KafkaError) -> Bool {
        guard let description = try admin.topic(topic, timeout: timeout), description.partitions > 0 else { return false }
        let reader = try TopicReader(settings: settings, isolation: isolation)
        var ends: [Int32: Int64] = [:]
        for partition in 0..<Int32(description.partitions) {
            let offsets = try admin.watermarks(topic: topic, partition: partition, timeout: timeout)
            let first = begin(partition, offsets)
            guard first < offsets.upperBound else { continue }
            ends[partition] = offsets.upperBound
            try reader.start(topic: topic, partition: partition, at: first)
        }
        var deadline = ContinuousClock.now + timeout
        var isHidden = false
        while !ends.isEmpty, !stop.isRequested {
            switch try reader.next(timeout: min(.milliseconds(200), timeout), { ($0.partition, $0.offset, map($0)) }) {
            case .record((let partition, let offset, let result)):
                deadline = .now + timeout
                // What came after the call began is not part of it.
                guard let end = ends[partition] else { continue }
                if offset < end { try take(result) }
                if offset >= end - 1 { ends[partition] = nil }
            // Compaction and transaction markers leave offsets without a record, so the end may come before the last offset was seen.
            case .end(_, let partition, let offset):
                if !waitsForTransactions || offset >= ends[partition] ?? 0 { ends[partition] = nil } else { isHidden = true }
            case .nothing:
                guard ContinuousClock.now >= deadline else { continue }
                throw KafkaError.timedOut(operation: "read topic \(topic)\(isHidden ? " behind an open transaction" : "")")
            }
        }
        return true
    }
}
