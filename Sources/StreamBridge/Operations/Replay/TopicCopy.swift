import Kafka
import Logging
import Runtime

/// Copies a range of a Kafka topic to another one, exactly once. Used on one thread.
package struct TopicCopy {
    /// An end of the range.
    package enum Place: Sendable, Equatable {
        case offset(Int64)
        /// Of records, in milliseconds since 1970.
        case time(Int64)
    }

    package struct Request: Sendable {
        package var source: String
        package var target: String
        /// Nil for the oldest record.
        package var from: Place?
        /// The last one that belongs to it; nil for the newest committed record of the moment.
        package var to: Place?
        /// Nil for all of them.
        package var partition: Int32?
        /// A whole key, or `/PATTERN/`; nil for every record.
        package var key: String?
        /// Records per second; nil for as fast as it goes.
        package var rate: Int?
        /// Nil for one that is made.
        package var id: String?
        /// `user@host`
        package var by: String

        package init(
            source: String, target: String, from: Place? = nil, to: Place? = nil, partition: Int32? = nil, key: String? = nil,
            rate: Int? = nil, id: String? = nil, by: String
        ) {
            self.source = source
            self.target = target
            self.from = from
            self.to = to
            self.partition = partition
            self.key = key
            self.rate = rate
            self.id = id
            self.by = by
        }
    }

    typealias Show = @Sendable (Replay.Progress) -> Void

    private let configuration: BridgeConfiguration
    private let admin: KafkaAdmin
    private let ledger: ReplayLedger
    private let stop: StopSignal
    private let logger: Logger

    init(_ configuration: BridgeConfiguration, stop: StopSignal, logger: Logger) throws {
        self.configuration = configuration
        self.stop = stop
        self.logger = logger
        // Whatever is before the oldest open transaction is decided, so the copy need not wait for anybody.
        admin = try KafkaAdmin(settings: configuration.kafka, isolation: .readCommitted, logger: logger)
        ledger = ReplayLedger(configuration, admin: try KafkaAdmin(settings: configuration.kafka, logger: logger), stop: stop)
    }

    func run(_ request: Request, _ show: @escaping Show) throws -> Replay.Summary {
        let id = try ReplayLedger.id(asked: request.id)
        var record = try record(of: request, id: id)
        let catalog = TopicCatalog(admin: admin, settings: configuration.topics, stop: stop, logger: logger)
        try ledger.begin(id, catalog)
        let partitions = try partitions(of: request.source)
        try catalog.ensure(request.target, partitions: partitions, timeout: configuration.startupTimeout)
        record.keepsPartitions = try self.partitions(of: request.target) == partitions
        for dispatcher in configuration.dispatchers where dispatcher.commands == request.target {
            logger.warning("dispatcher \(dispatcher.name) reads \(request.target): each record is a command, or becomes a dead letter")
        }
        logger.info(
            """
            replay \(id) of topic \(request.source) to \(request.target); if it is interrupted, continue with \
            \(Replay.resumeCommand(id, rate: request.rate))
            """)
        return try resume(record, rate: request.rate, show)
    }

    func plan(_ request: Request, _ show: @escaping Show) throws -> TopicCopyPlan {
        let record = try record(of: request, id: request.id ?? "")
        var plan = TopicCopyPlan(record, rate: request.rate)
        var pass = try TopicCopyPass(record, settings: configuration.kafka, patience: configuration.startupTimeout)
        while !stop.isRequested, let step = try pass.next(within: .milliseconds(200)) {
            if case .record(let record) = step { plan.count(record) }
            show(Replay.Progress(id: "", events: plan.records, fraction: pass.record.fraction))
        }
        plan.isWhole = pass.isThrough
        return plan
    }

    func resume(_ record: TopicCopyRecord, rate: Int?, _ show: @escaping Show) throws -> Replay.Summary {
        try TopicCopySession(
            configuration: configuration, record: record, rate: rate, admin: admin, ledger: ledger, stop: stop, logger: logger
        )
        .run(show)
    }

    private func partitions(of topic: String) throws -> Int? {
        try admin.topic(topic, within: configuration.startupTimeout, stop: stop)?.partitions
    }

    // MARK: What is asked for

    private func record(of request: Request, id: String) throws -> TopicCopyRecord {
        do throws(ConfigurationComplaint) {
            _ = try LegalName.topic(request.target, bridge: configuration.name)
        } catch {
            throw WrongUsage("--topic-to", error)
        }
        if let key = request.key { _ = try KeyFilter(key) }
        return TopicCopyRecord(
            id: id, source: request.source, target: request.target, key: request.key, by: request.by, startedAt: WallClock.milliseconds(),
            stretches: try stretches(of: request))
    }

    private func stretches(of request: Request) throws -> [Int32: TopicCopyRecord.Stretch] {
        guard let topic = try admin.topic(request.source, within: configuration.startupTimeout, stop: stop), topic.partitions > 0 else {
            throw Halt(
                reason: "there is no topic \(request.source)", remedy: "Give --topic-from the topic to copy from", status: .configuration)
        }
        let all = 0..<Int32(topic.partitions)
        if let partition = request.partition, !all.contains(partition) {
            throw WrongUsage("topic \(request.source) has the partitions 0 to \(topic.partitions - 1); found --partition \(partition)")
        }
        var stretches: [Int32: TopicCopyRecord.Stretch] = [:]
        for partition in request.partition.map({ [$0] }) ?? Array(all) {
            stretches[partition] = .init(try offsets(of: partition, request))
        }
        return stretches
    }

    private func offsets(of partition: Int32, _ request: Request) throws -> Range<Int64> {
        let timeout = configuration.startupTimeout
        let there = try admin.watermarks(topic: request.source, partition: partition, timeout: timeout)
        let name = "\(request.source)/\(partition)"
        var start = there.lowerBound
        switch request.from {
        case .offset(let offset)?:
            guard there.contains(offset) else {
                throw WrongUsage(
                    "\(name) has the offsets from \(there.lowerBound) to before \(there.upperBound); found --from-offset \(offset)")
            }
            start = offset
        case .time(let time)?:
            let found = try admin.offset(ofTopic: request.source, partition: partition, atMilliseconds: time, timeout: timeout)
            start = min(found ?? there.upperBound, there.upperBound)
        case nil: break
        }
        var end = there.upperBound
        switch request.to {
        case .offset(let offset)?: if offset < end { end = offset + 1 }
        case .time(let time)?:
            // With all of its second.
            let next = (time / 1000 + 1) * 1000
            let found = try admin.offset(ofTopic: request.source, partition: partition, atMilliseconds: next, timeout: timeout)
            end = min(found ?? end, end)
        case nil: break
        }
        return start..<max(start, end)
    }
}
