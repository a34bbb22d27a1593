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
    struct Dependencies: Sendable {
        let bridge: String
        let pool: MongoClientPool
        let deployment: Deployment
        let positions: PositionStore
        let snapshots: SnapshotLedger
        let topics: TopicCatalog
        let kafka: KafkaSettings
        /// Bytes that one stream may hold between MongoDB and Kafka.
        let memory: StreamMemory
        let instance: String
        let history: PositionHistory
        let halted: HaltRegistry
        let stop: StopSignal
        let clock: ClusterClock
        let loops: Watchdog
    }

    let settings: StreamSettings
    /// In the configuration.
    let index: Int
    let options: ChangeStreamOptions
    let dependencies: Dependencies
    package let status: StreamStatus
    /// Of the loop that publishes.
    let heartbeat: Heartbeat
    let logger: Logger
    /// Where the first session without a stored position began.
    let first = Mutex<ChangeStreamOptions.Start?>(nil)

    init(settings: StreamSettings, index: Int, options: ChangeStreamOptions, dependencies: Dependencies, logger: Logger) {
        self.settings = settings
        self.index = index
        self.options = options
        self.dependencies = dependencies
        self.logger = logger
        status = StreamStatus(stream: settings.name, logger: logger, clock: dependencies.clock)
        heartbeat = dependencies.loops.heartbeat(of: "publish \(settings.name)")
    }

    /// - Throws: ``Halt`` when the stream cannot continue.
    package func run() async throws {
        let halt = await LoopThread.run(name: "publish \(settings.name)") { self.supervise() }
        if let halt { throw halt }
    }

    /// What one session leaves to the next.
    private struct Run {
        var leadership: StreamLeadership?
        var skip: LostPositionSkip
        var oldest = OldestStart()
        var scope: ScopeWatch?
    }

    /// Runs sessions whenever this process leads the stream. One that has halted continues, too, when somebody has
    /// edited its position.
    private func supervise() -> Halt? {
        var run = Run(skip: LostPositionSkip(policy: settings.onLostPosition))
        var (seen, haltedAt): (Int64?, Int64) = (nil, 0)
        return LoopSupervisor(stop: dependencies.stop, registry: dependencies.halted, heartbeat: heartbeat).run(
            session: { try session(&run) },
            pause: { error throws(Halt) in try pause(after: error, &run) },
            halted: { halt in
                haltedAt = WallClock.milliseconds()
                seen = try? dependencies.history.end(timeout: Self.shortAnswerTime)
                status.halted(halt)
            },
            leave: {
                // Only after the last session, so that a standby takes over immediately.
                run.leadership?.leave()
                run = Run(skip: LostPositionSkip(policy: settings.onLostPosition))
            },
            lookEvery: Self.editInterval,
            fix: {
                newestEdit(since: &seen, halt: haltedAt).map { "its position was edited by \($0.by)\($0.why.map { ": \($0)" } ?? "")" }
            },
            resumed: status.goesOn)
    }

    /// - Parameters:
    ///   - seen: the end of the history when it was last read; nil while that is not known, because Kafka did not
    ///     answer at the halt.
    ///   - halt: milliseconds since 1970.
    private func newestEdit(since seen: inout Int64?, halt: Int64) -> PositionEdit? {
        guard let end = try? dependencies.history.end(timeout: Self.answerTime), seen.map({ $0 < end }) ?? true,
            let edits = try? dependencies.history.edits(from: seen ?? 0, timeout: Self.answerTime, stop: dependencies.stop)
        else { return nil }
        let isKnown = seen != nil
        seen = end
        return edits.last { $0.stream == settings.name && (isKnown || $0.at >= halt) }
    }

    private func session(_ run: inout Run) throws {
        do {
            let leadership = try run.leadership ?? join()
            run.leadership = leadership
            guard let term = try heartbeat.resting({ try leadership.awaitTerm(dependencies.stop) }) else { return }
            let scope = try run.scope ?? review()
            run.scope = scope
            try session(in: term, past: run.skip.lost, scope)
        } catch is Stopped {
            logger.warning("stopped before Kafka had everything; the rest is published again at the next start")
        }
    }

    /// What an error of a session means: the time before the next one, nil for the backoff's.
    private func pause(after error: any Error, _ run: inout Run) throws(Halt) -> Duration? {
        if error is NotLeading {
            status.leadsNoMore()
            // The group says in a moment who does.
            return Self.groupPause
        }
        if let lost = error as? LostPosition, run.skip.admits(lost) {
            status.lost(lost, policy: settings.onLostPosition)
            return nil
        }
        if settings.startAt == .oldest, isUnstored, run.oldest.isTriedAgain(after: error) {
            logger.warning("the oplog was cut before the stream was open at its oldest entry; asking again for the oldest entry: \(error)")
            return nil
        }
        switch reaction(to: error, run.skip) {
        case .halt(let halt): throw halt
        case .reopen: status.mongoFailed(error, of: .session)
        case .restart:
            status.kafkaFailed((error as? RecordRefused)?.error ?? error, of: .session)
            dependencies.topics.forget()
        }
        run.leadership?.sessionFailed()
        if let failed = run.leadership, failed.hasFailed {
            failed.leave()
            run.leadership = nil
        }
        return nil
    }

    /// Becomes one of those who could lead the stream.
    private func join() throws -> StreamLeadership {
        try ensurePositionsTopic()
        try dependencies.topics.ensure(InternalTopics.control(of: dependencies.bridge), partitions: 1, timeout: Self.answerTime)
        let leadership = try StreamLeadership(
            of: settings, bridge: dependencies.bridge, index: index, kafka: dependencies.kafka, topics: dependencies.topics, status: status,
            heartbeat: dependencies.loops.heartbeat(of: "lead \(settings.name)"), logger: logger)
        try leadership.join(isAlone: isAlone())
        return leadership
    }

    func ensurePositionsTopic() throws {
        try dependencies.topics.ensure(
            dependencies.positions.topic, partitions: 1, config: dependencies.topics.configOfCompacted, timeout: Self.answerTime)
    }

    /// Whether nobody else can be leading, by the stored position: nobody ever has, or the last leader was a process of
    /// this host that runs no more. A hint: where no fence makes good what is wrong,
    /// ``StreamLeadership/join(isAlone:)`` asks the group.
    private func isAlone() -> Bool {
        do {
            let stored = try dependencies.positions.read(
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
    var waiting: NewestValues.Waiting {
        NewestValues.Waiting(
            stop: dependencies.stop, turn: { [heartbeat] in heartbeat.beat() }, tell: { [status] in status.kafkaFailed($0) })
    }

    /// Nothing but `startAt` says where the stream begins.
    private var isUnstored: Bool { status.position == nil && first.withLock { $0 == nil } }

    private func reaction(to error: any Error, _ skip: LostPositionSkip) -> StreamFailure {
        guard let lost = error as? LostPosition else { return StreamFailure(error, stream: settings, bridge: dependencies.bridge) }
        return .halt(skip.halt(of: lost, stream: settings.name, gaps: gapsTopic))
    }

    var gapsTopic: String { InternalTopics.gaps(of: dependencies.bridge) }

    /// How long one answer of Kafka is waited for; a stop waits for no more than that.
    static let answerTime: Duration = .seconds(5)
    private static let shortAnswerTime: Duration = .seconds(1)
    /// How often a halted stream looks whether its position was edited.
    private static let editInterval: Duration = .seconds(2)
    private static let groupPause: Duration = .milliseconds(100)
}
