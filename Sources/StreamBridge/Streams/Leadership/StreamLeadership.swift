import Kafka
import Logging
import Runtime

/// Whether this process leads a stream. Of all bridges of one name one does; the others stand by and take over.
///
/// Kafka's consumer group decides: the members of `bridge.<name>.<stream>` share one partition of an empty topic, and
/// its owner leads. A leader that leaves the group is followed at once, one that dies after `session.timeout.ms`.
///
/// The group alone makes nothing safe, because a process that was frozen learns last that it leads no more.
/// Exactly-once rests on two fences (docs/GUARANTEES.md): a new leader's producer ends the transactions of the one
/// before, and a session begins with a transaction that the group accepts from its newest generation only. So a leader
/// may continue while the group forms anew, or cannot be reached: nobody else has begun as long as it is not fenced.
///
/// The thread `lead <stream>` keeps the membership; everything else is called on the stream's own thread.
final class StreamLeadership: Sendable {
    /// A time of leading: what a session is allowed in.
    struct Term: Sendable {
        fileprivate let leadership: StreamLeadership
        fileprivate let number: Int

        /// - Throws: ``NotLeading`` when the term is over, otherwise as ``StreamLeadership/awaitTerm(_:)``.
        func check() throws { try leadership.state.read { try $0.lead.check(number) } }

        /// Whether a session that has to end may still store its position: the lead waits for it, or is still here.
        func maySettle() -> Bool { leadership.state.update { $0.lead.maySettle(number) } }

        /// Whether a position may be stored now. Asked before each one, by every way that one takes.
        ///
        /// At-least-once nothing fences a process that was frozen, or blocked while its lead passed to another: it
        /// would store a position that is older than what is stored. Between this look and the record's arrival there
        /// is time left; ``LeadershipState/isFresh(sign:at:)`` says how much. It is not enough for a process that
        /// freezes between the two, or a broker that cannot be reached while the group's coordinator can: then the
        /// record arrives late, and a crash before the next position, which the new leader stores within five seconds,
        /// repeats more.
        func mayStore() -> LeadershipState.Storing {
            let (sign, sync) = (leadership.consumer.lastSign, leadership.consumer.lastSync)
            let now = ContinuousClock.now
            return leadership.state.read { $0.lead.mayStore(number, sign: sign, sync: sync, at: now) }
        }

        /// Whose sign is waited for.
        var group: String { leadership.consumer.group }

        /// Calls `wake` whenever there may be something to ``check()``, while `body` runs.
        func waking<Result>(_ wake: @escaping @Sendable () -> Void, while body: () throws -> Result) rethrows -> Result {
            leadership.state.update { $0.wakeSession = wake }
            defer {
                leadership.state.update {
                    $0.wakeSession = nil
                    $0.lead.sessionEnded()
                }
            }
            return try body()
        }

        /// What the group knows this process by; nil while it leads without the group's word. Taken before the producer
        /// fences its predecessors, so that a process that is no member just now fences nobody.
        ///
        /// - Throws: ``NotLeading``, also when the membership has just been lost.
        func membership() throws -> GroupConsumer.Membership? {
            switch leadership.state.read({ $0.lead.term == number ? $0.lead.standing : .standby }) {
            case .provisional: return nil
            case .leading:
                guard let membership = leadership.consumer.membership() else { throw NotLeading() }
                return membership
            case .waiting, .cutOff, .standby: throw NotLeading()
            }
        }

        /// Makes this member's generation of the group a condition of a producer's open transaction. Called after the
        /// producer has fenced its predecessors: then the leader of a later generation fences this producer, and a
        /// process that the group has given up meanwhile learns it here, before it publishes anything.
        ///
        /// - Throws: ``KafkaError``; an abort is required when the generation is an old one.
        func vouch(as membership: GroupConsumer.Membership, inTransactionOf producer: KafkaClient, timeout: Duration) throws(KafkaError) {
            // The topic is empty, so a look at the group's lag sees none.
            try leadership.consumer.send([partition: 0], as: membership, inTransactionOf: producer, timeout: timeout)
        }
    }

    private struct State {
        var lead: LeadershipState
        var isLeaving = false
        var wakeSession: (@Sendable () -> Void)?
    }

    private let group: String
    private let consumer: GroupConsumer
    /// Whether the cluster says, too, that the group's topic does not exist: a broker that is behind has not heard of
    /// it yet.
    private let isTopicGone: @Sendable () -> Bool
    private let status: StreamStatus
    private let heartbeat: Heartbeat
    private let logger: Logger
    private let state: Monitor<State>
    private let thread: Monitor<LoopThread?> = Monitor(nil)

