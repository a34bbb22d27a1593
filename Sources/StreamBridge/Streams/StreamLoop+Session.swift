import Kafka
import Logging
import Mongo
import Runtime
import Synchronization

/// One session of a stream: from what is looked at first to the last batch.
extension StreamLoop {
    /// Looks at what the stream watches before it is opened: what cannot work halts, and what was probably not meant is
    /// told.
    func review() throws -> ScopeWatch {
        let (pool, scope, topics) = (dependencies.pool, settings.watch, dependencies.topics)
        try StreamReview.tell(PipelineReview.remarks(on: settings), to: logger)
        // A cluster may have many databases, which are asked one by one: the stream does not wait for them.
        if scope == .cluster {
            return ScopeWatch(of: scope, found: nil, pool: pool) { [settings, logger] found throws(Halt) in
                try StreamReview.tell(StreamReview.remarks(on: settings, with: found, isCompacted: topics.keepsOnlyNewest), to: logger)
            }
        }
        let found = try heartbeat.resting {
            try ask("which collections there are") { try WatchedCollections.find(of: scope, pool: pool) }
        }
        if let found {
            try StreamReview.tell(StreamReview.remarks(on: settings, with: found, isCompacted: topics.keepsOnlyNewest), to: logger)
        }
        return ScopeWatch(of: scope, found: found, pool: pool)
    }

    /// Fence, read the position, open, pump (rule 1).
    ///
    /// - Parameter lost: the position to continue past, if it is still the stored one.
    func session(in term: StreamLeadership.Term, past lost: LostPosition?, _ scope: ScopeWatch) throws {
        try ensurePositionsTopic()
        let publisher = try makePublisher(term)

        try term.check()
        try publisher.fence()
        let stored: StoredPosition?
        do {
            stored = try dependencies.positions.read(stream: settings.name, timeout: Self.answerTime, waiting)
        } catch is Stopped {
            // Nothing was published.
            return
        }
        status.published(0)
        // Somebody may have set another one meanwhile.
        let lost = lost.flatMap { $0.position.token == stored?.position.token ? $0 : nil }
        let start = try lost.map { try place(past: $0) } ?? startPoint(after: stored)
        var position = stored?.position
        // Nothing of a transaction that was open at the lost position follows.
        if lost != nil { position?.transaction = nil }
        status.resumed(after: position)
        if let position {
            // What the first session began at is of no account any more.
            first.withLock { $0 = nil }
            // Behind a lost one the stream may also go back: to the time that a deployment was restored to.
            if lost == nil { publisher.resume(after: position) }
        }
        if lost == nil, var stored {
            // As it is, but for who leads: what changed since it was stored is still to be seen.
            stored.writer = dependencies.instance
            stored.writtenAt = WallClock.milliseconds()
            try publisher.claim(stored)
        }

        let snapshot = try snapshotRun(after: position, publisher: publisher)
        // Of one that does not run any more.
        if snapshot == nil { position?.snapshot = nil }
        let handoff = BatchHandoff<ChangeStreamReader.Batch>(
            maximumBytes: dependencies.memory.handoffBytes, maximumItems: 4, wakeTaker: publisher.wake)
        let reader = ChangeStreamReader(
            pool: dependencies.pool, options: options, isSharded: dependencies.deployment.isSharded, handoff: handoff,
            batchBytes: dependencies.memory.batchBytes, snapshot: snapshot?.copier, status: status, stop: dependencies.stop,
            heartbeat: dependencies.loops.heartbeat(of: "read \(settings.name)"))
        let thread = reader.start(at: start, thread: "read \(settings.name)")
        let copying = snapshot?.copier.start(thread: "copy \(settings.name)") ?? []
        defer {
            handoff.close()
            reader.leave(thread)
            snapshot?.copier.leave(copying)
        }

        do {
            try status.measuring(load(of: handoff, publisher.unacknowledged)) {
                try dependencies.stop.waking(publisher.wake) { () throws in
                    try term.waking(publisher.wake) {
                        try pump(
                            from: handoff, of: reader, to: publisher, in: term, after: position, past: lost, at: start, scope, snapshot)
                    }
                }
            }
        } catch let error as MongoError {
            let deployment = dependencies.deployment
            let pool = dependencies.pool
            let heartbeat = heartbeat
            let lost = status.position.flatMap { position in
                LostPosition(
                    position, error: error, changed: stored?.position.token == position.token ? stored?.changes(of: settings) : nil,
                    oplog: {
                        try heartbeat.resting {
                            try ask("how far the oplog goes back") { try deployment.oplogWindow(pool: pool) }
                        }
                    })
            }
            throw lost ?? error
        }
    }

