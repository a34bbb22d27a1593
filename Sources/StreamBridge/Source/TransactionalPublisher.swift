import Logging
import Mongo

/// Exactly once: records and the position after them in one Kafka transaction.
///
/// A reader with `isolation.level=read_committed` sees each event once, in order, whatever happens to the bridge: what a crash leaves open is
/// aborted by the next session's ``fence()``, and published again from the committed position.
///
/// A transaction is committed when the backlog is drained, or after ``mostTime``, or at ``mostBytes``: a lone event waits for nothing, a flood gets
/// large transactions. While a commit is on its way the next batch is read and encoded. Any error ends the session; the next one begins at the committed
/// position.
final class TransactionalPublisher: RecordPublisher {
    private enum State: Equatable {
        case idle
        case open(since: ContinuousClock.Instant)
        case committing
    }

    /// Far below `transaction.timeout.ms`: nobody waits long for what is published.
    private static let mostTime: Duration = .milliseconds(100)
    private static let mostBytes = 8 << 20
    /// An idle stream stores its post-batch token this often, so that it does not age out of the oplog.
    private static let idleStoreInterval: Duration = .seconds(5)
    /// How long one call of the fence may take.
    private static let fenceTime: Duration = .seconds(5)

    private let producer: KafkaProducer
    private let ender: TransactionEnder
    private let positions: KafkaTopic
    private let identity: StreamIdentity
    private let status: StreamStatus
    private let stop: StopSignal

    private var state = State.idle
    /// What covers everything published so far; nil when the committed position does.
    private var sealed: StreamPosition?
    /// What the commit that is on its way stores.
    private var committing: StreamPosition?
    private var lastStored: StreamPosition?
    private var lastStoredAt: ContinuousClock.Instant = .now
    /// Of the open transaction.
    private var bytes = 0
    private var records = 0
    private var refusal: RecordRefused?
    private var positionRecord = RecordBatch()

    init(
        producer: KafkaProducer, positionsTopic: String, identity: StreamIdentity, status: StreamStatus, stop: StopSignal
    ) throws(KafkaError) {
        self.producer = producer
        ender = TransactionEnder(client: producer.client)
        positions = try producer.topic(positionsTopic)
        self.identity = identity
        self.status = status
        self.stop = stop
    }

    deinit { ender.end() }

    /// Makes this producer the only one with the stream's transactional id: a predecessor's open transaction is aborted, and a rival is fenced.
    func fence() throws {
        while true {
            do throws(KafkaError) {
                return try producer.client.initTransactions(timeout: Self.fenceTime)
            } catch {
                guard error.isRetriable, !error.isFatal else { throw error }
                status.kafkaTrouble(error)
                if stop.isRequested { throw StreamStopped() }
                _ = try producer.serve(timeout: .milliseconds(100)) { _ in }
            }
        }
    }

    func resume(after stored: StreamPosition) { lastStored = stored }

    func topic(_ name: String) throws -> KafkaTopic { try producer.topic(name) }

    func publish(_ batch: borrowing RecordBatch, to topics: [KafkaTopic]) throws {
        try begin()
        for index in 0..<batch.records.count {
            try produce(index, of: batch, to: topics[batch.records[index].route])
            records += 1
        }
        bytes += batch.bytes.count
    }

    /// Opens a transaction, after the one that is being committed.
    private func begin() throws {
        try awaitCommit()
        guard case .idle = state else { return }
        try producer.client.beginTransaction()
        producer.beginLinger()
        state = .open(since: .now)
    }

    private func produce(_ index: Int, of batch: borrowing RecordBatch, to topic: KafkaTopic) throws {
        let record = batch.records[index]
        do {
            while !(try producer.produce(record, of: batch, to: topic, tag: 1)) {
                if stop.isOverdue { throw StreamStopped() }
                try serveEvents(timeout: .milliseconds(100))
            }
        } catch let error as KafkaError where error.isAftermath || error.name == "_STATE" {
            // The transaction is finished; the reports say why.
            try serveEvents(timeout: .zero)
            throw producer.client.fatalError ?? error
        } catch let error as KafkaError where !error.isFatal {
            throw RecordRefused(error: error, topic: topic.name, key: batch.keyText(of: record), size: batch.size(of: record), index: index)
        }
    }

