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

    /// - Throws: ``Halt`` when the stream cannot go on.
    package func run() async throws {
        let halt = await LoopThread.run(name: "publish \(settings.name)") { self.superviseUntilHaltedForGood() }
        if let halt { throw halt }
    }

    /// A stream that has halted goes on when somebody has edited its position, or asks for another try, as long as the process runs for the others.
    private func superviseUntilHaltedForGood() -> Halt? {
        while true {
            var seen: Int64?
            var halted: HaltRegistry.Halted?
            let halt = supervise { halt in
                // Before the halt is told, so that nothing that answers it is missed.
                halted = dependencies.halted.begin()
                seen = try? dependencies.history.end(timeout: Self.shortAnswerTime)
                status.halted(halt)
            }
            guard let halt, let halted else { return nil }
            let haltedAt = WallClock.milliseconds()
            let remedy = halted.awaitMend(dependencies.stop, every: Self.editInterval) {
                newestEdit(since: &seen, halt: haltedAt).map { "its position was edited by \($0.by)\($0.why.map { ": \($0)" } ?? "")" }
            }
            guard let remedy else { return halt }
            status.goesOn(because: remedy)
        }
    }

    /// - Parameters:
    ///   - seen: the end of the history when it was last read; nil while that is not known, because Kafka did not answer at the halt.
    ///   - halt: milliseconds since 1970.
    private func newestEdit(since seen: inout Int64?, halt: Int64) -> PositionEdit? {
        guard let end = try? dependencies.history.end(timeout: Self.answerTime), seen.map({ $0 < end }) ?? true,
            let edits = try? dependencies.history.edits(from: seen ?? 0, timeout: Self.answerTime, stop: dependencies.stop)
        else { return nil }
        let isKnown = seen != nil
        seen = end
        return edits.last { $0.stream == settings.name && (isKnown || $0.at >= halt) }
    }

    /// Runs sessions whenever this process leads the stream, until a stop or a halt.
    ///
    /// - Parameter tell: tells the halt, before the group is left.
    private func supervise(_ tell: (Halt) -> Void) -> Halt? {
        var backoff = Backoff()
        var skip = LostPositionSkip(policy: settings.onLostPosition)
        var leadership: StreamLeadership?
        var watched: ScopeWatch?
        // Leave only after the last session ends, so that a standby takes over immediately.
        defer {
            leadership?.leave()
            heartbeat.rest()
        }
        while !dependencies.stop.isRequested {
            let began = ContinuousClock.now
            heartbeat.beat()
            do {
                let current = try leadership ?? join()
                leadership = current
                guard let term = try heartbeat.resting({ try current.awaitTerm(dependencies.stop) }) else { return nil }
                let scope = try watched ?? review()
                watched = scope
                try session(in: term, past: skip.lost, scope)
                return nil
            } catch is Stopped {
                logger.warning("stopped before Kafka had everything; the rest is published again at the next start")
                return nil
            } catch is NotLeading {
                status.leadsNoMore()
                // The group says in a moment who does.
                if dependencies.stop.wait(for: Self.groupPause) { return nil }
            } catch let lost as LostPosition where skip.admits(lost) {
                status.lost(lost, policy: settings.onLostPosition)
                if dependencies.stop.wait(for: backoff.next()) { return nil }
            } catch {
                switch reaction(to: error, skip) {
                case .halt(let halt):
                    tell(halt)
                    return halt
                case .reopen: status.mongoFailed(error, of: .session)
                case .restart:
                    status.kafkaFailed((error as? RecordRefused)?.error ?? error, of: .session)
                    dependencies.topics.forget()
                }
                leadership?.sessionFailed()
                if let failed = leadership, failed.hasFailed {
                    failed.leave()
                    leadership = nil
                }
                // A session that worked for a while has earned a quick try; one that fails soon, again and again, has not.
                if began.duration(to: .now) > Self.longSession { backoff.reset() }
                if dependencies.stop.wait(for: backoff.next()) { return nil }
            }
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
        let isAlone = isAlone()
        if !isAlone { logger.info("another process may lead this stream: waiting for the group's word") }
        try leadership.join(isAlone: isAlone)
        return leadership
    }

    func ensurePositionsTopic() throws {
        try dependencies.topics.ensure(
            dependencies.positions.topic, partitions: 1, config: dependencies.topics.configOfCompacted, timeout: Self.answerTime)
    }

    /// Whether nobody else can be leading: nobody ever has, or the last leader was a process of this host that runs no more. A hint: the fences make
    /// good what is wrong.
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
    private static let longSession: Duration = .seconds(30)
    private static let groupPause: Duration = .milliseconds(100)
}
