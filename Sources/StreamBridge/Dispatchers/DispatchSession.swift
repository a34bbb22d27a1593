import Kafka
import Logging
import Mongo
import Runtime
import Synchronization

/// One stay of a dispatcher in its consumer group. Used on the dispatcher's thread.
///
/// That thread never works on commands: it keeps the membership, however slow MongoDB is, hands partitions to the
/// workers and takes them back, and commits.
final class DispatchSession {
    private let context: DispatchContext
    private let dependencies: DispatchLoop.Dependencies
    private let heartbeat: Heartbeat
    private let logger: Logger
    private let consumer: GroupConsumer
    private let ledger = OffsetLedger()
    private let continuity: CommandContinuity
    private let end = SessionEnd()
    private let handoff: BatchHandoff<AnswerBatch>
    /// The publisher's client, while there is one.
    private let publisherClient = Monitor<KafkaClient?>(nil)
    private let workers: [DispatchWorker]
    private var lastCommit: ContinuousClock.Instant = .now
    /// When the offsets were sent whose commit is on its way.
    private var commitBegan: ContinuousClock.Instant?

    /// While commands come, the committed offset is at most this old: what a crash answers again.
    private static let commitInterval: Duration = .milliseconds(500)
    /// How long a partition that was revoked is finished properly, before its commands are left to the next member.
    private static let finishingTime: Duration = .seconds(5)
    /// A call to MongoDB ends within the socket timeout; this is longer.
    private static let lettingGoTime: Duration = .seconds(60)
    private static let answerTime: Duration = .seconds(5)

    /// - Parameter heartbeat: of the thread that runs the session.
    init(context: DispatchContext, dependencies: DispatchLoop.Dependencies, heartbeat: Heartbeat, logger: Logger) throws {
        self.context = context
        self.dependencies = dependencies
        self.heartbeat = heartbeat
        self.logger = logger
        let settings = context.settings
        let group = GroupName.of(settings.name, of: dependencies.bridge)
        consumer = try GroupConsumer(
            topic: settings.commands,
            properties: ConsumerProperties.make(
                dependencies.kafka, group: group, queueBytes: dependencies.memory.producerBytes / DispatchContext.workers),
            logger: logger)
        let topics = dependencies.topics
        let continuity = CommandContinuity(
            of: settings, bridge: dependencies.bridge, kafka: dependencies.kafka, requests: consumer.client.requests, stop: context.stop,
            isCompacted: { topics.isCompacted(settings.commands) })
        self.continuity = continuity
        consumer.commits { continuity.mark(of: $0)?.text }
        let publisherClient = publisherClient
        let handoff = BatchHandoff<AnswerBatch>(
            maximumBytes: dependencies.memory.handoffBytes, maximumItems: 2 * DispatchContext.workers
        ) {
            publisherClient.read { $0?.wake() }
        }
        self.handoff = handoff
        let (client, ledger, end) = (consumer.client, ledger, end)
        workers = (0..<DispatchContext.workers).map { number in
            DispatchWorker(
                number: number, queue: RecordQueue(of: client), context: context, ledger: ledger, continuity: continuity, handoff: handoff,
                session: end,
                heartbeat: dependencies.loops.heartbeat(of: "work \(number) \(settings.name)"))
        }
    }

    /// Works until a stop or an error.
    func run() throws {
        let (consumer, workers, publisherClient, end) = (consumer, workers, publisherClient, end)
        let wake: @Sendable () -> Void = {
            consumer.wake()
            publisherClient.read { $0?.wake() }
            for worker in workers { worker.wake() }
        }
        let name = context.settings.name
        let publishing = startPublishing(wake)
        let working = workers.enumerated().map { index, worker in
            LoopThread.start(name: "work \(index) \(name)") {
                do { try worker.run() } catch { end.end(because: error) }
                wake()
            }
        }
        if let resources = context.resources {
            let feed = FreeResourceFeed(
                context: context, resources: resources, pool: dependencies.patientPool, instance: dependencies.instance, session: end,
                logger: logger)
            _ = LoopThread.start(name: "free \(name)") { feed.run() }
        }
        watchGuard(wake)
        defer { context.status.owns(partitions: 0) }
        var failure: (any Error)?
        do {
            try consumer.subscribe()
            try context.status.measuring(load()) { try context.stop.waking(wake) { () throws in try serve() } }
        } catch {
            failure = error
        }
        if let failure { end.end(because: failure) }
        // As long as a stop may take.
        heartbeat.resting { close(working: working, publishing: publishing) }
        if let failure = failure ?? end.error { throw failure }
    }

