import Kafka
import Runtime
import Synchronization

/// Sees to it that commands come from the topic that those before them came from (docs/GUARANTEES.md, rule 18). Any
/// thread.
///
/// An offset does not say which topic it belongs to. When a topic is deleted and created again while nobody fetches
/// from it, because the process is frozen or stopped or its queues are full, librdkafka continues at the old offset
/// without a word, and what the new topic has before it is never read. So a record that was taken earlier is looked at
/// again before what follows is carried out:
///
/// - when a partition is assigned: its committed offset carries the mark of a record;
/// - when nothing came of a partition for about as long as it takes to delete and create a topic;
/// - when the client has asked where the partitions are: it does so when a fetch that waits at the broker is answered
///   with an error, as on a deletion;
/// - every few seconds, and once more when nothing follows, for whatever was quicker or lay fetched in a queue. While
///   nothing follows, also when the client has asked where the partitions are.
///
/// Looked at are two records: the one that an earlier look has found in its place, and the newest. If the first is
/// still there, the topic was the same from that look until now, so everything that was taken in between is of it, and
/// the newest takes its place.
final class CommandContinuity: Sendable {
    private struct Entry {
        /// Found in its place by the last look; before the first one, the first that was taken.
        var known: RecordMark?
        /// Of the newest record that was taken.
        var newest: RecordMark?
        var lookedAt: ContinuousClock.Instant = .now
        var takenAt: ContinuousClock.Instant = .now
        /// How often the client had asked about topics at the last look.
        var metadataRequests = 0
    }

    private static let longestGap: Duration = .milliseconds(100)
    private static let interval: Duration = .seconds(5)
    /// How long an answer may take at first, and at most: a batch of records may be large, and the way to the broker
    /// narrow.
    private static let answerTimes: ClosedRange<Duration> = .seconds(1) ... .seconds(16)
    /// A new leader may not know for a while that others have the newest records, too, and hides them; until then a
    /// partition seems to end where it does not. It takes a moment, or until a dead broker counts no more
    /// (`broker.session.timeout.ms`, 9 s).
    private static let longestHiding: Duration = .seconds(20)

    private let settings: DispatcherSettings
    private let bridge: String
    private let kafka: KafkaSettings
    private let requests: RequestCounts
    private let stop: StopSignal
    /// Nil when nobody can say.
    private let isCompacted: @Sendable () -> Bool?
    private let entries = Mutex<[Int32: Entry]>([:])
    private let lookup = Mutex<RecordLookup?>(nil)
    private let answerTime = Mutex(answerTimes.lowerBound)
    /// Partitions that seem to end at a record that was read before, and since when.
    private let hidden = Mutex<[Int32: ContinuousClock.Instant]>([:])

    /// - Parameter requests: of the client that fetches the commands.
    init(
        of settings: DispatcherSettings, bridge: String, kafka: KafkaSettings, requests: RequestCounts, stop: StopSignal,
        isCompacted: @escaping @Sendable () -> Bool?
    ) {
        self.settings = settings
        self.bridge = bridge
        self.kafka = kafka
        self.requests = requests
        self.stop = stop
        self.isCompacted = isCompacted
    }

    /// Partitions are assigned.
    ///
    /// - Throws: as ``look(at:)``.
    func begin(_ offsets: [Int32: CommittedOffset?]) throws {
        var marks: [Int32: RecordMark] = [:]
        for (partition, offset) in offsets { marks[partition] = offset?.mark }
        try verify(marks)
        // Committed by somebody who leaves no marks: the record before it is taken at its word.
        let unmarked = offsets.compactMapValues { offset in offset.flatMap { $0.mark == nil && $0.offset > 0 ? $0.offset - 1 : nil } }
        for (partition, found) in try find(unmarked) {
            if case .record(let mark) = found, mark.offset == unmarked[partition] { marks[partition] = mark }
        }
        let seen = requests.metadataRequests
        entries.withLock { entries in
            for partition in offsets.keys {
                entries[partition] = Entry(known: marks[partition], newest: marks[partition], metadataRequests: seen)
            }
        }
    }

    /// They belong to somebody else now.
    func end(_ partitions: [Int32]) { entries.withLock { entries in for partition in partitions { entries[partition] = nil } } }

    /// Which of these partitions have to be looked at before their newest records are carried out.
    func due(_ partitions: Set<Int32>) -> Set<Int32> {
        let (now, seen) = (ContinuousClock.now, requests.metadataRequests)
        return entries.withLock { entries in
            partitions.filter { partition in
                guard let entry = entries[partition], entry.newest != nil else { return false }
                return entry.metadataRequests != seen || now - entry.takenAt > Self.longestGap || now - entry.lookedAt > Self.interval
            }
        }
    }

    /// Which of these partitions have to be looked at although nothing comes: their newest records are not covered by a
    /// look, or the client has asked where the partitions are, as it does after a deletion. A new topic with exactly as
    /// many records as were read gives nothing else to notice it by.
    func dueWhenIdle(_ partitions: Set<Int32>) -> Set<Int32> {
        let seen = requests.metadataRequests
        return entries.withLock { entries in
            partitions.filter { partition in
                guard let entry = entries[partition], let newest = entry.newest else { return false }
                return newest != entry.known || entry.metadataRequests != seen
            }
        }
    }