    private static let partition: Int32 = 0

    /// - Throws: ``KafkaError`` when a property is refused.
    init(
        of stream: StreamSettings, bridge: String, index: Int, kafka: KafkaSettings, topics: TopicCatalog, status: StreamStatus,
        heartbeat: Heartbeat, logger: Logger
    ) throws(KafkaError) {
        isTopicGone = { topics.isGone(InternalTopics.control(of: bridge)) }
        self.status = status
        self.heartbeat = heartbeat
        self.logger = logger
        group = GroupName.of(stream.name, of: bridge)
        let properties = ConsumerProperties.leadership(
            kafka, group: group, rank: LeadershipRank.text(ofStream: index))
        consumer = try GroupConsumer(topic: InternalTopics.control(of: bridge), properties: properties, logger: logger)
        state = Monitor(
            State(
                lead: LeadershipState(
                    isFenced: stream.delivery == .exactlyOnce, sessionTimeout: ConsumerProperties.sessionTimeout(properties))))
    }

    /// Joins the group.
    ///
    /// - Parameter isAlone: nobody else leads now, as far as the stored position shows: this process begins before the
    ///   group has formed, which may take seconds (`group.initial.rebalance.delay.ms`).
    func join(isAlone: Bool) throws(KafkaError) {
        // What the look shows holds from its beginning: this process may stand still behind it.
        let began = ContinuousClock.now
        if isAlone, !mayHaveRival() {
            change { $0.joinsAlone(at: began) }
        } else {
            logger.info("another process may lead this stream: waiting for the group's word")
        }
        try consumer.subscribe()
        thread.update { $0 = LoopThread.start(name: "lead") { self.keepMembership() } }
    }

    /// At-least-once, whether the group has a member that may be alive: another bridge that has begun and not stored a
    /// position yet, or `bridge positions` with the lead. Exactly-once the fences make good what is wrong.
    ///
    /// A cluster that has no answer to give (librdkafka's mock) leaves it at what the stored position shows. One that
    /// does not answer may have a rival in the group: the group's word is then waited for.
    private func mayHaveRival() -> Bool {
        guard !state.read({ $0.lead.isFenced }) else { return false }
        do {
            return try consumer.members(timeout: Self.describeTime).contains {
                !Instance.isGone(ConsumerProperties.instance(ofClient: $0))
            }
        } catch {
            logger.debug("\(error)")
            return error.code != .unsupportedFeature
        }
    }

    // MARK: The stream's side

    /// Waits until this process leads.
    ///
    /// - Returns: nil when a stop came first.
    /// - Throws: why this process can be no member: ``Halt``, or ``KafkaError`` when another membership may help.
    func awaitTerm(_ stop: StopSignal) throws -> Term? {
        enum News { case failed(any Error), stop, standby, leading(Int) }
        var isTold = false
        let began = ContinuousClock.now
        func news(_ state: State) -> News? {
            if let failure = state.lead.failure { return .failed(failure) }
            if stop.isRequested { return .stop }
            if state.lead.standing.mayBegin { return .leading(state.lead.term) }
            return state.lead.standing == .standby && !isTold ? .standby : nil
        }
        return try stop.waking({ [state] in state.update { _ in } }) { () throws in
            while true {
                _ = state.wait(within: Self.wordTime) { news($0) != nil }
                switch state.read(news) {
                case nil: if state.read({ $0.lead.standing == .waiting }) { tellWait(since: began) }
                case .failed(let error): throw error
                case .stop: return nil
                case .standby:
                    // Told here, where no session runs any more that would say something else.
                    status.standsBy()
                    isTold = true
                case .leading(let number):
                    if isTold { logger.notice("leads this stream now") }
                    status.leads()
                    return Term(leadership: self, number: number)
                }
            }
        }
    }

    /// A group takes seconds to form, and longer when a member has died; nobody else says so.
    private func tellWait(since began: ContinuousClock.Instant) {
        let time = began.duration(to: .now)
        status.kafkaFailed(
            WaitsFor(description: "for \(time.readable) group \(group) has not said which process leads the stream", kind: .election))
    }

    private static let wordTime: Duration = .seconds(5)

    /// This membership is at its end; a new one may do better.
    var hasFailed: Bool { state.read { $0.lead.failure != nil } }

    /// A session has failed, perhaps because another producer has taken the stream's transactional id: without the
    /// group's word no other begins. With it, ``Term/vouch(as:inTransactionOf:timeout:)`` shows whether the word still
    /// holds.
    func sessionFailed() { change { $0.sessionFailed() } }