    /// What this session knows of its commands and its pool.
    private func load() -> @Sendable () -> DispatchLoad {
        let (context, consumer, ledger) = (context, consumer, ledger)
        return {
            DispatchLoad(
                lagRecords: ledger.waiting { consumer.end(of: $0) },
                freeResources: context.resources == nil ? nil : context.free.withLock { $0.isFollowed ? $0.count : nil })
        }
    }

    private func startPublishing(_ wake: @escaping @Sendable () -> Void) -> LoopThread {
        let (context, ledger, handoff, publisherClient, end) = (context, ledger, handoff, publisherClient, end)
        let (kafka, memory, consumer, logger) = (dependencies.kafka, dependencies.memory, consumer, logger)
        let heartbeat = dependencies.loops.heartbeat(of: "answer \(context.settings.name)")
        let isTransactional = context.settings.delivery == .exactlyOnce
        let transactional = ProducerProperties.Transactional.dispatcher(
            context.settings.name, of: dependencies.bridge, instance: dependencies.instance)
        return LoopThread.start(name: "answer \(context.settings.name)") {
            do {
                let properties = try ProducerProperties.make(
                    kafka.takingDeadLetters, memory: memory, transactional: isTransactional ? transactional : nil)
                let producer = try KafkaProducer(properties: properties, heartbeat: heartbeat, logger: logger)
                publisherClient.update { $0 = producer.client }
                // A client that is kept keeps its threads, and sends what is in its queue behind the records of the
                // next session.
                defer { publisherClient.update { $0 = nil } }
                let answers = try AnswerProducer(
                    settings: context.settings, producer: producer, status: context.status, stop: context.stop)
                let publisher: any AnswerPublisher =
                    isTransactional
                    ? TransactionalAnswerPublisher(
                        answers: answers, consumer: consumer, ledger: ledger, status: context.status, stop: context.stop)
                    : AtLeastOnceAnswerPublisher(answers: answers, ledger: ledger, status: context.status, stop: context.stop)
                try publisher.run(from: handoff)
            } catch {
                end.end(because: error)
            }
            handoff.close()
            wake()
        }
    }

    /// Looks now and then whether the unique indexes are still those that the session began with. Without a guard, or
    /// when the collection was dropped and made anew by an insert, nothing would keep a resource from being held twice;
    /// with another one beside it a resource may be refused that is free. A session that finds them changed ends; the
    /// next one judges them anew.
    private func watchGuard(_ wake: @escaping @Sendable () -> Void) {
        let (context, end, isCluster) = (context, end, dependencies.deployment.isSharded)
        _ = LoopThread.start(name: "guard \(context.settings.name)") {
            var isInTrouble = false
            while !end.isOver(within: Self.guardInterval), !context.stop.isRequested {
                do {
                    let index = try context.pool.withClient { client in
                        try GuardedCollection.look(at: context.settings, isCluster: isCluster, of: client)
                    }.guardIndex(for: context.settings)
                    guard index == context.guardIndex else { throw GuardIndex.Changed(dispatcher: context.settings) }
                    if isInTrouble { context.status.mongoAnswered() }
                    isInTrouble = false
                } catch let error as MongoError
                    where error.kind == .authentication || DispatchFailure(mongoDB: error, dispatcher: context.settings).isRetry
                {
                    // A connection that breaks during a login looks like a refusal.
                    context.status.mongoFailed(error)
                    isInTrouble = true
                } catch {
                    end.end(because: error)
                    wake()
                }
            }
        }
    }

    private static let guardInterval: Duration = .seconds(10)

    // MARK: In the group

    private func serve() throws {
        while !context.stop.isRequested {
            heartbeat.beat()
            if end.isOver { return }
            let due = lastCommit + Self.commitInterval
            // A commit that is due waits for the end of a rebalance; every event wakes this thread before.
            try handle(consumer.poll(timeout: max(consumer.isJoining ? .milliseconds(50) : .zero, due - .now)))
            if .now >= due, !consumer.isJoining { commit() }
        }
    }

