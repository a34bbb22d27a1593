import Kafka
import Logging
import Mongo
import Runtime

/// Exactly once: records and the position after them in one Kafka transaction.
///
/// A reader with `isolation.level=read_committed` sees each event once, in order, whatever happens to the bridge: what
/// a crash leaves open is aborted by the next session's ``fence()``, and published again from the committed position.
///
/// A transaction is committed when the backlog is drained, or when it is old or large (``TransactionState`` decides): a
/// lone event waits for nothing, a flood gets large transactions. While a commit is on its way the next batch is read
/// and encoded. Any error ends the session; the next one begins at the committed position.
final class TransactionalPublisher: RecordPublisher {
    /// One call of librdkafka's may take this long before it is made again.
    private static let callTime: Duration = .seconds(5)
    /// The same for one that continues by itself meanwhile, so that a stop is heard.
    private static let fenceTime: Duration = .seconds(1)
    /// A call whose time is over is not worth a word before.
    private static let patience: Duration = .seconds(3)

    private let producer: KafkaProducer
    private let ender: TransactionCompleter
    private let positions: KafkaTopic
    private let identity: any PositionKeeping
    private let term: StreamLeadership.Term?
    private let status: StreamStatus
    private let stop: StopSignal

    private var state: TransactionState
    /// When ``finish(within:)`` gives up.
    private var deadline: ContinuousClock.Instant?
    private var commitBegan: ContinuousClock.Instant = .now
    /// When the last commit was answered.
    private var committedAt: ContinuousClock.Instant?
    private var settling = SettlingTime()
    private var refusal: RecordRefused?
    private var positionRecord = RecordBatch()

    /// - Parameters:
    ///   - term: nil for a publisher that has no rivals.
    ///   - transactionTimeout: the broker's patience with an open transaction.
    init(
        producer: KafkaProducer, positionsTopic: String, identity: any PositionKeeping, term: StreamLeadership.Term?,
        transactionTimeout: Duration, status: StreamStatus, stop: StopSignal
    ) throws(KafkaError) {
        self.producer = producer
        self.term = term
        state = TransactionState(transactionTimeout: transactionTimeout, at: .now)
        positions = try producer.topic(positionsTopic)
        self.identity = identity
        self.status = status
        self.stop = stop
        ender = TransactionCompleter(client: producer.client)
    }

    /// Makes this producer the only one with the stream's transactional id: a predecessor's open transaction is
    /// aborted, and a rival is fenced. Then shows the group that the right process did that.
    func fence() throws {
        let membership = try term?.membership()
        try again { () throws(KafkaError) in try producer.client.initTransactions(timeout: Self.fenceTime) }
        status.published(0)
        if let term, let membership { try vouch(for: term, as: membership) }
    }

    private func vouch(for term: StreamLeadership.Term, as membership: GroupConsumer.Membership) throws {
        try producer.client.beginTransaction()
        state.open(at: .now)
        do {
            try again { () throws(KafkaError) in
                try term.vouch(as: membership, inTransactionOf: producer.client, timeout: Self.callTime)
            }
            state.commit(nil)
            ender.start(.commit)
            try awaitCommit()
        } catch {
            abort()
            throw error
        }
    }

    /// Makes a call until its outcome is known.
    private func again(_ call: () throws(KafkaError) -> Void) throws {
        let quiet = ContinuousClock.now + Self.patience
        while true {
            do throws(KafkaError) {
                return try call()
            } catch {
                guard error.mayBeCalledAgain else { throw error }
                if !error.isTimeout || .now >= quiet { status.kafkaFailed(error) }
                if stop.isRequested { throw Stopped() }
                try term?.check()
                _ = try producer.serve(timeout: .milliseconds(100)) { _ in }
            }
        }
    }

    func resume(after stored: StreamPosition) { state.resume(after: stored) }

    /// In a transaction of its own, which is committed while the change stream is being opened.
    func claim(_ stored: StoredPosition) throws {
        try term?.check()
        try begin()
        try store(stored.json)
        // What is stored already is no progress.
        commit(nil)
    }

    func topic(_ name: String) throws -> KafkaTopic { try producer.topic(name) }

    func publish(_ batch: borrowing RecordBatch, to topics: [KafkaTopic]) throws {
        try begin()
        state.take(bytes: batch.bytes.count)
        for index in 0..<batch.records.count {
            do {
                try produce(index, of: batch, to: topics[batch.records[index].route])
            } catch {
                // Up to a refused record the position can be sealed and committed, unless it is the second one of an
                // event. Whatever else came between, nobody can say how far the transaction has got.
                let isBetweenEvents = index == 0 || batch.records[index - 1].event != batch.records[index].event
                if !(error is RecordRefused) || !isBetweenEvents { state.fail() }
                throw error
            }
            state.countRecord()
        }
    }

    /// Opens a transaction, after the one that is being committed.
    private func begin() throws {
        try awaitCommit()
        guard state.phase == .idle else { return }
        while let wait = committedAt.map({ $0 + settling.time - .now }), wait > .zero { try serveEvents(timeout: wait) }
        try producer.client.beginTransaction()
        producer.beginLinger()
        state.open(at: .now)
    }

    private func produce(_ index: Int, of batch: borrowing RecordBatch, to topic: KafkaTopic) throws {
        let record = batch.records[index]
        do {
            while !(try producer.produce(record, of: batch, to: topic, tag: 1)) {
                try giveUpIfLate()
                try serveEvents(timeout: .milliseconds(100))
            }
        } catch let error as KafkaError where error.isConsequence || error.code == .state {
            throw try reason(of: error)
        } catch let error as KafkaError where !error.isFatal {
            throw RecordRefused(
                error: error, topic: topic.name, key: batch.keyText(of: record), size: batch.size(of: record),
                token: batch.token(of: record),
                index: index)
        }
    }

