import Kafka
import Logging
import Mongo
import Runtime

/// Compares what a stream has published with its change stream, and changes nothing.
///
/// First the change stream is read over the range, and of each record that it gives a fingerprint is kept. Then the
/// topics are read, and each record is looked up among them.
package struct Verify: Sendable {
    package struct Request: Sendable {
        /// Nil for the place where the stream's records begin in the topics, or the oldest entry of the oplog,
        /// whichever is later.
        package var from: StartPoint?
        /// Nil for the stored position.
        package var to: StartPoint?
        package var isolation: Isolation
        /// How many findings of each kind are listed.
        package var limit: Int

        package init(from: StartPoint? = nil, to: StartPoint? = nil, isolation: Isolation = .readCommitted, limit: Int = 20) {
            self.from = from
            self.to = to
            self.isolation = isolation
            self.limit = limit
        }
    }

    package enum Progress: Sendable {
        /// Events, or documents, read from MongoDB, records read from Kafka.
        case events(Int), documents(Int), records(Int)
    }

    private let configuration: BridgeConfiguration
    private let settings: StreamSettings
    private let logger: Logger
    private let stop = StopSignal()

    package init(configuration: BridgeConfiguration, stream: StreamSettings, logger: Logger) {
        self.configuration = configuration
        settings = stream
        self.logger = logger
    }

    package func requestStop() { stop.request(grace: .zero) }

    /// - Throws: ``WrongUsage``, ``Unreachable``, ``Halt``.
    package func run(_ request: Request, _ show: @escaping @Sendable (Progress) -> Void = { _ in }) async throws -> VerifyReport {
        try await OperationThread.run("verify", stop: stop, onlyReads: true, ending: ending) { try verify(request, show) }
    }

    /// Compares the newest record of each key with the document that the collection has.
    ///
    /// - Parameter limit: how many findings of each kind are listed.
    /// - Throws: ``Unreachable``, ``Halt``, also for a stream whose records do not carry documents.
    package func documents(limit: Int = 20, _ show: @escaping @Sendable (Progress) -> Void = { _ in }) async throws -> VerifyReport {
        let ending = { @Sendable in OperationFailure.ending($0, of: settings, bridge: configuration.name) }
        return try await OperationThread.run("verify", stop: stop, onlyReads: true, ending: ending) {
            let (admin, pool, deployment) = try reachBothSides()
            var verification = try DocumentVerification(
                configuration, stream: settings, admin: admin, pool: pool, deployment: deployment, limit: limit, stop: stop,
                show: show)
            return try verification.run { try position(admin: admin, deployment: deployment) }
        }
    }

    private func reachBothSides() throws -> (KafkaAdmin, MongoClientPool, Deployment) {
        let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
        let pool = try MongoClientPool(.init(configuration.mongodb, appName: "bridge.\(configuration.name).verify"))
        return (admin, pool, try Deployment(of: pool))
    }

    private func ending(_ error: any Error) -> any Error {
        let end = OperationFailure.ending(error, of: settings, bridge: configuration.name)
        guard let halt = end as? Halt, halt.status == .lostPosition, error is MongoError else { return end }
        return Halt(
            reason: halt.reason, remedy: "Give --from another place, or leave it out, to begin where the oplog does", status: halt.status)
    }

    private func verify(_ request: Request, _ show: @escaping (Progress) -> Void) throws -> VerifyReport {
        let (admin, pool, deployment) = try reachBothSides()
        // The position before everything else: what it covers is in the topics, whatever a running bridge does
        // meanwhile.
        let stored = try position(admin: admin, deployment: deployment)
        let range = try range(of: request, stored: stored?.position, deployment: deployment, pool: pool)
        var report = VerifyReport(
            stream: settings.name, from: "\(range.from)", to: "\(range.to)", isolation: request.isolation.rawValue,
            allowsRepeats: settings.delivery == .atLeastOnce)
        if let stored, stored.options != StoredPosition.definitionHash(of: settings) {
            report.notes.append(
                "scope, pipeline or options of the stream changed since its position was stored; this is the new change stream")
        }
        report.notes += edits(admin)

        var expected = ExpectedRecords()
        let settings = settings
        let options = try ChangeStreamOptions(settings, on: deployment)
        var reading = Reading(
            range: range, isOldest: request.from == nil, options: options, deployment: deployment, pool: pool, admin: admin)
        let topics = try read(&reading) {
            expected = ExpectedRecords()
        } take: { record, _ in
            expected.append(
                record.fingerprint, topic: record.topic, repeatability: settings.repeatability(of: record.fingerprint.operation))
            show(.events(expected.count))
            return true
        }
        report.topics = topics
        report.from = "\(reading.range.from)"
        var comparison = TopicComparison(of: settings, range: reading.range, with: expected, into: report, limit: request.limit)
        expected = ExpectedRecords()
        try compare(topics, with: &comparison, request, admin: admin, show)
        guard !stop.isRequested else {
            report.isStopped = true
            return report
        }
        comparison.finish(
            beginsWithTopic: request.from == nil, hasPublished: stored.map { $0.position.events > 0 } ?? true,
            compacted: compacted(topics, admin: admin))
        if comparison.report.missing > 0, request.limit > 0 {
            listMissing(&reading, &comparison)
        }
        return comparison.report
    }

    private func position(admin: KafkaAdmin, deployment: Deployment) throws -> StoredPosition? {
        let store = PositionStore(bridge: configuration.name, admin: admin, settings: configuration.kafka)
        guard try admin.topic(store.topic, timeout: configuration.startupTimeout) != nil else { return nil }
        let stored = try store.read(stream: settings.name, timeout: configuration.startupTimeout)
        if let theirs = stored?.replicaSet, let ours = deployment.replicaSet, theirs != ours {
            throw PositionError.otherReplicaSet(stored: theirs, connected: ours)
        }
        return stored
    }

    private func range(
        of request: Request, stored: StreamPosition?, deployment: Deployment, pool: MongoClientPool
    ) throws -> EventRange {
        let newest = try pool.withClient { client throws(MongoError) in
            try client.command(["ping": 1], on: "admin", operation: "ask for the time")["operationTime"]?.timestampValue
        }
        let (start, from) = try beginning(request.from ?? .oldest, deployment: deployment, pool: pool)
        let to: EventRange.Place
        if let end = request.to {
            guard let place = try RangeEnds.end(end) ?? newest.map({ .time($0) }) else {
                throw unknown("the deployment does not tell its time", "Give --to a token or a time")
            }
            to = place
        } else {
            guard let text = stored?.token.text else {
                throw unknown(
                    "stream \(settings.name) has no stored position, so nothing says how far it has published",
                    "Run the bridge, or give --to")
            }
            to = .token(text)
        }
        // Without --from the range may be empty: the oplog may begin behind the stored position.
        if request.from != nil { try RangeEnds.refuseBackwards(from: from, to: to, request.to == nil ? "the stored position" : "--to") }
        return EventRange(start: start, from: from, to: to, newest: newest)
    }

    private func beginning(
        _ point: StartPoint, deployment: Deployment, pool: MongoClientPool
    ) throws -> (ChangeStreamOptions.Start, EventRange.Place) {
        if deployment.isSharded, point == .oldest {
            throw unknown("a sharded cluster does not show its oplogs, so nobody knows where they begin", "Give --from a token or a time")
        }
        switch try deployment.start(at: point, of: "--from", pool: pool) {
        case .at(let seconds, let increment):
            return (.at(seconds: seconds, increment: increment), .time(BSONTimestamp(seconds: seconds, increment: increment)))
        case .after(let token): return (.after(token), .token(token.text ?? ""))
        case .now: throw unknown("a range that begins now is empty", "Give --from a token or a time")
        }
    }

    private func unknown(_ reason: String, _ remedy: String) -> Halt {
        Halt(reason: reason, remedy: remedy, status: .configuration)
    }

    /// What of the change stream is read, and from where.
    private struct Reading {
        var range: EventRange
        /// Whether the range begins where the oplog does, because nobody said where.
        let isOldest: Bool
        let options: ChangeStreamOptions
        let deployment: Deployment
        let pool: MongoClientPool
        let admin: KafkaAdmin
    }

    /// Reads the range. One that begins with the oplog is read again from where the oplog begins by then, when that was
    /// cut off meanwhile.
    ///
    /// - Parameters:
    ///   - begin: is called before each reading.
    ///   - take: gets each record of the range, in the change stream's order; false for no more.
    /// - Returns: the topics that the events belong to.
    private func read(
        _ reading: inout Reading, begin: () -> Void, take: @escaping (ExpectedRecord, _ topic: String) -> Bool
    ) throws -> [String] {
        var oldest = OldestStart()
        while true {
            begin()
            do {
                return try read(reading, take: take)
            } catch {
                guard reading.isOldest, oldest.isTriedAgain(after: error) else { throw error }
                let (start, from) = try beginning(.oldest, deployment: reading.deployment, pool: reading.pool)
                reading.range = EventRange(start: start, from: from, to: reading.range.to, newest: reading.range.newest)
            }
        }
    }

    private func read(_ reading: Reading, take: @escaping (ExpectedRecord, _ topic: String) -> Bool) throws -> [String] {
        var isDone = false
        var names: [String] = []
        func takeNext(_ record: ExpectedRecord) {
            if !isDone { isDone = !take(record, names[record.topic]) }
        }
        let inspector = RecordInspector(client: reading.admin.client) { batch, topics in
            for record in batch.records { takeNext(ExpectedRecord(record, of: batch, topic: topics[record.route])) }
        }
        // What a lookup gave cannot be compared, so nothing is looked up.
        let leaveOut: (UnwritableEvent) -> Void = { event in
            takeNext(ExpectedRecord(event, topic: inspector.topicIndex(of: event.route)))
        }
        let route = RangeReader.Route(
            range: reading.range, settings: settings, replicaSet: reading.deployment.replicaSet, publisher: inspector, leaveOut: leaveOut)
        let reader = RangeReader(route) { name in
            names.append(name)
            return try inspector.topic(name)
        }
        let memory = StreamMemory(limit: configuration.limits.memory, streams: 1)
        let source = RangeReader.Source(
            options: reading.options, start: reading.range.start, pool: reading.pool, batchBytes: memory.batchBytes,
            patience: configuration.startupTimeout)
        _ = try reader.run(source, stop: stop) { _ in !isDone }
        return names
    }

    private func compare(
        _ topics: [String], with comparison: inout TopicComparison, _ request: Request, admin: KafkaAdmin,
        _ show: @escaping (Progress) -> Void
    ) throws {
        var records = 0
        // Several namespaces may share a topic.
        for topic in Set(topics).sorted() {
            let extent = try TopicReader.scan(
                topic, admin: admin, settings: configuration.kafka, timeout: configuration.startupTimeout, stop: stop,
                waitsForTransactions: true, isolation: request.isolation,
                begin: { partition, offsets in
                    comparison.begin(topic: topic, partition: partition, isCut: offsets.lowerBound > 0)
                    return offsets.lowerBound
                },
                { TopicComparison.Found($0, of: settings.name) },
                take: { found throws(KafkaError) in
                    records += 1
                    show(.records(records))
                    if let found { comparison.take(found) }
                })
            if extent == nil { comparison.note("there is no topic \(topic)") }
        }
    }

    /// Which of the topics keep the newest record of a key only. Where that cannot be seen, none.
    private func compacted(_ topics: [String], admin: KafkaAdmin) -> Set<Int> {
        let compacted = Set(topics).filter { topic in
            let policy = try? admin.settings(ofTopic: topic, timeout: Self.settingsTime)?["cleanup.policy"]
            return policy?.contains("compact") ?? false
        }
        return Set(topics.indices.filter { compacted.contains(topics[$0]) })
    }

    /// Not every cluster answers that question.
    private static let settingsTime: Duration = .seconds(5)

    /// An edit back repeats events, and one forward leaves some out: a reader of the report should know of them.
    private func edits(_ admin: KafkaAdmin) -> [String] {
        let history = PositionHistory(bridge: configuration.name, admin: admin, settings: configuration.kafka)
        guard let edits = try? history.edits(timeout: Self.settingsTime, stop: stop).filter({ $0.stream == settings.name }),
            let last = edits.last
        else { return [] }
        let times = edits.count == 1 ? "once" : "\(edits.count) times"
        return [
            "the position was edited \(times), last at \(last.time): events may be repeated or left out on purpose "
                + "(`bridge positions history \(settings.name)`)"
        ]
    }

    /// The totals stand, whatever happens to the list.
    private func listMissing(_ reading: inout Reading, _ comparison: inout TopicComparison) {
        let counted = comparison
        var listing = comparison
        do {
            _ = try read(&reading) {
                listing = counted
            } take: {
                // The topics by name: a later beginning may meet them in another order.
                listing.listMissing($0, topic: $1)
            }
            comparison = listing
        } catch {
            comparison.note("what is missing cannot be listed: \(error)")
        }
    }
}

extension TopicComparison.Found {
    /// Nil for a record of another stream, and for one that was not published live.
    fileprivate init?(_ record: borrowing TopicReader.Record, of stream: String) {
        guard record.header("bridge.stream") == stream, record.header("bridge.origin") == "live" else { return nil }
        topic = record.topic
        partition = record.partition
        offset = record.offset
        let key = record.key
        self.key = key
        let (token, operation) = (record.header("mongodb.token") ?? "", record.header("mongodb.op") ?? "")
        func fingerprint(_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?) -> RecordFingerprint {
            RecordFingerprint(token: token, operation: operation, key: key, value: value)
        }
        self.fingerprint = record.withValue { value in
            if let key { key.withUnsafeBytes { fingerprint($0, value) } } else { fingerprint(nil, value) }
        }
    }
}
