import Kafka
import Mongo
import Runtime

/// Exactly once: answers and the offsets of their commands in one Kafka transaction (KIP-447).
///
/// Two fences keep a member that was thought dead from answering: the group's generation, which the offsets carry, and
/// the time-out of its open transaction, before which no other member gets the offsets to begin at
/// (`UNSTABLE_OFFSET_COMMIT`).
///
/// A transaction is committed when no answers are at hand, or after ``maxTime``. One that has to be aborted, because a
/// rebalance has begun a new generation meanwhile, is produced again, without the answers of partitions that are gone.
final class TransactionalAnswerPublisher: AnswerPublisher {
    private static let maxTime: Duration = .milliseconds(100)
    /// One call of librdkafka's may take this long before it is made again.
    private static let callTime: Duration = .seconds(5)
    /// The same for one that continues by itself meanwhile, so that a stop is heard.
    private static let fenceTime: Duration = .seconds(1)
    /// What takes less is not worth a word.
    private static let patience: Duration = .seconds(3)
    /// How often a transaction is produced again for an error that is no rebalance.
    private static let maxFailures = 3

    private let answers: AnswerProducer
    private let ender: TransactionCompleter
    private let consumer: GroupConsumer
    private let ledger: OffsetLedger
    private let status: DispatchStatus
    private let stop: StopSignal
    /// What the open transaction holds.
    private var batches: [Produced] = []
    private var opened: ContinuousClock.Instant?
    /// When the last commit was answered.
    private var committedAt: ContinuousClock.Instant?
    private var settling = SettlingTime()

    private struct Produced {
        let batch: AnswerBatch
        /// Those whose answers are in the transaction.
        let partitions: Set<Int32>
    }

    init(answers: AnswerProducer, consumer: GroupConsumer, ledger: OffsetLedger, status: DispatchStatus, stop: StopSignal) {
        self.answers = answers
        ender = TransactionCompleter(client: answers.producer.client)
        self.consumer = consumer
        self.ledger = ledger
        self.status = status
        self.stop = stop
    }

    private var client: KafkaClient { answers.producer.client }

    func run(from handoff: BatchHandoff<AnswerBatch>) throws {
        // What stays open would keep every reader of committed records, and the next owner of the partitions, waiting
        // for the broker's timeout.
        defer { if opened != nil { abandon() } }
        try fence()
        do {
            while !stop.isOverdue {
                status.logProgress()
                if let batch = try handoff.take() {
                    try publish(batch)
                    if handoff.isEmpty || opened.map({ .now >= $0 + Self.maxTime }) ?? false { try commit() }
                } else {
                    try commit()
                    try serve(timeout: .seconds(5))
                }
            }
        } catch is AnswersEnd {
            try commit()
        }
    }

    private func fence() throws {
        try again { () throws(KafkaError) in try client.initTransactions(timeout: Self.fenceTime) }
    }

    /// Makes a call until its outcome is known.
    private func again(_ call: () throws(KafkaError) -> Void) throws {
        let quiet = ContinuousClock.now + Self.patience
        while true {
            do throws(KafkaError) {
                return try call()
            } catch {
                guard error.mayBeCalledAgain, !stop.isOverdue else { throw error }
                if !error.isTimeout || .now >= quiet { status.kafkaFailed(error) }
            }
            try serve(timeout: .milliseconds(100))
        }
    }

    private func publish(_ batch: AnswerBatch) throws {
        if opened == nil {
            while let wait = committedAt.map({ $0 + settling.time - .now }), wait > .zero { try serve(timeout: wait) }
            try client.beginTransaction()
            opened = .now
        }
        try produce(batch)
    }

    /// Produces the answers of the partitions that are this member's.
    private func produce(_ batch: AnswerBatch) throws {
        let current = ledger.current(among: batch.summary.progress)
        guard !current.isEmpty else { return }
        batches.append(Produced(batch: batch, partitions: current))
        do {
            try answers.produce(batch, tag: 1, isWanted: { current.contains($0) })
        } catch let error as KafkaError where error.code == .state && client.fatalError == nil {
            // This transaction can only be aborted; the commit that comes says why.
        }
    }

    private func serve(timeout: Duration) throws {
        do throws(KafkaError) {
            try answers.serve(timeout: timeout)
        } catch {
            throw answers.refusal ?? error
        }
    }

