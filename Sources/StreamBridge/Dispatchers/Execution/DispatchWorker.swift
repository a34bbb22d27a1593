import Kafka
import Mongo
import Runtime

/// Takes commands, carries them out in MongoDB, and hands the answers to the publisher: batch after batch, on a thread
/// of its own.
///
/// All commands of a partition come to one worker, so they are carried out in their order.
final class DispatchWorker: Sendable {
    /// Commands that are carried out together. More would not make the server faster, and would keep the first ones
    /// waiting.
    private static let maxCommands = 1000

    /// Its number among the dispatcher's workers.
    private let number: Int
    let queue: RecordQueue
    let hands = InFlightPartitions()
    private let context: DispatchContext
    private let ledger: OffsetLedger
    private let continuity: CommandContinuity
    private let handoff: BatchHandoff<AnswerBatch>
    private let session: SessionEnd
    private let heartbeat: Heartbeat

    init(
        number: Int, queue: RecordQueue, context: DispatchContext, ledger: OffsetLedger, continuity: CommandContinuity,
        handoff: BatchHandoff<AnswerBatch>,
        session: SessionEnd, heartbeat: Heartbeat
    ) {
        self.number = number
        self.queue = queue
        self.context = context
        self.ledger = ledger
        self.continuity = continuity
        self.handoff = handoff
        self.session = session
        self.heartbeat = heartbeat
    }

    /// Works until a stop or the session's end. Blocks; on the worker's thread.
    ///
    /// - Throws: ``Halt``, ``KafkaError`` when the broker refuses a fetch.
    func run() throws {
        defer {
            hands.leave()
            heartbeat.rest()
        }
        let patience = MongoRetry(context: context, hands: hands, session: session, heartbeat: heartbeat, worker: number)
        var assignment = ResourceInserter(context: context, patience: patience, worker: number)
        let completion = CompletionExecutor(context: context, patience: patience)
        let membership = PoolMembership(context: context, patience: patience)
        while true {
            heartbeat.beat()
            hands.take()
            guard !context.stop.isRequested, !session.isOver else { return }
            guard let records = try queue.take(atMost: Self.maxCommands, timeout: .seconds(5)) else {
                try lookWhileIdle()
                continue
            }
            context.status.took(commands: records.count)
            let batch = CommandBatch(records, topic: context.settings.commands, decoder: context.decoder)
            hands.hold(Set(batch.places.map(\.partition)))
            batch.assign(ledger.assignments)
            ledger.took(batch.places)
            patience.begin()
            do {
                try look(at: batch, patience)
                try membership.resolve(batch)
                try carryOut(batch, assignment: &assignment, completion: completion)
                context.status.carriedOut(by: number)
            } catch is BatchAbandoned {
                context.status.abandonedMongo()
                continue
            }
            let answers = AnswerBatch(batch, topic: context.settings.commands, ledger: ledger)
            guard heartbeat.resting({ handoff.put(answers) }) else { return }
        }
    }

    /// Nothing is carried out that may come from another topic than what was before it.
    private func look(at batch: CommandBatch, _ patience: MongoRetry) throws {
        let due = continuity.due(Set(batch.places.map(\.partition)))
        var backoff = Backoff(initial: .milliseconds(20), cap: .seconds(1))
        var isSeen = due.isEmpty
        while !isSeen {
            do {
                try heartbeat.resting { try continuity.look(at: due.subtracting(batch.dropped)) }
                isSeen = true
            } catch let error as KafkaError {
                context.status.kafkaFailed(error)
                try patience.wait(for: backoff.next(), batch)
            }
        }
        var newest: [Int32: Int] = [:]
        for (index, place) in batch.places.enumerated() { newest[place.partition] = index }
        continuity.took(newest.mapValues { index in batch.records.withRecord(index) { RecordMark($0) } })
    }

    /// What came last has nothing behind it that would make somebody look.
    private func lookWhileIdle() throws {
        let mine = ledger.partitions.filter { Int($0) % DispatchContext.workers == number }
        let due = continuity.dueWhenIdle(mine)
        guard !due.isEmpty else { return }
        do {
            try heartbeat.resting { try continuity.look(at: due) }
        } catch let error as KafkaError {
            context.status.kafkaFailed(error)
        }
    }

    private func carryOut(_ batch: CommandBatch, assignment: inout ResourceInserter, completion: CompletionExecutor) throws {
        var schedule = CommandSchedule(batch.items.lazy.map(\.command), held: try completion.held(by: batch))
        var parked: [InsertAttempt] = []
        defer { context.completions.set(0, of: number) }
        context.completions.set(schedule.openCompletions, of: number)
        while !schedule.isEmpty || !parked.isEmpty {
            let round = schedule.next(isDone: batch.isDone)
            // What they free is there for the dispatches.
            try completion.carryOut(round.completions, of: batch)
            schedule.settleCompletions(isDone: batch.isDone)
            context.completions.set(schedule.openCompletions, of: number)
            parked = try assignment.carryOut(round.dispatches, parked: parked, of: batch, mayWait: schedule.mayWait)
        }
    }

    /// Ends a wait for commands or for MongoDB. Any thread.
    func wake() {
        queue.wake()
        hands.wake()
    }
}
