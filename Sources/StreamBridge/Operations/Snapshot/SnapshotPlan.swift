import Mongo

/// What somebody asks a snapshot to copy, as far as the configuration can tell.
struct SnapshotPlan: Sendable {
    private let stream: StreamSettings
    /// Empty for all that the stream watches.
    private let named: [Namespace]
    private let filter: String?

    /// - Throws: ``WrongUsage`` naming the option and what is wrong with it.
    init(_ request: Snapshots.Request, bridge: String) throws(WrongUsage) {
        stream = request.stream
        filter = request.filter
        var named: [Namespace] = []
        for text in request.collections {
            let namespace = try Self.namespace(text, of: request.stream)
            if !named.contains(namespace) { named.append(namespace) }
        }
        self.named = named
        if let filter = request.filter {
            do throws(ConfigurationComplaint) {
                _ = try PipelineText.query(json: filter)
            } catch {
                throw WrongUsage("--filter", error)
            }
        }
        if let topic = request.topic { _ = try request.stream.publishing(to: topic, bridge: bridge) }
    }

    private static func namespace(_ text: String, of stream: StreamSettings) throws(WrongUsage) -> Namespace {
        let namespace: Namespace
        do throws(ConfigurationComplaint) {
            namespace = try Namespace(parsing: text)
        } catch {
            throw WrongUsage("--collection", error)
        }
        guard stream.watch.includes(namespace) else {
            throw WrongUsage(
                "--collection: stream \(stream.name) does not watch \(namespace), so its events would be missing behind the copy; it watches "
                    + "\(stream.watch)")
        }
        return namespace
    }

    /// What the server says about it.
    struct Look: Sendable {
        /// Empty when the stream's leader lists them.
        let parts: [SnapshotRecord.Part]
        let remarks: [StreamRemark]
    }

    /// - Throws: ``MongoError``.
    func look(on deployment: Deployment, pool: MongoClientPool) throws(MongoError) -> Look {
        let scope: WatchScope = named.isEmpty ? stream.watch : .collections(named)
        let found: WatchedCollections
        switch try SnapshotReview.look(at: scope, deployment: deployment, pool: pool) {
        case .refused(let fault): return Look(parts: [], remarks: [fault])
        case .found(let collections): found = collections
        }
        var remarks = StreamReview.strangers(to: scope, in: found)
        remarks += try SnapshotReview.remarks(named: named, filters: filters(of: found), with: found, pool: pool)
        remarks += StreamReview.missing(of: .collections(named), in: found).map {
            .warning(
                .streamNoCollection, "there is no collection \($0), so nothing of it is copied",
                remedy: "Is its name right? Otherwise nothing")
        }
        guard !remarks.contains(where: \.isFault) else { return Look(parts: [], remarks: remarks) }
        var parts: [SnapshotRecord.Part] = []
        for namespace in named { parts.append(try part(of: namespace, pool)) }
        return Look(parts: parts, remarks: remarks)
    }

    private func filter(for namespace: Namespace) -> String? { filter ?? stream.snapshot.filters[namespace] }

    /// Those to try. One for all collections is tried on one of them.
    private func filters(of found: WatchedCollections) -> [(namespace: Namespace, query: String)] {
        let there = found.copied
        let filtered = named.isEmpty && filter != nil ? Array(there.prefix(1)) : there
        return filtered.compactMap { namespace in filter(for: namespace).map { (namespace, $0) } }
    }

    private func part(of namespace: Namespace, _ pool: MongoClientPool) throws(MongoError) -> SnapshotRecord.Part {
        var part = SnapshotRecord.Part(namespace, filter: filter(for: namespace))
        // By the metadata, without a look at the documents.
        part.estimated =
            try pool.withClient { client throws(MongoError) in
                try client.command(
                    ["count": .string(namespace.collection)], on: namespace.database, operation: "count the documents of \(namespace)")
            }["n"]?.int64Value ?? 0
        return part
    }
}
