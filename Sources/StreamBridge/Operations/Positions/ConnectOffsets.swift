import Kafka
import Mongo

/// The newest offsets of one connector in Kafka Connect's offsets topic.
struct ConnectOffsets {
    /// The newest record of a key.
    struct Entry: Sendable, Equatable {
        let key: ConnectOffsetKey
        /// Nil after a reset of the connector's offsets.
        let value: [UInt8]?
        let coordinates: RecordCoordinates
        /// Milliseconds since 1970.
        let writtenAt: Int64?
    }

    let topic: String
    let connector: String
    /// Of every key that the connector has or had.
    private var entries: [ConnectOffsetKey: Entry] = [:]
    /// The other connectors of the topic.
    private var others: Set<String> = []

    init(of connector: String, in topic: String) {
        self.connector = connector
        self.topic = topic
    }

    /// Takes the records of a partition in their order. A key that is in several partitions, because some were added,
    /// has the value that was written last.
    mutating func take(_ entry: Entry) {
        guard entry.key.connector == connector else {
            others.insert(entry.key.connector)
            return
        }
        if let known = entries[entry.key], known.coordinates.partition != entry.coordinates.partition,
            known.writtenAt ?? 0 > entry.writtenAt ?? 0
        {
            return
        }
        entries[entry.key] = entry
    }

    /// The offset to continue from.
    ///
    /// - Parameter key: which one of several, as the topic has its key.
    /// - Throws: ``WrongUsage`` when nothing of this name is there, or several keys are; ``Halt`` when the offset is no
    ///   position.
    func chosen(_ key: String?) throws -> (entry: Entry, offset: ConnectOffset) {
        let entry = try entry(key)
        guard let value = entry.value else { throw wasReset }
        do {
            return (entry, try ConnectOffset(value: value))
        } catch {
            throw halt(error, at: entry)
        }
    }

    private func entry(_ key: String?) throws -> Entry {
        guard !entries.isEmpty else {
            let unknown = UnknownName(kind: "connector", name: connector, known: others.sorted(), of: "topic \(topic)")
            throw WrongUsage("--connector: \(unknown)")
        }
        // A connector whose name of the partition was changed leaves its old offset behind.
        let live = entries.values.filter { $0.value != nil }.sorted { $0.key.text < $1.key.text }
        if let key {
            guard let entry = entries.values.first(where: { $0.key.text == key }) else {
                throw WrongUsage("--offset-key: connector \(connector.quoted) has no such offset. It has\(list(live))")
            }
            return entry
        }
        guard let only = live.first else { throw wasReset }
        guard live.count == 1 else {
            throw WrongUsage(
                "connector \(connector.quoted) has \(live.count) offsets: its collection or its settings were changed, or it has several tasks. "
                    + "Give the one to continue from with --offset-key:\(list(live))")
        }
        return only
    }

    /// One line for each key, ready for a shell.
    private func list(_ entries: [Entry]) -> String {
        entries.map { entry in
            let time = entry.writtenAt.map { "written \(StoredPosition.iso8601(milliseconds: $0))" } ?? "of unknown age"
            return "\n    \(entry.key.text.shellQuoted.harmlessLine)  \(time), \(contents(of: entry))"
        }.joined()
    }

    private func contents(of entry: Entry) -> String {
        do {
            let offset = try ConnectOffset(value: entry.value ?? [])
            return offset.token.clusterTime.map { "at cluster time \($0.readable)" } ?? "at a token of another form"
        } catch {
            return error == .inSnapshot ? "in the middle of a snapshot" : "without a resume token"
        }
    }

    // MARK: Refusals

    private var wasReset: Halt {
        Halt(
            reason: "connector \(connector.quoted) has no offset in topic \(topic): its offsets were reset",
            remedy: "Nothing was changed. Begin without a position: `startAt`, or `snapshot: initial` for the documents that are there",
            status: .configuration)
    }

    private func halt(_ reason: ConnectOffset.Unusable, at entry: Entry) -> Halt {
        let offset = "the newest offset of connector \(connector.quoted), \(topic)/\(entry.coordinates),"
        switch reason {
        case .inSnapshot:
            return Halt(
                reason: "\(offset) is in the middle of its snapshot and has no place where the events continue",
                remedy:
                    "Nothing was changed. Set `snapshot: initial`: a stream without a position then copies the documents that are there itself",
                status: .configuration)
        case .otherForm:
            return Halt(
                reason: "\(offset) is not one of a connector that reads MongoDB",
                remedy: "Nothing was changed. MongoDB's source connector and Debezium's for MongoDB are known", status: .configuration)
        case .noToken(let writer):
            return Halt(
                reason: "\(offset) is one of \(writer.rawValue) without a resume token",
                remedy:
                    "Nothing was changed. `bridge positions set` takes a time: one before the connector's last event repeats some events",
                status: .configuration)
        }
    }
}
