import Kafka
import Logging
import Mongo
import Runtime

/// Compares the newest record of each key with the document that the collection has now.
///
/// The stream may be behind, and documents change while they are read. So what does not fit is asked of the change
/// stream: a key that has an event behind the position that was stored before the topics were read is looked at again,
/// when the stream has come further; every other one is a fault. Used on one thread.
struct DocumentVerification {
    let configuration: BridgeConfiguration
    let settings: StreamSettings
    let admin: KafkaAdmin
    let pool: MongoClientPool
    let deployment: Deployment
    let image: DocumentImage
    let limit: Int
    let stop: StopSignal
    let show: (Verify.Progress) -> Void

    var newest = NewestRecords()
    var suspects: [DocumentIdentity: Suspect] = [:]
    /// By topic and partition: where the next look begins.
    var offsets: [String: [Int32: Int64]] = [:]
    var report: VerifyReport
    private var records = 0

    /// A key whose newest record does not fit.
    struct Suspect {
        var kind: VerifyReport.Finding.Kind
        let namespace: Namespace?
        /// As its records have it; nil until it was found among them.
        var key: String?
    }

    /// A changing document is looked at so often.
    private static let rounds = 3
    /// How long the stream may take to come as far as the documents were read.
    static let catchUpTime: Duration = .seconds(15)

    init(
        _ configuration: BridgeConfiguration, stream: StreamSettings, admin: KafkaAdmin, pool: MongoClientPool, deployment: Deployment,
        limit: Int, stop: StopSignal, show: @escaping (Verify.Progress) -> Void
    ) throws {
        self.configuration = configuration
        settings = stream
        self.admin = admin
        self.pool = pool
        self.deployment = deployment
        self.limit = limit
        self.stop = stop
        self.show = show
        image = try DocumentImage(of: stream)
        guard !deployment.isSharded else {
            throw Halt(
                reason: "records cannot be compared with documents of a sharded cluster, whose keys have the shard key, too",
                remedy: "Leave --documents out to compare the topics with the change stream", status: .configuration)
        }
        report = VerifyReport(
            stream: stream.name, from: "the beginning of the topics", to: "", isolation: Isolation.readCommitted.rawValue,
            allowsRepeats: true)
        report.isOfDocuments = true
    }

    /// Blocks until all is compared, or a stop.
    ///
    /// - Parameter position: reads the stored position.
    mutating func run(position: () throws -> StoredPosition?) throws -> VerifyReport {
        guard var covered = try position()?.position.token, covered.clusterTime != nil else {
            throw Halt(
                reason: "stream \(settings.name) has no stored position, so nothing says how far it has published",
                remedy: "Run the bridge",
                status: .configuration)
        }
        report.to = "\(EventRange.Place.token(covered.text ?? ""))"
        let namespaces = try namespaces()
        report.topics = Set(namespaces.map { TopicName.render(settings.topic, for: $0) }).sorted()
        try readTopics()
        for namespace in namespaces where !stop.isRequested { try readDocuments(of: namespace, after: covered) }
        for identity in newest.unseen { suspects[identity] = Suspect(kind: .notDeleted, namespace: nil, key: nil) }
        try findKeys()

        for round in 1...Self.rounds where !suspects.isEmpty && !stop.isRequested {
            let now = try deployment.clusterTime(pool: pool)
            let changed = try changed(behind: covered, upTo: now)
            settle(except: changed)
            guard !suspects.isEmpty, round < Self.rounds, !stop.isRequested else { break }
            guard let further = try awaitPosition(at: now, position) else { break }
            covered = further
            try lookAgain(after: covered)
        }
        if !suspects.isEmpty, !stop.isRequested {
            report.undecided += suspects.count
            report.notes.append(
                "\(suspects.count) documents have changed since the stored position, which has not come so far: they were not judged. Does the stream run?"
            )
        }
        report.isStopped = stop.isRequested
        return report
    }