    /// Why nothing can be produced in the open transaction: what was refused, or else what librdkafka says to a commit
    /// of such a transaction, which has no other effect.
    private func reason(of error: KafkaError) throws -> KafkaError {
        state.fail()
        let deadline = ContinuousClock.now + Self.reportsAfterFailure
        repeat { try serveEvents(timeout: .milliseconds(50)) } while .now < deadline
        if let fatal = producer.client.fatalError { return fatal }
        do throws(KafkaError) { try producer.client.commitTransaction(timeout: Self.callTime) } catch { return error }
        return error
    }

    /// How long the reports are waited for that may explain a failure.
    private static let reportsAfterFailure: Duration = .milliseconds(200)

    private func giveUpIfLate() throws {
        if stop.isOverdue || deadline.map({ $0 <= .now }) ?? false { throw Stopped() }
    }

    func seal(_ position: StreamPosition) throws {
        state.seal(position)
        // Between transactions Kafka has everything.
        if state.phase == .idle { status.covered(position.token) }
        if isDue { try commit() }
    }

    private var isDue: Bool { state.isDue(at: .now, isStopping: stop.isRequested) }

    func endLinger(isCaughtUp: Bool) throws {
        producer.endLinger()
        if isCaughtUp, state.isDueWhenCaughtUp { try commit() }
    }

    func serve(timeout: Duration) throws {
        try serveEvents(timeout: timeout)
        try settleCommit()
        if isDue || state.isDueAlone(at: .now) { try commit() }
    }

    var nextDeadline: ContinuousClock.Instant? { state.nextDeadline }

    // MARK: Committing

    /// Stores the sealed position in the open transaction, or in one of its own, and begins to commit it.
    private func commit() throws {
        if let refusal { throw refusal }
        guard let position = state.storable else { return }
        // The next leader fences this producer; a process that knows already that it does not lead need not wait for
        // that.
        try term?.check()
        try begin()
        try position.refuse(before: state.lastStored)
        try store(identity.record(of: position))
        commit(position)
    }

    /// Puts the record of a position into the open transaction.
    private func store(_ record: [UInt8]) throws {
        positionRecord.setPlain(key: identity.key, value: record)
        try produce(0, of: positionRecord, to: positions)
    }

    /// Begins to commit the open transaction.
    private func commit(_ position: StreamPosition?) {
        producer.endLinger()
        commitBegan = .now
        state.commit(position)
        ender.start(.commit)
    }

    /// Takes the outcome of a commit, when it is there.
    private func settleCommit() throws {
        guard state.phase == .committing else { return }
        guard let result = ender.takeResult() else {
            // A commit waits for its records first, and the producer reports those.
            if producer.client.unacknowledged == 0, let delay = ender.takeDelay() { status.kafkaFailed(delay) }
            return
        }
        if case .failure(let error) = result {
            state.fail()
            // The reports tell more than the commit that fails because of them.
            throw refusal ?? error
        }
        committedAt = .now
        settling.settle(refusals: producer.client.requests.refusedBeginnings)
        if let stored = state.commitEnded(at: .now) {
            status.committed(records: stored.records, in: commitBegan.duration(to: .now))
            status.stored(stored.position)
        } else {
            status.published(0)
        }
        // Nothing was published meanwhile: no transaction was open.
        if let sealed = state.sealed { status.covered(sealed.token) }
    }

    private func awaitCommit() throws {
        while state.phase == .committing {
            try settleCommit()
            guard state.phase == .committing else { return }
            try giveUpIfLate()
            try serveEvents(timeout: .milliseconds(100))
        }
    }

    // MARK: Events

    private func serveEvents(timeout: Duration) throws {
        do {
            try producer.serve(timeout: timeout) { report in
                switch report {
                case .acknowledged: status.published(0)
                case .refused(let error, let topic, let key, let size):
                    guard !error.isConsequence else { return }
                    refusal = refusal ?? RecordRefused(error: error, topic: topic, key: key, size: size, index: nil)
                case .unreachable(let error): status.kafkaFailed(error)
                case .waits(let wait): status.kafkaFailed(wait)
                }
            }
        } catch {
            state.fail()
            throw refusal ?? error
        }
        // A transaction with a record that was refused can only be aborted; a commit that is on its way says so itself.
        if state.phase != .committing, let refusal {
            state.fail()
            throw refusal
        }
    }

    // MARK: The end

    func finish(within limit: Duration?) throws -> Bool {
        deadline = limit.map { .now + $0 }
        // What stays open would keep every reader of committed records waiting until the broker's timeout.
        defer {
            deadline = nil
            if state.phase != .idle { abort() }
        }
        do {
            try awaitCommit()
            if state.isPartOfGroup, stop.isRequested || limit != nil { return true }
            if state.phase != .failed { try commit() }
            try awaitCommit()
        } catch is Stopped {
            return false
        }
        return state.phase == .idle
    }

    private func abort() {
        state.fail()
        producer.abandon()
        ender.abandon(within: Self.abortTime) { _ = try? producer.serve(timeout: .milliseconds(20)) { _ in } }
    }

    /// How long an abort may take when a session ends.
    private static let abortTime: Duration = .seconds(2)

    var wake: @Sendable () -> Void {
        return { [weak client = producer.client] in client?.wake() }
    }

    var unacknowledged: @Sendable () -> Int {
        return { [weak client = producer.client] in client?.unacknowledged ?? 0 }
    }
}
