import Kafka
import Logging
import Mongo
import Runtime

/// At-least-once: an idempotent producer, and a position that is stored only when every record before it is
/// acknowledged.
///
/// A crash repeats what was published after the last stored position, in the same order; it never loses.
final class AtLeastOncePublisher: RecordPublisher {
    /// While events flow, the position is at most this old: what a crash repeats.
    private static let storeInterval: Duration = .milliseconds(500)
    /// While so many position records are on their way, the next one waits: an idle stream makes one every five
    /// seconds, however long Kafka is away.
    private static let maxPositionsInFlight = 4

    private let producer: KafkaProducer
    private let positions: KafkaTopic
    private let identity: StreamIdentity
    private let term: StreamLeadership.Term?
    private let status: StreamStatus
    private let stop: StopSignal

    private var window = AcknowledgementWindow<StreamPosition>()
    /// Covered, but not in the positions topic yet.
    private var due: StreamPosition?
    private var lastStored: StreamPosition?
    private var lastStoredAt: ContinuousClock.Instant = .now
    /// Since when a position may not be stored for want of a sign from the group, when that is looked at again, and
    /// when it is told.
    private var held: (since: ContinuousClock.Instant, until: ContinuousClock.Instant, report: ContinuousClock.Instant)?
    /// Position records on their way, in their order, and when they were produced.
    private var positionsInFlight: [(position: StreamPosition?, since: ContinuousClock.Instant)] = []
    private var refusal: (any Error)?
    private var positionRecord = RecordBatch()

    /// - Parameter term: nil for a publisher that has no rivals.
    init(
        producer: KafkaProducer, positionsTopic: String, identity: StreamIdentity, term: StreamLeadership.Term?, status: StreamStatus,
        stop: StopSignal
    ) throws(KafkaError) {
        self.producer = producer
        self.term = term
        positions = try producer.topic(positionsTopic)
        self.identity = identity
        self.status = status
        self.stop = stop
    }

    /// At-least-once admits a second writer: it repeats, but cannot lose.
    func fence() {}

    func resume(after stored: StreamPosition) { lastStored = stored }

    func claim(_ stored: StoredPosition) throws {
        guard try mayStore() else { return }
        try produce(position: nil, record: stored.json)
    }

    func topic(_ name: String) throws -> KafkaTopic { try producer.topic(name) }

    func publish(_ batch: borrowing RecordBatch, to topics: [KafkaTopic]) throws {
        producer.beginLinger()
        for index in 0..<batch.records.count {
            try produce(index, of: batch, to: topics[batch.records[index].route], tag: window.tag)
            window.sent()
        }
    }

    private func produce(_ index: Int, of batch: borrowing RecordBatch, to topic: KafkaTopic, tag: UInt) throws {
        let record = batch.records[index]
        do {
            while !(try producer.produce(record, of: batch, to: topic, tag: tag)) {
                if stop.isOverdue { throw Stopped() }
                try serveEvents(timeout: .milliseconds(100))
            }
        } catch let error as KafkaError where error.isConsequence {
            // The producer is finished; the reports say why.
            try serveEvents(timeout: .zero)
            throw producer.client.fatalError ?? error
        } catch let error as KafkaError where !error.isFatal {
            throw RecordRefused(
                error: error, topic: topic.name, key: batch.keyText(of: record), size: batch.size(of: record),
                token: batch.token(of: record),
                index: index)
        }
    }

    func seal(_ position: StreamPosition) throws {
        window.move(to: position)
        try storeIfDue()
    }

    func endLinger(isCaughtUp: Bool) { producer.endLinger() }

    func serve(timeout: Duration) throws {
        try serveEvents(timeout: timeout)
        try storeIfDue()
    }

    /// - Throws: the refusal of a record before the fatal error that follows from it.
    private func serveEvents(timeout: Duration) throws {
        do {
            try takeReports(timeout: timeout)
        } catch {
            // Fatal. A refusal stops the producer (`enable.gapless.guarantee`); its report may be a moment behind.
            let deadline = ContinuousClock.now + Self.reportsAfterFatal
            while refusal == nil, .now < deadline { _ = try? takeReports(timeout: .milliseconds(50)) }
            throw refusal ?? error
        }
        if let refusal { throw refusal }
    }

    /// How long the reports are waited for that may explain a fatal error.
    private static let reportsAfterFatal: Duration = .milliseconds(500)