    /// What a session has in its hands.
    private func load(
        of handoff: BatchHandoff<ChangeStreamReader.Batch>, _ unacknowledged: @escaping @Sendable () -> Int
    ) -> @Sendable () -> StreamLoad {
        return {
            let load = handoff.load
            return StreamLoad(
                events: load.count, bytes: load.bytes, limitBytes: handoff.maximumBytes, unacknowledged: unacknowledged())
        }
    }

    /// Publishes batch after batch until a stop; then waits until everything is acknowledged and its position stored.
    private func pump(
        from handoff: BatchHandoff<ChangeStreamReader.Batch>, of reader: ChangeStreamReader, to publisher: any RecordPublisher,
        in term: StreamLeadership.Term, after stored: StreamPosition?, past lost: LostPosition?, at start: ChangeStreamOptions.Start,
        _ scope: ScopeWatch, _ snapshot: SnapshotRun?
    ) throws {
        let lookup =
            settings.fullDocument == .batchedLookup
            ? DocumentLookup(pool: dependencies.pool, status: status, stop: dependencies.stop, heartbeat: heartbeat) : nil
        var pump = EventPump(
            settings: settings, replicaSet: dependencies.deployment.replicaSet, publisher: publisher, lookup: lookup, after: stored,
            took: { [status] counts in
                status.took(counts)
                scope.took(counts)
            },
            isCompacted: dependencies.topics.keepsOnlyNewest
        ) { name in
            try InternalTopics.refuse(name, of: self.dependencies.bridge)
            try self.dependencies.topics.ensure(name, timeout: Self.answerTime)
            return try publisher.topic(name)
        }
        var isUnstored = stored == nil
        var gap = try lost.map { try LostPositionRecovery(past: $0, at: start, topic: publisher.topic(gapsTopic)) }
        do {
            try snapshot?.begin(with: &pump)
            while !dependencies.stop.isRequested {
                status.logProgress()
                try term.check()
                try scope.look()
                if let batch = try handoff.take() {
                    if let closing = gap {
                        guard closing.isProven(by: batch) else { continue }
                        let record = try closing.publish(to: publisher, &pump, stream: settings.name)
                        status.skipped(record, policy: settings.onLostPosition, topic: gapsTopic)
                        gap = nil
                    }
                    try pump.publish(batch)
                    if isUnstored, let token = batch.token {
                        // Without a stored position, `now` would be another moment after a crash or an error. So the
                        // first one is stored before anything is published, and until it is, remembered.
                        if batch.events == nil { first.withLock { $0 = $0 ?? .after(token) } }
                        guard try publisher.finish(within: nil) else { throw Stopped() }
                        isUnstored = false
                    }
                    if let snapshot, let mark = batch.snapshotMark {
                        try snapshot.publish(mark: mark, behind: &pump, isAwaited: { handoff.waiting > 0 }) { time in
                            try term.check()
                            try reader.watch()
                            try publisher.serve(timeout: time)
                            return !dependencies.stop.isRequested
                        }
                    }
                    try snapshot?.look(&pump, at: batch.isBetweenTransactions ? batch.token : nil)
                    if handoff.isEmpty { try publisher.endLinger(isCaughtUp: !batch.isFull) }
                    try publisher.serve(timeout: .zero)
                } else {
                    try reader.watch()
                    try publisher.serve(timeout: publisher.nextDeadline.map { max(.zero, $0 - .now) } ?? Self.longestWait)
                }
            }
        } catch {
            // What was published before the error is still covered, and a halt may last: store its position while Kafka
            // answers. Not when the lead has gone without waiting for this: somebody else may have stored another one
            // meanwhile.
            if !(error is NotLeading) || term.maySettle() { _ = try? publisher.finish(within: Self.settlingTime) }
            throw error
        }
        guard try publisher.finish(within: nil) else { throw Stopped() }
    }

