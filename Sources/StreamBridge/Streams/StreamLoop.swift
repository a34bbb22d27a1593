import Kafka
import Logging
import Mongo
import Runtime
import Synchronization

/// One stream: reads its change stream, encodes, routes, publishes, and keeps its position, until a stop or a halt.
///
/// ``run()`` suspends while two threads work: this loop's own, which publishes, and the reader's.
package final class StreamLoop: Sendable {
    /// What all streams of a bridge share.
    struct Surroundings: Sendable {
        let bridge: String
        let pool: MongoClientPool
        let deployment: Deployment
        let positions: PositionStore
        let topics: TopicCatalog
        let kafka: KafkaSettings
        /// Bytes that one stream may hold between MongoDB and Kafka.
        let memory: StreamMemory
        let instance: String
        let history: PositionHistory
        let halted: HaltedParts
        let stop: StopSignal
        let clock: ClusterClock
        let loops: LoopWatch
    }

    private let settings: StreamSettings
    /// In the configuration.
    private let index: Int
    private let options: ChangeStreamOptions
    private let surroundings: Surroundings
    package let status: StreamStatus
    /// Of the loop that publishes.
    private let heartbeat: Heartbeat
    private let logger: Logger
    /// Where the first session without a stored position began.
    private let first = Mutex<ChangeStreamOptions.Start?>(nil)

    init(settings: StreamSettings, index: Int, options: ChangeStreamOptions, surroundings: Surroundings, logger: Logger) {
        self.settings = settings
        self.index = index
        self.options = options
        self.surroundings = surroundings
        self.logger = logger
        status = StreamStatus(stream: settings.name, logger: logger, clock: surroundings.clock)
        heartbeat = surroundings.loops.heartbeat(of: "publish \(settings.name)")
    }

    /// - Throws: ``StreamHalt`` when the stream cannot go on.
    package func run() async throws {
        let halt = await LoopThread.run(name: "publish \(settings.name)") { self.superviseUntilHaltedForGood() }
        if let halt { throw halt }
    }

    /// A stream that has halted goes on when somebody has edited its position, or asks for another try, as long as the process runs for the others.
    private func superviseUntilHaltedForGood() -> StreamHalt? {
        while true {
            var seen: Int64?
            var halted: HaltedParts.Halted?
            let halt = supervise { halt in
                // Before the halt is told, so that nothing that answers it is missed.
                halted = surroundings.halted.begin()
                seen = try? surroundings.history.end(timeout: Self.shortAnswerTime)
                status.halted(halt)
            }
            guard let halt, let halted else { return nil }
            let haltedAt = WallClock.milliseconds()
            let mend = halted.awaitMend(surroundings.stop, every: Self.editInterval) {
                newestEdit(since: &seen, halt: haltedAt).map { "its position was edited by \($0.by)\($0.why.map { ": \($0)" } ?? "")" }
            }
            guard let mend else { return halt }
            status.goesOn(because: mend)
        }
    }

    /// - Parameters:
    ///   - seen: the end of the history when it was last read; nil while that is not known, because Kafka did not answer at the halt.
    ///   - halt: milliseconds since 1970.
    private func newestEdit(since seen: inout Int64?, halt: Int64) -> PositionEdit? {
        guard let end = try? surroundings.history.end(timeout: Self.answerTime), seen.map({ $0 < end }) ?? true,
            let edits = try? surroundings.history.edits(from: seen ?? 0, timeout: Self.answerTime, stop: surroundings.stop)
        else { return nil }
        let isKnown = seen != nil
        seen = end
        return edits.last { $0.stream == settings.name && (isKnown || $0.at >= halt) }
    }

    /// Runs sessions whenever this process leads the stream, until a stop or a halt.
    ///
    /// - Parameter tell: tells the halt, before the group is left.
    private func supervise(_ tell: (StreamHalt) -> Void) -> StreamHalt? {
        var backoff = Backoff()
        var skip = GapSkip(policy: settings.onLostPosition)
        var leadership: StreamLeadership?
        var watched: ScopeWatch?
        // Whoever stands by follows when the last session is over, and at once.
        defer {
            leadership?.leave()
            heartbeat.rest()
        }
        while !surroundings.stop.isRequested {
            let began = ContinuousClock.now
            heartbeat.beat()
            do {
                let current = try leadership ?? join()
                leadership = current
                guard let term = try heartbeat.resting({ try current.awaitTerm(surroundings.stop) }) else { return nil }
                let scope = try watched ?? review()
                watched = scope
                try session(in: term, past: skip.lost, scope)
                return nil
            } catch is StreamStopped {
                logger.warning("stopped before Kafka had everything; the rest is published again at the next start")
                return nil
            } catch is NotLeading {
                status.leadsNoMore()
                // The group says in a moment who does.
                if surroundings.stop.wait(for: Self.groupPause) { return nil }
            } catch let lost as LostPosition where skip.admits(lost) {
                status.lost(lost, policy: settings.onLostPosition)
                if surroundings.stop.wait(for: backoff.next()) { return nil }
            } catch {
                switch reaction(to: error, skip) {
                case .halt(let halt):
                    tell(halt)
                    return halt
                case .reopen: status.mongoTrouble(error, of: .session)
                case .restart:
                    status.kafkaTrouble((error as? RecordRefused)?.error ?? error, of: .session)
                    surroundings.topics.forget()
                }
                leadership?.sessionFailed()
                if let failed = leadership, failed.hasFailed {
                    failed.leave()
                    leadership = nil
                }
                // A session that worked for a while has earned a quick try; one that fails soon, again and again, has not.
                if began.duration(to: .now) > Self.longSession { backoff.reset() }
                if surroundings.stop.wait(for: backoff.next()) { return nil }
            }
        }
        return nil
    }

    /// Becomes one of those who could lead the stream.
    private func join() throws -> StreamLeadership {
        try ensurePositionsTopic()
        try surroundings.topics.ensure(InternalTopics.control(of: surroundings.bridge), partitions: 1, timeout: Self.answerTime)
        let leadership = try StreamLeadership(
            of: settings, bridge: surroundings.bridge, index: index, kafka: surroundings.kafka, topics: surroundings.topics, status: status,
            heartbeat: surroundings.loops.heartbeat(of: "lead \(settings.name)"), logger: logger)
        let isAlone = isAlone()
        if !isAlone { logger.info("another process may lead this stream: waiting for the group's word") }
        try leadership.join(isAlone: isAlone)
        return leadership
    }

    private func ensurePositionsTopic() throws {
        try surroundings.topics.ensure(
            surroundings.positions.topic, partitions: 1, config: surroundings.topics.configOfCompacted, timeout: Self.answerTime)
    }

    /// Whether nobody else can be leading: nobody ever has, or the last leader was a process of this host that runs no more. A hint: the fences make
    /// good what is wrong.
    private func isAlone() -> Bool {
        do {
            let stored = try surroundings.positions.read(
                stream: settings.name, isolation: .readUncommitted, timeout: Self.answerTime, waiting)
            status.published(0)
            return stored.map { Instance.isGone($0.writer) } ?? true
        } catch is PositionError {
            // The session says so.
            return true
        } catch {
            return false
        }
    }

    /// How this thread waits for the stored positions.
    private var waiting: NewestValues.Waiting {
        NewestValues.Waiting(
            stop: surroundings.stop, turn: { [heartbeat] in heartbeat.beat() }, tell: { [status] in status.kafkaTrouble($0) })
    }

    private func reaction(to error: any Error, _ skip: GapSkip) -> StreamFailure {
        guard let lost = error as? LostPosition else { return StreamFailure(error, stream: settings, bridge: surroundings.bridge) }
        return .halt(skip.halt(of: lost, stream: settings.name, gaps: gapsTopic))
    }

    private var gapsTopic: String { InternalTopics.gaps(of: surroundings.bridge) }

    /// Looks at what the stream watches before it is opened: what cannot work halts, and what was probably not meant is told.
    private func review() throws -> ScopeWatch {
        let (pool, scope, topics) = (surroundings.pool, settings.watch, surroundings.topics)
        try StreamReview.tell(PipelineReview.remarks(on: settings), to: logger)
        // A cluster may have many databases, which are asked one by one: the stream does not wait for them.
        if scope == .cluster {
            return ScopeWatch(of: scope, found: nil, pool: pool) { [settings, logger] found throws(StreamHalt) in
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
    /// - Parameter lost: the position to go on past, if it is still the stored one.
    private func session(in term: StreamLeadership.Term, past lost: LostPosition?, _ scope: ScopeWatch) throws {
        try ensurePositionsTopic()
        let publisher = try makePublisher(term)

        try term.check()
        try publisher.fence()
        let stored: StoredPosition?
        do {
            stored = try surroundings.positions.read(stream: settings.name, timeout: Self.answerTime, waiting)
        } catch is StreamStopped {
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
            stored.writer = surroundings.instance
            stored.writtenAt = WallClock.milliseconds()
            try publisher.claim(stored)
        }

        let handoff = BatchHandoff<ChangeStreamReader.Batch>(
            maximumBytes: surroundings.memory.handoffBytes, maximumItems: 4, wakeTaker: publisher.wake)
        let reader = ChangeStreamReader(
            pool: surroundings.pool, options: options, isSharded: surroundings.deployment.isSharded, handoff: handoff,
            batchBytes: surroundings.memory.batchBytes, status: status, stop: surroundings.stop,
            heartbeat: surroundings.loops.heartbeat(of: "read \(settings.name)"))
        let thread = reader.start(at: start, thread: "read \(settings.name)")
        defer {
            handoff.close()
            reader.leave(thread)
        }

        do {
            try status.measuring(load(of: handoff, publisher.unacknowledged)) {
                try surroundings.stop.waking(publisher.wake) { () throws in
                    try term.waking(publisher.wake) {
                        try pump(from: handoff, of: reader, to: publisher, in: term, after: position, past: lost, at: start, scope)
                    }
                }
            }
        } catch let error as MongoError {
            let deployment = surroundings.deployment
            let pool = surroundings.pool
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
        _ scope: ScopeWatch
    ) throws {
        let lookup =
            settings.fullDocument == .batchedLookup
            ? DocumentLookup(pool: surroundings.pool, status: status, stop: surroundings.stop, heartbeat: heartbeat) : nil
        var pump = EventPump(
            settings: settings, publisher: publisher, lookup: lookup, after: stored,
            took: { [status] counts in
                status.took(counts)
                scope.took(counts)
            },
            isCompacted: surroundings.topics.keepsOnlyNewest
        ) { name in
            try InternalTopics.refuse(name, of: self.surroundings.bridge)
            try self.surroundings.topics.ensure(name, timeout: Self.answerTime)
            return try publisher.topic(name)
        }
        var isUnstored = stored == nil
        var gap = try lost.map { try GapClosing(past: $0, at: start, topic: publisher.topic(gapsTopic)) }
        do {
            while !surroundings.stop.isRequested {
                status.tellProgress()
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
                        // Without a stored position, `now` would be another moment after a crash or an error. So the first one is stored
                        // before anything is published, and until it is, remembered.
                        if batch.events == nil { first.withLock { $0 = $0 ?? .after(token) } }
                        guard try publisher.finish(within: nil) else { throw StreamStopped() }
                        isUnstored = false
                    }
                    if handoff.isEmpty { try publisher.endLinger(isCaughtUp: !batch.isFull) }
                    try publisher.serve(timeout: .zero)
                } else {
                    try reader.watch()
                    try publisher.serve(timeout: publisher.nextDeadline.map { max(.zero, $0 - .now) } ?? Self.longestWait)
                }
            }
        } catch {
            // What was published before the error is still covered, and a halt may last: store its position while Kafka answers. Not when the lead has gone
            // without waiting for this: somebody else may have stored another one meanwhile.
            if !(error is NotLeading) || term.maySettle() { _ = try? publisher.finish(within: Self.settlingTime) }
            throw error
        }
        guard try publisher.finish(within: nil) else { throw StreamStopped() }
    }

    /// How long one answer of Kafka is waited for; a stop waits for no more than that.
    private static let answerTime: Duration = .seconds(5)
    private static let shortAnswerTime: Duration = .seconds(1)
    /// How often a halted stream looks whether its position was edited.
    private static let editInterval: Duration = .seconds(2)
    private static let longSession: Duration = .seconds(30)
    private static let groupPause: Duration = .milliseconds(100)
    /// With nothing due, the thread still looks around this often; every event, batch and stop wakes it before.
    private static let longestWait: Duration = .seconds(5)
    /// How long a session that failed waits for the acknowledgements of what it had sent.
    private static let settlingTime: Duration = .seconds(2)

    private func makePublisher(_ term: StreamLeadership.Term) throws -> any RecordPublisher {
        let isTransactional = settings.delivery == .exactlyOnce
        let properties = try ProducerProperties.make(
            surroundings.kafka, memory: surroundings.memory,
            transactional: isTransactional ? .stream(settings.name, of: surroundings.bridge) : nil)
        let producer = try KafkaProducer(
            properties: properties, queueBytes: ProducerProperties.queueBytes(surroundings.kafka, memory: surroundings.memory),
            heartbeat: heartbeat, logger: logger)
        let topic = surroundings.positions.topic
        return isTransactional
            ? try TransactionalPublisher(
                producer: producer, positionsTopic: topic, identity: identity, term: term,
                transactionTimeout: ProducerProperties.transactionTimeout(properties), status: status, stop: surroundings.stop)
            : try AtLeastOncePublisher(
                producer: producer, positionsTopic: topic, identity: identity, term: term, status: status, stop: surroundings.stop)
    }

    private var identity: StreamIdentity {
        StreamIdentity(
            stream: settings.name, options: StoredPosition.definitionHash(of: settings), replicaSet: surroundings.deployment.replicaSet,
            writer: surroundings.instance)
    }

    /// Asks MongoDB something beside the change stream. A server that does not answer holds neither the loop nor a stop up.
    private func ask<Answer: Sendable>(_ question: String, _ body: @escaping @Sendable () throws -> Answer) throws -> Answer {
        try BoundedCall.make(
            of: surroundings.pool, "find out \(question)", stop: surroundings.stop, isSlow: { status.mongoTrouble($0) }, body)
    }

    /// Where to open the stream instead of at a lost position. The topic for the gap's record comes first: without it nothing is skipped.
    private func place(past lost: LostPosition) throws -> ChangeStreamOptions.Start {
        try surroundings.topics.ensure(gapsTopic, partitions: 1, config: GapRecord.topicSettings, timeout: Self.answerTime)
        guard settings.onLostPosition == .oldest else { return .now }
        let (deployment, pool) = (surroundings.deployment, surroundings.pool)
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
            let (deployment, pool, point) = (surroundings.deployment, surroundings.pool, settings.startAt)
            let start = try heartbeat.resting {
                try ask("where the stream begins") { try deployment.start(at: point, pool: pool) }
            }
            logger.info("no stored position; starting at \(settings.startAt)")
            return start
        }
        if let theirs = stored.replicaSet, let ours = surroundings.deployment.replicaSet, theirs != ours {
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