    private func takeReports(timeout: Duration) throws(KafkaError) {
        try producer.serve(timeout: timeout) { report in
            switch report {
            case .acknowledged(tag: 0, let count):
                for (position, since) in positionsInFlight.prefix(count) {
                    status.acknowledgedPosition(in: since.duration(to: .now))
                    if let position { status.stored(position) }
                }
                positionsInFlight.removeFirst(min(count, positionsInFlight.count))
            case .acknowledged(let tag, let count):
                window.acknowledged(tag: tag, count: count)
                status.published(count)
            case .refused(let error, let topic, let key, let size):
                guard !error.isConsequence else { return }
                refusal = refusal ?? RecordRefused(error: error, topic: topic, key: key, size: size, index: nil)
            case .unreachable(let error): status.kafkaFailed(error)
            case .waits(let wait): status.kafkaFailed(wait)
            }
        }
    }

    var nextDeadline: ContinuousClock.Instant? {
        guard hasRoomForPosition else { return nil }
        return due.map { max(lastStoredAt + interval(to: $0), held?.until ?? lastStoredAt) }
    }

    private var hasRoomForPosition: Bool { positionsInFlight.count < Self.maxPositionsInFlight }

    /// Events, and documents of a snapshot, since the last stored position make it due soon; a token that only moved on
    /// an idle stream can wait.
    private func interval(to position: StreamPosition) -> Duration {
        guard let lastStored else { return .zero }
        return position.events == lastStored.events && position.snapshot == lastStored.snapshot
            ? StreamPosition.idleStoreInterval : Self.storeInterval
    }

    private func storeIfDue() throws {
        takeCovered()
        guard hasRoomForPosition, let position = due, .now >= lastStoredAt + interval(to: position), try mayStore() else { return }
        try store(position)
    }

    /// Asks the term, before every position.
    ///
    /// - Returns: false when the group has given no sign for too long. What is due stays due.
    /// - Throws: ``NotLeading``.
    private func mayStore() throws -> Bool {
        switch term?.mayStore() ?? .allowed {
        case .allowed:
            held = nil
            return true
        case .over: throw NotLeading()
        case .held:
            let now = ContinuousClock.now
            let since = held?.since ?? now
            // Records continue being acknowledged, which ends the trouble each time.
            let isToBeTold = now >= held?.report ?? now + Self.heldPatience
            if isToBeTold {
                status.kafkaFailed(
                    WaitsFor(
                        description: "no position is stored before group \(term?.group ?? "") has given a sign of life again",
                        kind: .waiting))
            }
            held = (since, now + Self.heldPause, isToBeTold ? now + Self.heldRepetition : held?.report ?? since + Self.heldPatience)
            return false
        }
    }

    private static let heldPause: Duration = .milliseconds(200)
    private static let heldPatience: Duration = .seconds(3)
    private static let heldRepetition: Duration = .seconds(60)

    private func takeCovered() {
        guard let covered = window.takeCovered() else { return }
        due = covered
        status.covered(covered.token)
    }

    private func store(_ position: StreamPosition) throws {
        due = nil
        lastStoredAt = .now
        guard position != lastStored else { return }
        try position.refuse(before: lastStored)
        try produce(position: position, record: identity.record(of: position))
        lastStored = position
    }

    /// - Parameter position: nil for one that is stored already, which is no progress.
    private func produce(position: StreamPosition?, record: [UInt8]) throws {
        positionRecord.setPlain(key: identity.stream, value: record)
        try produce(0, of: positionRecord, to: positions, tag: 0)
        // It is to arrive while this process leads.
        producer.endLinger()
        positionsInFlight.append((position, .now))
    }

    func finish(within limit: Duration?) throws -> Bool {
        let deadline = limit.map { ContinuousClock.now + $0 }
        // However it ends: what is still queued must not arrive behind what the next session publishes.
        defer { if !isSettled { producer.abandon() } }
        try wait(until: deadline) { window.isEmpty }
        takeCovered()
        if due != nil { try wait(until: deadline) { try mayStore() } }
        if let position = due, try mayStore() { try store(position) }
        try wait(until: deadline) { positionsInFlight.isEmpty }
        return isSettled && due == nil
    }

    private var isSettled: Bool { window.isEmpty && positionsInFlight.isEmpty }

    private func wait(until deadline: ContinuousClock.Instant?, _ condition: () throws -> Bool) throws {
        while try !condition(), !stop.isOverdue, deadline.map({ $0 > .now }) ?? true {
            // Nothing follows that a record could wait for.
            producer.endLinger()
            try serveEvents(timeout: .milliseconds(100))
        }
    }

    var wake: @Sendable () -> Void {
        // Weak, because the holders of this closure outlive the session: a client that is kept keeps its threads and
        // its queue, and sends what is in it behind the records of the next session.
        return { [weak client = producer.client] in client?.wake() }
    }

    var unacknowledged: @Sendable () -> Int {
        return { [weak client = producer.client] in client?.unacknowledged ?? 0 }
    }
}