    /// With nothing due, the thread still looks around this often; every event, batch and stop wakes it before.
    private static let longestWait: Duration = .seconds(5)
    /// How long a session that failed waits for the acknowledgements of what it had sent.
    private static let settlingTime: Duration = .seconds(2)

    private func makePublisher(_ term: StreamLeadership.Term) throws -> any RecordPublisher {
        let isTransactional = settings.delivery == .exactlyOnce
        let properties = try ProducerProperties.make(
            dependencies.kafka, memory: dependencies.memory,
            transactional: isTransactional ? .stream(settings.name, of: dependencies.bridge) : nil)
        let producer = try KafkaProducer(
            properties: properties, queueBytes: ProducerProperties.queueBytes(dependencies.kafka, memory: dependencies.memory),
            heartbeat: heartbeat, logger: logger)
        let topic = dependencies.positions.topic
        return isTransactional
            ? try TransactionalPublisher(
                producer: producer, positionsTopic: topic, identity: identity, term: term,
                transactionTimeout: ProducerProperties.transactionTimeout(properties), status: status, stop: dependencies.stop)
            : try AtLeastOncePublisher(
                producer: producer, positionsTopic: topic, identity: identity, term: term, status: status, stop: dependencies.stop)
    }

    private var identity: StreamIdentity {
        StreamIdentity(
            stream: settings.name, options: StoredPosition.definitionHash(of: settings), replicaSet: dependencies.deployment.replicaSet,
            writer: dependencies.instance)
    }

    /// Asks MongoDB something beside the change stream. A server that does not answer holds neither the loop nor a stop
    /// up.
    func ask<Answer: Sendable>(
        _ question: String, within limit: Duration = BoundedCallLimits.answer, _ body: @escaping @Sendable () throws -> Answer
    ) throws -> Answer {
        try BoundedCall.make(
            of: dependencies.pool, "find out \(question)", within: limit, stop: dependencies.stop, isSlow: { status.mongoFailed($0) }, body)
    }

    /// Where to open the stream instead of at a lost position. The topic for the gap's record comes first: without it
    /// nothing is skipped.
    private func place(past lost: LostPosition) throws -> ChangeStreamOptions.Start {
        try dependencies.topics.ensure(gapsTopic, partitions: 1, config: GapRecord.topicSettings, timeout: Self.answerTime)
        guard settings.onLostPosition == .oldest else { return .now }
        let (deployment, pool) = (dependencies.deployment, dependencies.pool)
        let oplog = try heartbeat.resting {
            try ask("how far the oplog goes back") { try deployment.oplogWindow(for: "onLostPosition: oldest", pool: pool) }
        }
        let place = lost.oldestPlace(in: oplog)
        return .at(seconds: place.seconds, increment: place.increment)
    }

    /// Where to open the stream, and a line that says so.
    private func startPoint(after stored: StoredPosition?) throws -> ChangeStreamOptions.Start {
        guard let stored else {
            if let start = first.withLock({ $0 }) { return start }
            let (deployment, pool, point) = (dependencies.deployment, dependencies.pool, settings.startAt)
            let start = try heartbeat.resting {
                try ask("where the stream begins") { try deployment.start(at: point, pool: pool) }
            }
            logger.info("no stored position; starting at \(settings.startAt)")
            return start
        }
        if let theirs = stored.replicaSet, let ours = dependencies.deployment.replicaSet, theirs != ours {
            throw PositionError.otherReplicaSet(stored: theirs, connected: ours)
        }
        if let changes = stored.changes(of: settings) {
            logger.warning("the stream's \(changes) changed since its position was stored; going on from that position")
        }
        let time = stored.position.token.clusterTime.map { "\($0)" } ?? "unknown"
        logger.info("resuming after the stored position", metadata: ["clusterTime": "\(time)", "events": "\(stored.position.events)"])
        return .after(stored.position.token)
    }
}
