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
        let isNew = record.parts.isEmpty
        do {
            if isNew { try reviewSnapshot() }
            record.parts = try list(record).map { part in
                var part = part
                if !settings.watch.includes(part.namespace), part.state != .done { part.state = .ended }
                return part
            }
        } catch let halt as Halt where record.by != dependencies.instance {
            // Somebody asked for it; the stream has nothing to do with that.
            record.reason = "\(halt)"
            record.parts = []
        }
        try dependencies.topics.ensure(
            dependencies.snapshots.topic, partitions: 1, config: dependencies.topics.configOfCompacted, timeout: Self.answerTime)
        let work = try work(of: record)
        let copier = SnapshotCopier(
            work.map(\.query), after: record.current.flatMap { record.parts[$0].after },
            guardian: CollectionGuard(work.map { ($0.query.namespace, record.parts[$0.part].uuid) }), pool: dependencies.pool,
            cursors: settings.snapshot.cursors, chunkBytes: min(Self.maxChunkBytes, dependencies.memory.batchBytes), status: status,
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
            record, work: work, copier: copier, pump: pump, publisher: publisher,
            isAtomic: settings.delivery == .exactlyOnce, ledger: try publisher.topic(dependencies.snapshots.topic), status: status)
    }

    /// The one that runs, as far as it is, or a new one for a stream that begins with one.
    private func snapshotRecord(after stored: StreamPosition?) throws -> SnapshotRecord? {
        let known = try dependencies.snapshots.records(of: settings.name, timeout: Self.answerTime, waiting)
        if var running = known.last(where: { $0.state == .running }) {
            running.apply(stored?.snapshot)
            return running
        }
        if let ended = known.last(where: { $0.id == status.snapshot.documentSnapshot?.record.id }) { status.snapshot(ended) }
        if let progress = stored?.snapshot, !known.contains(where: { $0.id == progress.id }) {
            logger.warning("snapshot \(progress.id) is not in topic \(dependencies.snapshots.topic) any more, so it does not continue")
        }
        guard stored == nil, settings.snapshot.when == .initial else { return nil }
        return SnapshotRecord(id: MomentID.make(), stream: settings.name, by: dependencies.instance, why: "snapshot: initial")
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
            try ask("what the snapshot copies", within: Self.listingTime) {
                try SnapshotListing(of: record, scope: watch, filters: filters, pool: pool).parts
            }
        }
    }

    /// The parts that are not done, the one that is being copied first.
    private func work(of record: SnapshotRecord) throws -> [SnapshotRun.Work] {
        let stages = try settings.stages()
        let parts =
            record.parts.indices.filter { record.parts[$0].state == .running }
            + record.parts.indices.filter { record.parts[$0].state == .waiting }
        return try parts.map { index in
            let part = record.parts[index]
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
            return SnapshotRun.Work(
                part: index,
                query: SnapshotQuery(
                    namespace: namespace, filter: filter, stages: stages, shardKey: shardKey,
                    hidesValues: settings.fields != nil && (filter != nil || !stages.isEmpty)))
        }
    }

    /// A cluster may have many collections, which are asked one by one.
    private static let listingTime: Duration = .seconds(300)
    /// A chunk that is aimed at.
    private static let maxChunkBytes = 1 << 20
}