    func seal(_ position: StreamPosition) throws {
        sealed = position
        if case .open(let since) = state, bytes >= Self.mostBytes || .now >= since + Self.mostTime { try commit() }
    }

    func endLinger(isCaughtUp: Bool) throws {
        producer.endLinger()
        if case .open = state, isCaughtUp, sealed != nil { try commit() }
    }

    func serve(timeout: Duration) throws {
        try serveEvents(timeout: timeout)
        try settleCommit()
        switch state {
        case .open(let since): if .now >= since + Self.mostTime, sealed != nil { try commit() }
        case .idle: if let sealed, isDue(sealed) { try commit() }
        case .committing: break
        }
    }

    /// A token that only moved can wait; without a stored one nothing can.
    private func isDue(_ position: StreamPosition) -> Bool {
        guard let lastStored else { return true }
        return position != lastStored && .now >= lastStoredAt + Self.idleStoreInterval
    }

    var nextDeadline: ContinuousClock.Instant? {
        switch state {
        case .open(let since): since + Self.mostTime
        case .idle: sealed == nil ? nil : lastStoredAt + Self.idleStoreInterval
        case .committing: nil
        }
    }

    // MARK: Committing

    /// Stores the sealed position in the open transaction, or in one of its own, and begins to commit it.
    private func commit() throws {
        guard let position = sealed else { return }
        try begin()
        try refuseBackwards(position)
        positionRecord.setPlain(key: identity.stream, value: identity.record(of: position))
        try produce(0, of: positionRecord, to: positions)
        producer.endLinger()
        sealed = nil
        committing = position
        state = .committing
        ender.start(.commit)
    }

    /// KeyStrings compare like their hexadecimal text: a token that is older than the stored one means that something is badly wrong.
    private func refuseBackwards(_ position: StreamPosition) throws {
        if let stored = lastStored?.token.data, let offered = position.token.data, offered < stored {
            throw PositionError.backwards(stored: stored, offered: offered)
        }
    }

    /// Takes the outcome of a commit, when it is there.
    private func settleCommit() throws {
        guard state == .committing, let result = ender.takeResult() else { return }
        // The reports tell more than the commit that fails because of them.
        if let refusal { throw refusal }
        try result.get()
        status.published(records)
        if let position = committing {
            lastStored = position
            lastStoredAt = .now
            status.stored(position)
        }
        committing = nil
        records = 0
        bytes = 0
        state = .idle
    }

    private func awaitCommit() throws {
        while state == .committing {
            try settleCommit()
            guard state == .committing else { return }
            if stop.isOverdue { throw StreamStopped() }
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
                    guard !error.isAftermath else { return }
                    refusal = refusal ?? RecordRefused(error: error, topic: topic, key: key, size: size, index: nil)
                case .unreachable(let error): status.kafkaTrouble(error)
                }
            }
        } catch {
            throw refusal ?? error
        }
        // A transaction with a record that was refused can only be aborted.
        if state != .committing, let refusal { throw refusal }
    }

    // MARK: The end

    func finish(within limit: Duration?) throws -> Bool {
        let deadline = limit.map { ContinuousClock.now + $0 }
        // What stays open would keep every reader of committed records waiting until the broker's timeout.
        defer { if !isSettled { abort() } }
        if let position = sealed, position != lastStored || state != .idle { try commit() }
        while state == .committing, !stop.isOverdue, deadline.map({ $0 > .now }) ?? true {
            try settleCommit()
            if state == .committing { try serveEvents(timeout: .milliseconds(100)) }
        }
        return isSettled
    }

    private var isSettled: Bool { state == .idle }

    private func abort() {
        producer.abandon()
        ender.abandon(within: Self.abortTime) { _ = try? producer.serve(timeout: .milliseconds(20)) { _ in } }
    }

    /// How long an abort may take when a session ends.
    private static let abortTime: Duration = .seconds(2)

    var wake: @Sendable () -> Void {
        return { [weak client = producer.client] in client?.wake() }
    }
}