    /// Looks at partitions. Blocks.
    ///
    /// - Throws: ``KafkaError`` when no answer came; ``Halt`` when another topic has taken the place of the one that
    ///   was read.
    func look(at partitions: Set<Int32>) throws {
        // Before the look, because of what comes meanwhile it says nothing.
        let (now, seen) = (ContinuousClock.now, requests.metadataRequests)
        let before = entries.withLock { entries in entries.filter { partitions.contains($0.key) } }
        try verify(before.compactMapValues(\.known))
        try verify(before.compactMapValues { $0.newest == $0.known ? nil : $0.newest })
        entries.withLock { entries in
            for (partition, entry) in before where entries[partition] != nil {
                entries[partition]?.known = entry.newest
                entries[partition]?.lookedAt = now
                entries[partition]?.metadataRequests = seen
            }
        }
    }

    /// Records were taken that follow those before them.
    ///
    /// - Parameter newest: by partition.
    func took(_ newest: [Int32: RecordMark]) {
        let now = ContinuousClock.now
        entries.withLock { entries in
            for (partition, mark) in newest {
                guard var entry = entries[partition] else { continue }
                entry.known = entry.known ?? mark
                entry.newest = mark
                entry.takenAt = now
                entries[partition] = entry
            }
        }
    }

    /// What a committed offset of this partition carries: not the newest record, because a halt has to outlast a
    /// restart.
    func mark(of partition: Int32) -> RecordMark? { entries.withLock { entries in entries[partition]?.known } }

    // MARK: Looking

    private func verify(_ marks: [Int32: RecordMark]) throws {
        let found = try find(marks.mapValues(\.offset))
        for (partition, mark) in marks.sorted(by: { $0.key < $1.key }) {
            guard let found = found[partition] else { continue }
            try awaitWhatIsHidden(found, mark, in: partition, at: .now)
            guard let reason = Self.reason(against: found, mark, isCompacted) else { continue }
            throw Halt.lostOffset(
                of: settings, bridge: bridge, kafka: kafka, reason: "\(settings.commands)/\(partition) \(reason)")
        }
    }

    /// - Throws: ``KafkaError`` while a leader may hide the record.
    private func awaitWhatIsHidden(
        _ found: RecordLookup.Found, _ mark: RecordMark, in partition: Int32, at now: ContinuousClock.Instant
    ) throws(KafkaError) {
        guard found == .end(at: mark.offset) else { return hidden.withLock { $0[partition] = nil } }
        let since = hidden.withLock { hidden in
            let since = hidden[partition] ?? now
            hidden[partition] = since
            return since
        }
        guard now - since >= Self.longestHiding else {
            throw .hidden(operation: "find the record at offset \(mark.offset) of \(settings.commands)/\(partition) again")
        }
    }

    private func find(_ offsets: [Int32: Int64]) throws(KafkaError) -> [Int32: RecordLookup.Found] {
        guard !offsets.isEmpty else { return [:] }
        let time = answerTime.withLock { $0 }
        let stop = stop
        let result = lookup.withLock { lookup -> Result<[Int32: RecordLookup.Found], KafkaError> in
            do throws(KafkaError) {
                let current: RecordLookup
                if let known = lookup {
                    current = known
                } else {
                    current = try RecordLookup(topic: settings.commands, settings: kafka)
                    lookup = current
                }
                return .success(try current.find(at: offsets, timeout: time) { stop.isRequested })
            } catch {
                return .failure(error)
            }
        }
        let isSlow = if case .failure(let error) = result { error.isTimeout } else { false }
        answerTime.withLock { $0 = isSlow ? min(time * 2, Self.answerTimes.upperBound) : Self.answerTimes.lowerBound }
        return try result.get()
    }

    /// Why a partition is not the one that a record was taken from; nil when it is, or when the record was deleted for
    /// its age.
    static func reason(against found: RecordLookup.Found, _ mark: RecordMark, _ isCompacted: () -> Bool?) -> String? {
        let rest = "so the topic is not the one that commands were read from before: it was deleted and created again, or cut off"
        switch found {
        case .trimmed: return nil
        case .beyond, .end(at: mark.offset): return "ends before offset \(mark.offset), which was read before, \(rest)"
        case .record(mark): return nil
        case .record(let other) where other.offset == mark.offset:
            return "has another record at offset \(mark.offset) than the one that was read there before, \(rest)"
        // Compaction keeps the newest record of a key, and removes that, too, when it removes the key; nothing else
        // takes a record from the middle of a partition.
        case .record, .end:
            return isCompacted() == false ? "has no record at offset \(mark.offset), where one was read before, \(rest)" : nil
        }
    }
}

extension CommittedOffset {
    /// Of a record that was read before the offset was committed.
    var mark: RecordMark? { metadata.flatMap { RecordMark(text: $0) } }
}
