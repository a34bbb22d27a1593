import Kafka
import Logging
import Mongo
import Runtime

/// The snapshot of a session, if one runs or is to begin.
extension StreamLoop {
    /// - Parameter stored: where the stream is; nil for one that begins.
    /// - Throws: ``Halt`` where the server cannot read snapshots; ``MongoError``, ``KafkaError``, ``Stopped``.
    func snapshotRun(after stored: StreamPosition?, publisher: any RecordPublisher) throws -> SnapshotRun? {
        guard var record = try snapshotRecord(after: stored) else { return nil }
        if record.parts.isEmpty { try reviewSnapshot() }
        record.parts = try list(record).map { part in
            var part = part
            if !settings.watch.includes(part.namespace), part.state != .done { part.state = .ended }
            return part
        }
        try dependencies.topics.ensure(
            dependencies.snapshots.topic, partitions: 1, config: dependencies.topics.configOfCompacted, timeout: Self.answerTime)
        let queries = try queries(of: record)
        let current = record.current ?? record.parts.count
        let copier = SnapshotCopier(
            queries, from: current, after: record.current.flatMap { record.parts[$0].after },
            guardian: CollectionGuard(record.parts.map { ($0.namespace, $0.uuid) }), pool: dependencies.pool,
            cursors: settings.snapshot.cursors, chunkBytes: min(Self.mostChunkBytes, dependencies.memory.batchBytes), status: status,
            wake: publisher.wake)
        var copied = settings
        if let topic = record.topic { copied.topic = try TextTemplate(parsing: topic) }
        let pump = SnapshotPump(
            settings: copied, id: record.id, replicaSet: dependencies.deployment.replicaSet, publisher: publisher,
            isCompacted: dependencies.topics.keepsOnlyNewest
        ) { name in
            try InternalTopics.refuse(name, of: self.dependencies.bridge)
            try self.dependencies.topics.ensure(name, timeout: Self.answerTime)
            return try publisher.topic(name)
        }
        return SnapshotRun(
            record, queries: queries, copier: copier, pump: pump, publisher: publisher,
            ledger: try publisher.topic(dependencies.snapshots.topic), status: status)
    }

    /// The one that runs, as far as it is, or a new one for a stream that begins with one.
    private func snapshotRecord(after stored: StreamPosition?) throws -> SnapshotRecord? {
        let known = try dependencies.snapshots.records(of: settings.name, timeout: Self.answerTime, waiting)
        if var running = known.last(where: { $0.state == .running }) {
            running.apply(stored?.snapshot)
            return running
        }
        if let progress = stored?.snapshot, !known.contains(where: { $0.id == progress.id }) {
            logger.warning("snapshot \(progress.id) is not in topic \(dependencies.snapshots.topic) any more, so it does not continue")
        }
        guard stored == nil, settings.snapshot.when == .initial else { return nil }
        return SnapshotRecord(id: SnapshotRecord.makeID(), stream: settings.name, by: dependencies.instance, why: "snapshot: initial")
    }

    /// What cannot be copied halts, and what is left out is told.
    private func reviewSnapshot() throws {
        let (settings, deployment, pool) = (settings, dependencies.deployment, dependencies.pool)
        let remarks = try heartbeat.resting {
            try ask("what the snapshot can copy") { try SnapshotReview.remarks(on: settings, deployment: deployment, pool: pool) }
        }
        try StreamReview.tell(remarks, to: logger)
    }

    private func list(_ record: SnapshotRecord) throws -> [SnapshotRecord.Part] {
        let (pool, watch, filters) = (dependencies.pool, settings.watch, settings.snapshot.filters)
        return try heartbeat.resting {
            try ask("what the snapshot copies") {
                try SnapshotListing(of: record, scope: watch, filters: filters, pool: pool).parts
            }
        }
    }

    private func queries(of record: SnapshotRecord) throws -> [SnapshotQuery] {
        let stages = try settings.stages()
        return try record.parts.map { part in
            let filter: BSONDocument?
            do {
                filter = try part.filter.map { try BSONDocument(extendedJSON: $0) }
            } catch {
                throw Halt(
                    reason: "the filter of \(part.namespace) in snapshot \(record.id) is no query: \(error)",
                    remedy: "`bridge snapshot stop \(settings.name)`, and begin another one", status: .configuration)
            }
            let (pool, namespace) = (dependencies.pool, part.namespace)
            let shardKey =
                dependencies.deployment.isSharded
                ? try heartbeat.resting { try ask("the shard key") { try SnapshotListing.shardKey(of: namespace, pool: pool) } } : []
            return SnapshotQuery(namespace: part.namespace, filter: filter, stages: stages, shardKey: shardKey)
        }
    }

    /// A chunk that is aimed at.
    private static let mostChunkBytes = 1 << 20
}
