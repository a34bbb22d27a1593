import Mongo

/// Compares the records of a stream's topics, partition by partition, with what the change stream has.
struct TopicComparison {
    /// A live record of the stream.
    struct Found {
        let topic: String
        let partition: Int32
        let offset: Int64
        let key: [UInt8]?
        let fingerprint: RecordFingerprint
    }

    private struct Partition: Hashable {
        let topic: String
        let number: Int32
    }

    private struct Progress {
        /// Older records are gone: retention took them.
        let isCut: Bool
        /// It has a record from before the range.
        var reachesBack = false
        /// The place of its oldest and of its newest event in the change stream.
        var oldest: Int?
        var newest = -1
    }

    private let settings: StreamSettings
    private let range: EventRange
    private let limit: Int
    private(set) var expected: ExpectedRecords
    private(set) var report: VerifyReport
    private var partitions: [Partition: Progress] = [:]
    private var listed: [VerifyReport.Finding.Kind: Int] = [:]
    /// Keys that have a record behind the range: compaction may have taken all of theirs within it.
    private var goingOn: Set<ExpectedRecords.Key> = []
    /// Where each key's records are, and the keys that are in several partitions.
    private var partitionOfKey: [ExpectedRecords.Key: Int32] = [:]
    private var scattered: Set<ExpectedRecords.Key> = []

    /// - Parameter limit: how many findings of each kind are listed.
    init(of settings: StreamSettings, range: EventRange, with expected: ExpectedRecords, into report: VerifyReport, limit: Int) {
        self.settings = settings
        self.range = range
        self.expected = expected
        self.report = report
        self.limit = limit
    }

    mutating func begin(topic: String, partition: Int32, isCut: Bool) {
        partitions[Partition(topic: topic, number: partition)] = Progress(isCut: isCut)
    }

    /// Takes the records of each partition in their order.
    mutating func take(_ record: Found) {
        let partition = Partition(topic: record.topic, number: record.partition)
        takePartition(of: record)
        guard let index = expected.index(of: record.fingerprint) else { return takeUnknown(record, of: partition) }
        let topic = report.topics[Int(expected[index].topic)]
        guard topic == record.topic else {
            report.unexpected += 1
            return list(.unexpected, record, detail: "belongs to topic \(topic)")
        }
        report.found += 1
        guard !expected[index].isFound else { return takeRepeated(record, at: index) }
        expected[index].isFound = true
        compare(record, at: index)
        // Repeats do not count here: at-least-once, a stretch comes again after a crash.
        let newest = partitions[partition]?.newest ?? -1
        if index < newest {
            report.reordered += 1
            list(.reordered, record)
        } else {
            partitions[partition]?.newest = index
        }
        let oldest = partitions[partition]?.oldest ?? index
        partitions[partition]?.oldest = min(index, oldest)
    }

    private mutating func compare(_ record: Found, at index: Int) {
        guard expected[index].repeatability == .whole else {
            // What a repeat is compared with.
            expected[index].content = record.fingerprint.content
            return
        }
        report.compared += 1
        guard expected[index].content != record.fingerprint.content else { return }
        report.different += 1
        list(.different, record)
    }

    private mutating func takeRepeated(_ record: Found, at index: Int) {
        let isIdentical = expected[index].content == record.fingerprint.content
        if isIdentical { report.repeatedIdentical += 1 } else { report.repeatedDifferent += 1 }
        if !report.allowsRepeats { list(.repeated, record, detail: isIdentical ? "identical bytes" : "different bytes") }
        if expected[index].repeatability == .whole { compare(record, at: index) }
    }

    private mutating func takeUnknown(_ record: Found, of partition: Partition) {
        let token = record.fingerprint.token
        if range.isBefore(token) {
            partitions[partition]?.reachesBack = true
        } else if range.isBehind(token) {
            if let key = key(of: record) { goingOn.insert(key) }
        } else {
            if settings.repeatability(of: record.fingerprint.operation) == .none {
                report.undecided += 1
            } else {
                report.unexpected += 1
                list(.unexpected, record)
            }
        }
    }

