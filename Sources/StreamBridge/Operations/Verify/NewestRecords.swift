import Kafka
import Mongo
import Runtime

/// What the newest record of each key says: some 100 bytes for each key, however large its document is.
struct NewestRecords {
    /// A record while it is being looked at.
    struct Found {
        let identity: DocumentIdentity?
        let namespace: String
        let operation: String
        /// Packed cluster time.
        let time: UInt64
        let partition: Int32
        let content: DocumentImage.Content
    }

    private struct Entry {
        var content: DocumentImage.Content
        var time: UInt64
        var partition: Int32
        let namespace: UInt32
        var isSeen = false
    }

    private var entries: [DocumentIdentity: Entry] = [:]
    private var namespaces: [ByteEqualString: UInt32] = [:]
    /// By namespace: when its collection was last dropped or renamed, which says of every key before that its document
    /// is gone.
    private var cleared: [UInt32: UInt64] = [:]

    var count: Int { entries.count }

    mutating func take(_ record: Found) {
        let name = ByteEqualString(record.namespace)
        let namespace = namespaces[name] ?? UInt32(namespaces.count)
        namespaces[name] = namespace
        guard let identity = record.identity else {
            if ["drop", "rename"].contains(record.operation) { cleared[namespace] = max(cleared[namespace] ?? 0, record.time) }
            return
        }
        // A key is in one partition unless partitions were added; then the times tell which record is newer.
        if let known = entries[identity], known.partition != record.partition, known.time > record.time { return }
        entries[identity] = Entry(content: record.content, time: record.time, partition: record.partition, namespace: namespace)
    }

    /// What the topics say of a key; it counts as looked at from now on.
    mutating func look(at identity: DocumentIdentity) -> DocumentImage.Content {
        guard let entry = entries[identity] else { return .absent }
        entries[identity]?.isSeen = true
        return content(of: entry)
    }

    /// Lets a key count as not looked at.
    mutating func forget(look identity: DocumentIdentity) { entries[identity]?.isSeen = false }

    /// Whether a key has a document as far as the topics say, and nobody has looked at it.
    func hasUnseenDocument(_ identity: DocumentIdentity) -> Bool { entries[identity].map(isUnseen) ?? false }

    /// The keys that have a document as far as the topics say, and that nobody has looked at.
    var unseen: [DocumentIdentity] {
        entries.filter { isUnseen($0.value) }.map(\.key)
    }

    private func isUnseen(_ entry: Entry) -> Bool {
        guard !entry.isSeen, case .document = content(of: entry) else { return false }
        return true
    }

    private func content(of entry: Entry) -> DocumentImage.Content {
        cleared[entry.namespace].map { entry.time < $0 } ?? false ? .absent : entry.content
    }
}

extension NewestRecords.Found {
    /// Nil for a record of another stream. Replays and snapshots count: a reader of the topic sees them.
    init?(_ record: borrowing TopicReader.Record, of stream: String, _ image: DocumentImage) {
        guard record.header("bridge.stream") == stream else { return nil }
        namespace = record.header("mongodb.ns") ?? ""
        operation = record.header("mongodb.op") ?? ""
        time = record.header("mongodb.token").flatMap { ResumeToken(text: $0).clusterTime }?.packed ?? 0
        partition = record.partition
        identity = record.key.map { [namespace] key in key.withUnsafeBytes { DocumentIdentity(namespace: namespace, key: $0) } }
        content = record.withValue { [operation] in image.content(of: $0, operation: operation) }
    }
}
