import Kafka
import Mongo
import Runtime

extension DocumentVerification {
    mutating func compare(
        _ document: Range<Int>, of bytes: RawSpan, _ namespace: Namespace, isFirstLook: Bool, _ buffer: inout OutputBuffer
    ) {
        // A document of a collection has an `_id`.
        guard let key = image.key(of: document, in: bytes) else { return }
        let identity = key.withUnsafeBytes { DocumentIdentity(namespace: "\(namespace)", key: $0) }
        let content = newest.look(at: identity)
        let kind: VerifyReport.Finding.Kind? =
            switch content {
            case .absent: .missing
            case .unknown: nil
            case .document: content == image.content(of: bytes, at: document, &buffer) ? nil : .different
            }
        suspects[identity] = kind.map { Suspect(kind: $0, namespace: namespace, key: String(decoding: key, as: UTF8.self)) }
        guard isFirstLook else { return }
        report.expected += 1
        switch content {
        case .absent: break
        case .unknown:
            report.found += 1
            report.undecided += 1
        case .document:
            report.found += 1
            report.compared += 1
        }
    }

    /// Counts and lists those of the suspects that are faults.
    mutating func settle(except changed: Set<DocumentIdentity>) {
        for (identity, suspect) in suspects where !changed.contains(identity) {
            switch suspect.kind {
            case .missing: report.missing += 1
            case .notDeleted: report.notDeleted += 1
            default: report.different += 1
            }
            guard report.findings.count(where: { $0.kind == suspect.kind }) < limit else { continue }
            let topic = suspect.namespace.map { TopicName.render(settings.topic, for: $0) } ?? report.topics.joined(separator: ", ")
            report.findings.append(VerifyReport.Finding(kind: suspect.kind, topic: topic, key: suspect.key))
        }
        suspects = suspects.filter { changed.contains($0.key) }
    }

    /// The suspects that have, or may have, an event behind `token`, so that nobody can expect their newest record to
    /// fit.
    func changed(behind token: ResumeToken, upTo now: BSONTimestamp?) throws -> Set<DocumentIdentity> {
        guard let now else { return Set(suspects.keys) }
        var plain = settings
        // The keys are enough.
        plain.fullDocument = .default
        plain.fullDocumentBeforeChange = .off
        var changed: Set<DocumentIdentity> = []
        let suspects = suspects
        let inspector = RecordInspector(client: admin.client) { batch, _ in
            for record in batch.records {
                let namespace = batch.header("mongodb.ns", of: record)
                let identity = batch.withKeyAndValue(of: record) { key, _ in key.map { DocumentIdentity(namespace: namespace, key: $0) } }
                if let identity {
                    if suspects[identity] != nil { changed.insert(identity) }
                } else {
                    // The whole collection was dropped or renamed.
                    for (identity, suspect) in suspects where suspect.namespace?.description == namespace { changed.insert(identity) }
                }
            }
        }
        let range = EventRange(start: .after(token), from: .token(token.text ?? ""), to: .time(now), newest: now)
        let route = RangeReader.Route(
            range: range, settings: plain, replicaSet: deployment.replicaSet, publisher: inspector, leaveOut: { _ in })
        let reader = RangeReader(route) { try inspector.topic($0) }
        let memory = StreamMemory(limit: configuration.limits.memory, streams: 1)
        let source = RangeReader.Source(
            options: try ChangeStreamOptions(plain, on: deployment), start: range.start, pool: pool, batchBytes: memory.batchBytes,
            patience: configuration.startupTimeout)
        // After a stop nobody knows what else has changed.
        return try reader.run(source, stop: stop) { _ in true } ? changed : Set(suspects.keys)
    }

    /// Waits until the stream has stored a position that covers `time`.
    ///
    /// - Returns: nil when it does not come that far in time.
    func awaitPosition(at time: BSONTimestamp?, _ position: () throws -> StoredPosition?) throws -> ResumeToken? {
        let deadline = ContinuousClock.now + min(Self.catchUpTime, configuration.startupTimeout)
        var backoff = Backoff(initial: .milliseconds(100), cap: .seconds(1))
        while true {
            if let token = try position()?.position.token, let reached = token.clusterTime, let time, reached >= time { return token }
            if .now >= deadline || stop.wait(for: backoff.next()) { return nil }
        }
    }

    /// Looks at the suspects once more, with what the topics and the collections have now.
    mutating func lookAgain(after token: ResumeToken) throws {
        try readTopics()
        let again = suspects
        suspects = [:]
        for identity in again.keys { newest.forget(look: identity) }
        let byNamespace = Dictionary(grouping: again.values) { $0.namespace }
        for (namespace, suspects) in byNamespace {
            guard let namespace else { continue }
            let ids = suspects.compactMap { $0.key.flatMap { image.id(inKey: $0) } }
            for start in stride(from: 0, to: ids.count, by: 1000) where !stop.isRequested {
                try readDocuments(of: namespace, after: token, ids: Array(ids[start..<min(start + 1000, ids.count)]))
            }
        }
        // Those whose document is not there any more were not compared.
        for (identity, suspect) in again where suspects[identity] == nil && newest.hasUnseenDocument(identity) {
            suspects[identity] = Suspect(kind: .notDeleted, namespace: suspect.namespace, key: suspect.key)
        }
    }

    /// Finds the keys of suspects that only records know, by reading the topics once more.
    mutating func findKeys() throws {
        let wanted = Set(suspects.filter { $0.value.key == nil }.keys)
        guard !wanted.isEmpty else { return }
        let stream = settings.name
        for topic in report.topics {
            try TopicReader.scan(
                topic, admin: admin, settings: configuration.kafka, timeout: configuration.startupTimeout, stop: stop,
                waitsForTransactions: true,
                { record -> (DocumentIdentity, Suspect)? in
                    guard record.header("bridge.stream") == stream, let key = record.key, let name = record.header("mongodb.ns") else {
                        return nil
                    }
                    let identity = key.withUnsafeBytes { DocumentIdentity(namespace: name, key: $0) }
                    guard wanted.contains(identity) else { return nil }
                    return (
                        identity,
                        Suspect(kind: .notDeleted, namespace: try? Namespace(parsing: name), key: String(decoding: key, as: UTF8.self))
                    )
                },
                take: { found throws(KafkaError) in if let found { suspects[found.0] = found.1 } })
        }
    }
}
