import Mongo
import Runtime

/// What a copy of a topic's range is, and how far it has come: the value of its record in the topic
/// `bridge.<name>.replays`.
struct TopicCopyRecord: Sendable {
    /// Of one partition, in offsets.
    struct Stretch: Sendable, Equatable {
        let start: Int64
        /// Behind the last one that belongs to it.
        let end: Int64
        /// The first one that was not looked at.
        var next: Int64

        init(_ offsets: Range<Int64>) {
            start = offsets.lowerBound
            end = offsets.upperBound
            next = start
        }

        init?(_ document: BSONDocument) {
            guard let start = document["start"]?.countValue, let end = document["end"]?.countValue, let next = document["next"]?.countValue,
                start <= next, next <= end
            else { return nil }
            self.start = start
            self.end = end
            self.next = next
        }
    }

    private static let version: Int32 = 1

    let id: String
    let source: String
    let target: String
    /// As ``KeyFilter`` reads it; nil for every record.
    let key: String?
    /// `user@host`
    let by: String
    /// Milliseconds since 1970.
    let startedAt: Int64
    var stretches: [Int32: Stretch]
    /// Each record goes to the partition that it comes from; otherwise where its key belongs. Decided once: when
    /// partitions are added meanwhile, a key's later records still go where its earlier ones went.
    var keepsPartitions = false
    /// Records copied so far.
    var copied: Int64 = 0
    var state = ReplayState.running

    init(id: String, source: String, target: String, key: String?, by: String, startedAt: Int64, stretches: [Int32: Stretch]) {
        self.id = id
        self.source = source
        self.target = target
        self.key = key
        self.by = by
        self.startedAt = startedAt
        self.stretches = stretches
    }

    /// Nil for the record of another kind of replay.
    init?(_ document: BSONDocument) {
        guard document["version"]?.int64Value == Int64(Self.version), let id = document["id"]?.stringValue,
            let source = document["source"]?.stringValue, let target = document["topic"]?.stringValue,
            let partitions = document["partitions"]?.documentValue, let keepsPartitions = document["keepsPartitions"]?.booleanValue,
            let state = document["state"]?.stringValue.flatMap(ReplayState.init(rawValue:)),
            let copied = (document["events"] ?? 0).countValue
        else { return nil }
        self.id = id
        self.source = source
        self.target = target
        self.state = state
        self.keepsPartitions = keepsPartitions
        key = document["key"]?.stringValue
        by = document["by"]?.stringValue ?? ""
        startedAt = document["startedAt"]?.stringValue.flatMap(StoredPosition.milliseconds(fromISO8601:)) ?? 0
        self.copied = copied
        stretches = [:]
        for name in partitions.keys {
            guard let partition = Int32(name), partition >= 0, "\(partition)" == name,
                let stretch = partitions[name]?.documentValue.flatMap(Stretch.init)
            else { return nil }
            stretches[partition] = stretch
        }
    }

    /// One line of JSON.
    var json: [UInt8] {
        var partitions: BSONDocument = [:]
        for (partition, stretch) in stretches.sorted(by: { $0.key < $1.key }) {
            partitions.append("\(partition)", ["start": .int64(stretch.start), "end": .int64(stretch.end), "next": .int64(stretch.next)])
        }
        let document: BSONDocument = [
            "version": .int32(Self.version), "id": .string(id), "source": .string(source), "topic": .string(target),
            "key": key.map { .string($0) } ?? .null, "keepsPartitions": .boolean(keepsPartitions), "partitions": .document(partitions),
            "events": .int64(copied), "by": .string(by),
            "startedAt": .string(StoredPosition.iso8601(milliseconds: startedAt)),
            "writtenAt": .string(StoredPosition.iso8601(milliseconds: WallClock.milliseconds())), "state": .string(state.rawValue),
        ]
        return document.jsonLine
    }

    /// How much of the range lies behind, from 0 to 1; nil for an empty one.
    var fraction: Double? {
        // As fractions, whose sums do not overflow.
        let length = stretches.values.reduce(0.0) { $0 + Double($1.end - $1.start) }
        return length > 0 ? min(1, stretches.values.reduce(0.0) { $0 + Double($1.next - $1.start) } / length) : nil
    }

    /// Whether both are of one copy, however far each has come.
    func isSameReplay(as other: TopicCopyRecord) -> Bool {
        (id, source, target, key, by, startedAt) == (other.id, other.source, other.target, other.key, other.by, other.startedAt)
            && stretches.mapValues { [$0.start, $0.end] } == other.stretches.mapValues { [$0.start, $0.end] }
    }

    /// Changes whenever the copy gets further.
    var place: String { stretches.sorted { $0.key < $1.key }.map { "\($0.key)/\($0.value.next)" }.joined(separator: " ") }
}