    private func handle(_ event: GroupConsumer.Event) throws {
        switch event {
        case .assigned(let partitions): try begin(partitions)
        case .revoked(let partitions, let isLost): try give(up: partitions, isLost: isLost)
        case .committed:
            context.status.kafkaAnswered()
            if let began = commitBegan.take() { context.status.committed(in: began.duration(to: .now)) }
        case .commitFailed(let error):
            commitBegan = nil
            logger.debug("\(error)")
            ledger.commitFailed()
            // A new generation of the group is no outage.
            if !error.isOfGeneration { context.status.kafkaFailed(error) }
        case .unreachable(let error): context.status.kafkaFailed(error)
        case .failed(let error):
            switch DispatchFailure(error, dispatcher: context.settings, of: dependencies.bridge, kafka: dependencies.kafka) {
            case .halt(let halt): throw halt
            // The client continues trying by itself.
            case .retry, .restart: context.status.kafkaFailed(error)
            }
        case .nothing: break
        }
    }

    private func begin(_ partitions: [Int32]) throws {
        guard !partitions.isEmpty else { return try consumer.assign([:]) }
        let offsets = try patiently { answerTime in
            let committed = try consumer.committed(partitions, timeout: answerTime)
            try continuity.begin(committed)
            return committed.mapValues { $0?.offset }
        }
        for partition in partitions {
            let worker = workers[Int(partition) % workers.count]
            worker.hands.accept([partition])
            worker.queue.receive(topic: consumer.topic, partition: partition)
        }
        ledger.begin(offsets)
        try consumer.assign(offsets)
        context.status.kafkaAnswered()
        context.status.owns(partitions: ledger.partitions.count)
        logger.info("took over partitions \(Self.list(partitions)) of \(consumer.topic)")
    }

    /// The coordinator, or a partition's leader, may be moving just now.
    private func patiently<Result>(_ ask: (_ answerTime: Duration) throws -> Result) throws -> Result {
        var backoff = Backoff(cap: .seconds(1))
        let deadline = ContinuousClock.now + .seconds(30)
        // Short at first: a stop is not heard meanwhile.
        var answerTime: Duration = .seconds(1)
        while true {
            heartbeat.beat()
            do {
                return try ask(answerTime)
            } catch {
                let failure = DispatchFailure(
                    error, dispatcher: context.settings, of: dependencies.bridge, kafka: dependencies.kafka)
                guard case .restart = failure, .now < deadline else { throw error }
                context.status.kafkaFailed(error)
                answerTime = min(answerTime * 2, Self.answerTime)
                if context.stop.wait(for: backoff.next()) { throw error }
            }
        }
    }

    /// What is in hand is finished and answered, and its offsets are committed, before the next member begins; what
    /// takes too long is left to it, which finds the documents and gives the same answers.
    private func give(up partitions: [Int32], isLost: Bool) throws {
        consumer.pause(partitions)
        let limit = isLost ? Duration.zero : Self.finishingTime
        let deadline = ContinuousClock.now + limit
        for (worker, share) in shares(of: partitions) {
            heartbeat.resting { empty(worker.hands, of: share, within: max(.zero, deadline - .now), wake: worker.wake) }
        }
        if !isLost {
            ledger.awaitAnswers(of: partitions, within: max(.seconds(1), deadline - .now))
            commitForGood(partitions, until: max(deadline, .now + .seconds(1)))
        }
        ledger.end(partitions)
        continuity.end(partitions)
        context.status.owns(partitions: ledger.partitions.count)
        try consumer.unassign(partitions)
        if !partitions.isEmpty {
            logger.info(
                "gave up partitions \(Self.list(partitions)) of \(consumer.topic)\(isLost ? ", which the group had already taken from this member" : "")"
            )
        }
    }

    /// Waits until a worker has finished what it has of `partitions`, and after `limit` until it has let go of it.
    private func empty(_ hands: InFlightPartitions, of partitions: Set<Int32>, within limit: Duration, wake: () -> Void) {
        guard !hands.await(emptyOf: partitions, within: limit, wake: wake) else { return }
        hands.abandon(partitions)
        let limit = context.stop.deadline.map { max(.zero, $0 - .now) } ?? Self.lettingGoTime
        _ = hands.await(emptyOf: partitions, within: limit, wake: wake)
    }