    /// Leaves the group, so that another process follows at once.
    func leave() {
        guard let thread = thread.update({ $0.take() }) else { return }
        state.update { $0.isLeaving = true }
        consumer.wake()
        thread.join()
    }

    // MARK: The group's side

    private func keepMembership() {
        defer { heartbeat.rest() }
        while !state.read({ $0.isLeaving }) {
            heartbeat.beat()
            do {
                // At-least-once, a leader without the group's word has to know that it has not stood still.
                let isWatched = state.read { !$0.lead.isFenced && $0.lead.standing == .provisional }
                try handle(consumer.poll(timeout: isWatched ? .milliseconds(500) : .seconds(5)))
                if isWatched { change { $0.runs(at: .now, sign: consumer.lastSign) } }
            } catch {
                fail(error)
            }
        }
        consumer.leave(until: .now + Self.leaveTime)
    }

    /// While the group forms for the first time the broker answers nothing else (`group.initial.rebalance.delay.ms`, 3
    /// s). That is waited for: a member that goes without a word counts for another session time-out, and may be the
    /// one that is to lead.
    private static let leaveTime: Duration = .seconds(5)

    private func handle(_ event: GroupConsumer.Event) throws {
        switch event {
        case .assigned(let partitions):
            try consumer.assign(Dictionary(uniqueKeysWithValues: partitions.map { ($0, 0) }))
            // There is nothing to fetch.
            consumer.pause(partitions)
            // A session tells by itself when Kafka is back.
            if !state.read({ $0.lead.standing.mayGoOn }) { status.published(0) }
            // A topic that somebody else made may have more than one partition.
            let word: LeadershipState.Word = partitions.contains(Self.partition) ? .this : isHolderGone() ? .gone : .other
            change { $0.assigned(to: word, at: consumer.lastSync) }
        case .revoked(let partitions, let isLost):
            if isLost { change { $0.lost() } } else { settle() }
            try consumer.unassign(partitions)
        case .unreachable(let error):
            // A session's producer tells it as well; and who stands by misses nothing.
            if state.read({ $0.lead.standing == .waiting }) { status.kafkaFailed(error) }
        case .failed(let error):
            if case .halt(let halt) = StreamFailure(kafka: error) {
                fail(halt)
            } else if error.isUnknownTopic, isTopicGone() {
                // Without it nobody would ever lead.
                fail(error)
            } else {
                logger.debug("\(error)")
            }
        case .committed, .commitFailed, .nothing: break
        }
    }

    /// Whether the group has given the lead to a process of this host that runs no more.
    ///
    /// A lone bridge that was killed, and started again at once, and that once more: the third process begins without
    /// the group's word. The group waits for the first one's session time-out, forms, and still counts the second one,
    /// which may come first by its rank: then a dead process leads for another session time-out. What no member of this
    /// host's is, may be alive.
    private func isHolderGone() -> Bool {
        do {
            guard let client = try consumer.holder(of: Self.partition, timeout: Self.describeTime) else { return false }
            let instance = ConsumerProperties.instance(ofClient: client)
            guard Instance.isGone(instance) else { return false }
            logger.info("the group has given the lead to \(instance), which runs no more")
            return true
        } catch {
            logger.debug("\(error)")
            return false
        }
    }

    private static let describeTime: Duration = .seconds(2)

    /// At-least-once, before the lead may go to another process: the session stores where it is and ends, so that the
    /// other one begins behind it. A session that takes too long is left alone: then the other one repeats what it has
    /// in hand.
    private func settle() {
        guard change({ $0.revoked() }) else { return }
        _ = state.wait(within: Self.leaveTime) { $0.wakeSession == nil }
        if state.update({ $0.lead.settled() }) { _ = state.wait(within: Self.leaveTime) { $0.wakeSession == nil } }
    }

    /// Changes the standing in one step: both threads do.
    @discardableResult
    private func change<Result>(_ change: (inout LeadershipState) -> Result) -> Result {
        let (old, new, wake, result) = state.update { state in
            let old = state.lead.standing
            let result = change(&state.lead)
            return (old, state.lead.standing, state.wakeSession, result)
        }
        if old != new {
            wake?()
            logger.debug("leadership: \(new)")
        }
        return result
    }

    private func fail(_ error: any Error) {
        state.update { state in
            state.lead.failed(error)
            return state.wakeSession
        }?()
    }
}

/// The session's process leads the stream no more.
struct NotLeading: Error {}
