import Kafka
import Logging
import Runtime

/// A copy of a topic's range from where its record says it is, in as many sessions as it takes. Used on one thread.
struct TopicCopySession {
    let configuration: BridgeConfiguration
    /// As it is when the copy begins, or as it was found.
    let record: TopicCopyRecord
    let rate: Int?
    /// Sees what is committed.
    let admin: KafkaAdmin
    let ledger: ReplayLedger
    let stop: StopSignal
    let logger: Logger

    /// A transaction is committed when it is so old, so long or so large: readers of committed records see the copy
    /// grow.
    private static let maximum = (time: Duration.milliseconds(100), records: 5000, bytes: 8 << 20)
    /// What only was looked at is recorded this often.
    private static let idleTime: Duration = .seconds(5)

    /// Blocks until nothing is left, or a stop.
    ///
    /// - Throws: ``ReplayInterrupted`` when the copy is recorded, otherwise its cause.
    func run(_ show: @escaping TopicCopy.Show) throws -> Replay.Summary {
        var committed: TopicCopyRecord?
        let supervisor = ReplaySupervisor(
            id: record.id, rate: rate, patience: configuration.startupTimeout, stop: stop,
            progress: { committed.map { ($0.place, $0.copied) } },
            explain: { OperationFailure.ending(ReplaySupervisor.explained($0, id: record.id)) },
            tell: { logger.warning("retrying: \($0); the replay continues behind its last transaction") })
        let isDone = try supervisor.run { try copy(&committed, show) }
        let result = committed ?? record
        return Replay.Summary(
            id: record.id, source: "topic \(record.source)", unit: "records", topics: [record.target], events: result.copied, isDone: isDone
        )
    }

    /// One session.
    ///
    /// - Returns: whether nothing is left; otherwise a stop came.
    private func copy(_ committed: inout TopicCopyRecord?, _ show: TopicCopy.Show) throws -> Bool {
        let sender = try TransactionalSender(
            configuration.kafka, transactional: .replay(record.id, of: configuration.name), logger: logger)
        let (target, records) = (try sender.topic(record.target), try sender.topic(ledger.topic))
        try sender.fence()
        // After the fence, so that nothing of a predecessor can follow.
        let recorded = try recorded()
        let found = recorded ?? record
        committed = recorded
        try refuseGap(of: found)
        var pass = try TopicCopyPass(found, settings: configuration.kafka, patience: configuration.startupTimeout)
        var transaction = CopyTransaction(sender: sender, ledger: records, copied: found.copied)
        var pace = rate.map { RateLimiter(rate: $0) }
        do {
            // Whatever happens from here on, there is something to continue with.
            if recorded == nil { committed = try transaction.commit(found, state: .running, within: configuration.startupTimeout) }
            while !stop.isRequested, let step = try pass.next(within: transaction.isOpen ? Self.maximum.time : .milliseconds(200)) {
                if case .record(let copied) = step {
                    try transaction.send(
                        copied.marked(id: record.id, topic: record.source, partition: found.keepsPartitions ? copied.partition : nil),
                        to: target)
                }
                let isPaced = pace.map { transaction.records >= $0.batchEvents } ?? false
                if transaction.isDue(Self.maximum) || isPaced || transaction.idleTime >= Self.idleTime {
                    let count = transaction.records
                    committed = try transaction.commit(pass.record, state: .running, within: configuration.startupTimeout)
                    show(Replay.Progress(id: record.id, events: transaction.copied, fraction: pass.record.fraction))
                    if let turn = pace?.turn(of: count), stop.wait(for: max(.zero, turn - .now)) { break }
                }
            }
            let isThrough = pass.isThrough
            committed = try transaction.commit(pass.record, state: isThrough ? .done : .running, within: configuration.startupTimeout)
            return isThrough
        } catch {
            transaction.abandon()
            throw error
        }
    }

    /// Nil before anything is recorded of the copy.
    private func recorded() throws -> TopicCopyRecord? {
        guard let document = try ledger.find(record.id) else { return nil }
        guard let found = TopicCopyRecord(document) else { throw ReplayLedger.unreadable(record.id, topic: ledger.topic) }
        guard found.isSameReplay(as: record) else { throw ReplayLedger.taken(record.id) }
        return found
    }

    /// Retention may have taken records before they were copied.
    private func refuseGap(of record: TopicCopyRecord) throws {
        for (partition, stretch) in record.stretches.sorted(by: { $0.key < $1.key }) where stretch.next < stretch.end {
            let first = try admin.watermarks(topic: record.source, partition: partition, timeout: configuration.startupTimeout).lowerBound
            guard first > stretch.next else { continue }
            throw Halt(
                reason:
                    "\(record.source)/\(partition) begins at offset \(first) now: records from offset \(stretch.next) on were deleted before they "
                    + "were copied",
                remedy: "Begin another replay for what is left", status: .lostPosition)
        }
    }
}