    // MARK: Committing

    private func commit() throws {
        var backoff = Backoff(initial: .milliseconds(5), cap: .milliseconds(200))
        let began = ContinuousClock.now
        var failures = 0
        var quiet = began + Self.patience
        while opened != nil {
            // The records are on their way while the offsets are.
            answers.producer.endLinger()
            var reason: any Error = WaitsFor(
                description: "this member has no place in its group just now, and its answers wait for one", kind: .waiting)
            do {
                if try sendOffsets() {
                    try end(.commit)
                    if !batches.isEmpty { status.committed(in: began.duration(to: .now)) }
                    return settle()
                }
            } catch let error as KafkaError where error.requiresAbort && !error.isFatal {
                // A record that was refused would be refused again.
                if let refusal = answers.refusal { throw refusal }
                if case .halt(let halt) = StreamFailure(kafka: error) { throw halt }
                if !error.isOfGeneration {
                    failures += 1
                    if failures >= Self.maxFailures || error.isUnknownTopic { throw error }
                }
                reason = error
            }
            let kept = try abort()
            // The next generation begins in a moment. Until it has, the same would be refused again, and each time be
            // in the topic.
            repeat {
                if .now >= quiet {
                    status.kafkaFailed(reason)
                    quiet = .now + Self.patience
                }
                try serve(timeout: backoff.next())
            } while kept.contains(where: isCurrent) && !hasPlace && !stop.isOverdue
            guard !stop.isOverdue else { return }
            try repeatTransaction(of: kept.filter(isCurrent))
        }
    }

    /// The group takes offsets from this member.
    private var hasPlace: Bool { consumer.membership() != nil && !consumer.isJoining }

    private func isCurrent(_ batch: AnswerBatch) -> Bool { !ledger.current(among: batch.summary.progress).isEmpty }

    /// Makes the offsets after what is answered part of the transaction, in this member's generation.
    ///
    /// The generation is read before the ledger is: a partition that goes later goes with a newer generation, in which
    /// these offsets are refused. Read the other way round, the newer one could vouch for a partition that has gone.
    ///
    /// - Returns: false when the transaction has answers to what is not this member's any more.
    private func sendOffsets() throws -> Bool {
        guard !batches.isEmpty else { return true }
        guard let membership = consumer.membership() else { return false }
        var offsets: [Int32: Int64] = [:]
        for produced in batches {
            let progress = produced.batch.summary.progress
            guard produced.partitions.isSubset(of: ledger.current(among: progress)) else { return false }
            for step in progress where produced.partitions.contains(step.partition) { offsets[step.partition] = step.next }
        }
        try again { () throws(KafkaError) in
            try consumer.send(offsets, as: membership, inTransactionOf: client, timeout: Self.callTime)
        }
        return true
    }

    /// Commits or aborts, and serves reports meanwhile.
    private func end(_ way: TransactionCompleter.Way) throws {
        ender.start(way)
        while true {
            if let result = ender.takeResult() { return try result.get() }
            // A commit waits for its records first, and the producer reports those.
            if client.unacknowledged == 0, let delay = ender.takeDelay() { status.kafkaFailed(delay) }
            if stop.isOverdue { throw KafkaError.timedOut(operation: "end a transaction") }
            try serve(timeout: .milliseconds(100))
        }
    }

    private func settle() {
        for produced in batches {
            let summary = produced.batch.summary
            ledger.committed(summary.progress)
            status.answered(summary.counts, deadLetters: summary.deadLetters, newest: summary.newest)
        }
        batches.removeAll()
        opened = nil
        committedAt = .now
        settling.settle(refusals: client.requests.refusedBeginnings)
    }

    /// - Returns: what the transaction had.
    private func abort() throws -> [AnswerBatch] {
        try end(.abort)
        answers.forgetRefusal()
        opened = nil
        defer { batches.removeAll() }
        return batches.map(\.batch)
    }

    /// Produces answers again: those whose partitions are still this member's.
    private func repeatTransaction(of kept: [AnswerBatch]) throws {
        guard !kept.isEmpty else { return }
        try client.beginTransaction()
        opened = .now
        for batch in kept { try produce(batch) }
    }

    private func abandon() {
        answers.producer.abandon()
        ender.abandon(within: Self.callTime) { _ = try? answers.serve(timeout: .milliseconds(20)) }
    }
}