    /// Records of one key have one order only while they are in one partition.
    private mutating func takePartition(of record: Found) {
        guard record.key != nil, let key = key(of: record) else { return }
        if partitionOfKey.updateValue(record.partition, forKey: key) ?? record.partition != record.partition { scattered.insert(key) }
    }

    private func key(of record: Found) -> ExpectedRecords.Key? {
        report.topics.firstIndex(of: record.topic).map {
            ExpectedRecords.Key(topic: UInt16(truncatingIfNeeded: $0), key: record.fingerprint.key)
        }
    }

    private mutating func list(_ kind: VerifyReport.Finding.Kind, _ record: Found, detail: String? = nil) {
        list(
            VerifyReport.Finding(
                kind: kind, topic: record.topic, partition: record.partition, offset: record.offset, token: record.fingerprint.token,
                clusterTime: ResumeToken(text: record.fingerprint.token).clusterTime?.readable, key: record.key?.readable, detail: detail))
    }

    private mutating func list(_ finding: VerifyReport.Finding) {
        guard listed[finding.kind, default: 0] < limit else { return }
        listed[finding.kind, default: 0] += 1
        report.findings.append(finding)
    }

    // MARK: What is missing

    /// Counts what is missing when all records were taken.
    ///
    /// - Parameters:
    ///   - beginsWithTopic: whether the range begins where the topics do, because nobody said where.
    ///   - hasPublished: whether the stream is known to have published nothing, when no record is found.
    ///   - compacted: indexes of topics; only asked for when something was not found.
    mutating func finish(beginsWithTopic: Bool, hasPublished: Bool, compacted: @autoclosure () -> Set<Int>) {
        let first = beginsWithTopic ? firstJudged(hasPublished: hasPublished) : 0
        report.expected = expected.count - first
        if first > 0 {
            report.notes.append(
                "the first \(first) records of the range are from before what every partition still has, and were not judged; --from judges them"
            )
        }
        if !scattered.isEmpty {
            report.notes.append(
                "\(scattered.count) keys have records in several partitions: their order is judged within each of them only")
        }
        guard !expected.isFound(from: first) else { return }
        let counts = expected.markMissing(from: first, compacted: compacted(), goingOn: goingOn)
        report.missing = counts.missing
        report.undecided += counts.undecided
    }

    /// The first event that must have its record. Older ones are from before the stream, or went with what retention
    /// took from a partition.
    private mutating func firstJudged(hasPublished: Bool) -> Int {
        let oldest = partitions.values.compactMap(\.oldest).min()
        var first = partitions.values.contains { $0.reachesBack } ? 0 : oldest ?? (hasPublished ? 0 : expected.count)
        for (partition, progress) in partitions where progress.isCut && !progress.reachesBack {
            if let oldest = progress.oldest {
                first = max(first, oldest)
            } else {
                report.notes.append(
                    "\(partition.topic)/\(partition.number) lost its oldest records to retention and has none of this range: what had gone there is missing"
                )
            }
        }
        return first
    }

    /// Lists what is missing, from the change stream, which has its keys.
    ///
    /// - Returns: false when no more are wanted.
    mutating func listMissing(_ record: ExpectedRecord, topic: String) -> Bool {
        if let index = expected.index(of: record.fingerprint), expected[index].isMissing {
            list(
                VerifyReport.Finding(
                    kind: .missing, topic: topic, token: record.fingerprint.token,
                    clusterTime: ResumeToken(text: record.fingerprint.token).clusterTime?.readable, key: record.keyText,
                    detail: record.detail ?? record.fingerprint.operation))
        }
        return listed[.missing, default: 0] < min(limit, report.missing)
    }

    mutating func note(_ text: String) { report.notes.append(text) }
}