    private func shares(of partitions: [Int32]) -> [(worker: DispatchWorker, partitions: Set<Int32>)] {
        Dictionary(grouping: partitions) { Int($0) % workers.count }.map { (workers[$0.key], Set($0.value)) }
    }

    private func commit() {
        lastCommit = .now
        let offsets = ledger.takeUncommitted()
        guard !offsets.isEmpty else { return }
        commitBegan = commitBegan ?? lastCommit
        consumer.commit(offsets)
    }

    /// Commits what is answered of partitions that are about to go, and waits for it. A rebalance that is under way is
    /// waited for.
    private func commitForGood(_ partitions: [Int32], until deadline: ContinuousClock.Instant) {
        guard !partitions.isEmpty else { return }
        var backoff = Backoff(initial: .milliseconds(10), cap: .milliseconds(200))
        while true {
            let offsets = consumer.isJoining ? [:] : ledger.takeUncommitted(of: partitions)
            if offsets.isEmpty, !consumer.isJoining { return }
            do {
                if !offsets.isEmpty {
                    return try consumer.commit(offsets, timeout: max(.milliseconds(500), min(deadline - .now, Self.answerTime)))
                }
            } catch {
                ledger.commitFailed()
                logger.debug("\(error)")
            }
            guard .now < deadline else {
                return logger.warning("the last offsets of \(consumer.topic) were not committed, so some commands are answered again")
            }
            backoff.pause()
        }
    }

    private static func list(_ partitions: [Int32]) -> String { partitions.sorted().map { "\($0)" }.joined(separator: ", ") }

    // MARK: The end

    /// Waits for the end of a thread, and hears what the group says meanwhile. Answers that wait for this member's
    /// place in it would wait in vain: what the group has taken away is somebody else's to answer.
    ///
    /// - Parameter revoked: gets what the group asks back. It is given when all is done.
    private func stay(until thread: LoopThread, within limit: Duration, _ revoked: inout [[Int32]]) {
        let end = ContinuousClock.now + limit
        while !thread.join(within: max(.zero, min(Self.listeningTime, end - .now))), .now < end {
            switch consumer.poll(timeout: .zero) {
            case .assigned: try? consumer.assign([:])
            case .revoked(let partitions, isLost: true):
                for (worker, share) in shares(of: partitions) {
                    worker.hands.abandon(share)
                    worker.wake()
                }
                ledger.end(partitions)
                continuity.end(partitions)
                try? consumer.unassign(partitions)
            case .revoked(let partitions, isLost: false): revoked.append(partitions)
            case .commitFailed: ledger.commitFailed()
            case .committed, .unreachable, .failed, .nothing: break
            }
        }
    }

    private static let listeningTime: Duration = .milliseconds(20)

    /// The workers finish what they have in hand, the publisher what it got from them; then the group is left, so that
    /// the others need not wait for a timeout.
    private func close(working: [LoopThread], publishing: LoopThread) {
        let deadline = context.stop.deadline ?? .now + Self.finishingTime
        func left() -> Duration { max(.zero, deadline - .now) }
        for worker in workers { worker.wake() }
        var revoked: [[Int32]] = []
        for thread in working { stay(until: thread, within: left(), &revoked) }
        // Workers that still wait for MongoDB need not.
        end.end()
        for worker in workers { worker.wake() }
        handoff.fail(AnswersEnd())
        // It has little left to do; what it cannot do is done again by the next session.
        stay(until: publishing, within: max(left(), .seconds(2)), &revoked)
        commitForGood(Array(ledger.partitions), until: .now + max(.milliseconds(500), min(left(), Self.answerTime)))
        ledger.end(Array(ledger.partitions))
        for partitions in revoked { try? consumer.unassign(partitions) }
        consumer.leave(until: .now + max(.seconds(1), min(left(), Self.answerTime)))
    }
}

extension KafkaSettings {
    /// A dead letter is larger than its command, which may be as large as the broker takes.
    fileprivate var takingDeadLetters: KafkaSettings {
        var settings = self
        if common["message.max.bytes"] == nil, producer["message.max.bytes"] == nil { settings.producer["message.max.bytes"] = "10000000" }
        return settings
    }
}