    // MARK: Both sides

    private func namespaces() throws -> [Namespace] {
        switch settings.watch {
        case .collection(let namespace): return [namespace]
        case .collections(let namespaces): return namespaces
        case .database(let database): return try collections(of: database)
        case .cluster:
            let reply = try pool.withClient { client throws(MongoError) in
                try client.command(["listDatabases": 1, "nameOnly": true], on: "admin", operation: "list the databases")
            }
            let names = reply["databases"]?.arrayValue?.compactMap { $0.documentValue?["name"]?.stringValue } ?? []
            return try names.filter { !["admin", "local", "config"].contains($0) }.flatMap { try collections(of: $0) }
        }
    }

    private func collections(of database: String) throws -> [Namespace] {
        var names: [String] = []
        _ = try pool.withClient { client throws(MongoError) in
            try client.readAll(
                ["listCollections": 1, "nameOnly": true, "filter": ["type": "collection"]], on: database,
                collection: "$cmd.listCollections", operation: "list the collections of \(database)"
            ) { reply, documents in
                reply.withUnsafeBytes { bytes in
                    names += documents.compactMap { range in
                        (try? BSONDocument(copying: UnsafeRawBufferPointer(rebasing: bytes[range])))?["name"]?.stringValue
                    }
                }
            }
        }
        return names.filter { !$0.hasPrefix("system.") }.sorted().map { Namespace(database: database, collection: $0) }
    }

    /// Takes the records that came since the last call.
    mutating func readTopics() throws {
        for topic in report.topics {
            var ends: [Int32: Int64] = [:]
            var isCut = false
            let known = offsets[topic] ?? [:]
            let isThere = try scan(topic) { partition, offsets in
                ends[partition] = offsets.upperBound
                isCut = isCut || offsets.lowerBound > 0
                return known[partition] ?? offsets.lowerBound
            } take: { found in
                newest.take(found)
                records += 1
                show(.records(records))
            }
            if offsets[topic] == nil {
                if !isThere { report.notes.append("there is no topic \(topic)") }
                if isCut {
                    report.notes.append("\(topic) lost its oldest records to retention: documents whose records went with them are missing")
                }
            }
            offsets[topic] = ends
        }
    }

    private func scan(
        _ topic: String, begin: (Int32, Range<Int64>) -> Int64, take: (NewestRecords.Found) -> Void
    ) throws -> Bool {
        let (stream, image) = (settings.name, image)
        return try TopicReader.scan(
            topic, admin: admin, settings: configuration.kafka, timeout: configuration.startupTimeout, stop: stop,
            waitsForTransactions: true,
            begin: begin, { NewestRecords.Found($0, of: stream, image) },
            take: { found throws(KafkaError) in if let found { take(found) } }) != nil
    }

    /// - Parameter ids: nil for all.
    mutating func readDocuments(of namespace: Namespace, after token: ResumeToken, ids: [BSONValue]? = nil) throws {
        var buffer = OutputBuffer(capacity: 4 << 10)
        let time = token.clusterTime ?? BSONTimestamp(seconds: 1, increment: 0)
        let command: BSONDocument = [
            "find": .string(namespace.collection), "filter": ids.map { ["_id": ["$in": .array($0)]] } ?? [:],
            // Whatever the topics were read up to is in it.
            "readConcern": ["level": "majority", "afterClusterTime": .timestamp(time)],
        ]
        _ = try pool.withClient { client throws(MongoError) in
            try client.readAll(
                command, on: namespace.database, collection: namespace.collection, operation: "read the documents of \(namespace)",
                while: { !stop.isRequested }
            ) { reply, documents in
                reply.withUnsafeBytes { bytes in
                    for document in documents { compare(document, of: bytes.bytes, namespace, isFirstLook: ids == nil, &buffer) }
                }
                show(.documents(report.expected))
            }
        }
    }
}
