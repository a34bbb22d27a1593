import Kafka

/// The records that the change stream says the topics must have, in its order: some 60 bytes for each, however large it
/// is.
struct ExpectedRecords {
    struct Entry {
        /// ``RecordFingerprint/content``; where that cannot be read a second time, of the first record that was found.
        var content: Int
        let key: Int
        let topic: UInt16
        let isTombstone: Bool
        let repeatability: Repeatability
        var isFound = false
        var isMissing = false
    }

    /// A record's key in its topic, by their numbers.
    struct Key: Hashable {
        let topic: UInt16
        let key: Int
    }

    private var indexes: [Int: UInt32] = [:]
    private(set) var entries: [Entry] = []

    var count: Int { entries.count }

    mutating func append(_ record: RecordFingerprint, topic: Int, repeatability: Repeatability) {
        // A stream gives no event twice, but a read that was opened again after an error may.
        guard indexes[record.identity] == nil else { return }
        indexes[record.identity] = UInt32(truncatingIfNeeded: entries.count)
        entries.append(
            Entry(
                content: record.content, key: record.key, topic: UInt16(truncatingIfNeeded: topic), isTombstone: record.isTombstone,
                repeatability: repeatability))
    }

    /// The record's place in the order of the change stream; nil for one that it does not have.
    func index(of record: RecordFingerprint) -> Int? { indexes[record.identity].map { Int($0) } }

    subscript(index: Int) -> Entry {
        get { entries[index] }
        set { entries[index] = newValue }
    }

    /// Whether all was found from `first` on.
    func isFound(from first: Int) -> Bool { entries[first...].allSatisfy(\.isFound) }

    /// Marks what was not found, from `first` on.
    ///
    /// - Parameters:
    ///   - compacted: topics of which Kafka keeps the newest record of a key, and a tombstone for a while.
    ///   - goingOn: keys that have later records.
    /// - Returns: how many are missing, and how many may be because compaction took them or because nobody can say
    ///   whether they belong here.
    mutating func markMissing(from first: Int, compacted: Set<Int>, goingOn: Set<Key>) -> (missing: Int, undecided: Int) {
        var superseded = goingOn
        var counts = (missing: 0, undecided: 0)
        for index in (first..<count).reversed() {
            let entry = entries[index]
            let isCompacted = compacted.contains(Int(entry.topic))
            let key = Key(topic: entry.topic, key: entry.key)
            if entry.isFound {
                if isCompacted { superseded.insert(key) }
            } else if isCompacted, entry.isTombstone || superseded.contains(key) {
                counts.undecided += 1
                superseded.insert(key)
            } else if entry.repeatability == .none {
                counts.undecided += 1
            } else {
                entries[index].isMissing = true
                counts.missing += 1
            }
        }
        return counts
    }
}

/// What of an event comes out the same when its change stream is read again.
enum Repeatability: UInt8 {
    /// The event with all that it has.
    case whole
    /// The event, but not the document that was looked up for it, or an image that may have expired.
    case event
    /// Not even whether there is one: the pipeline chose it by such a document.
    case none
}

extension StreamSettings {
    /// - Parameter operation: the event's `operationType`.
    func repeatability(of operation: String) -> Repeatability {
        let changes: Bool
        switch operation {
        case "update":
            changes = [.updateLookup, .batchedLookup, .whenAvailable].contains(fullDocument) || fullDocumentBeforeChange == .whenAvailable
        case "replace", "delete": changes = fullDocumentBeforeChange == .whenAvailable
        default: return .whole
        }
        guard changes else { return .whole }
        // A batched lookup comes after the pipeline, the server's own before it.
        let isBehindPipeline = fullDocument == .batchedLookup && fullDocumentBeforeChange != .whenAvailable
        return !isBehindPipeline && pipeline.contains("fullDocument") ? .none : .event
    }
}
