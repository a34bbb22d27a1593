import Kafka
import Logging
import Mongo
import Runtime

/// Reads and edits the stored positions of streams, also while a bridge runs.
package struct Positions: Sendable {
    /// Who edits, and how.
    package struct Request: Sendable {
        /// `user@host`
        package var by: String
        package var why: String?
        /// Opens a change stream there and stores nothing.
        package var isDryRun: Bool
        /// Of an at-least-once stream, too, whose leader could not be made to stand back.
        package var isForced: Bool

        package init(by: String, why: String? = nil, isDryRun: Bool = false, isForced: Bool = false) {
            self.by = by
            self.why = why
            self.isDryRun = isDryRun
            self.isForced = isForced
        }
    }

    package struct Change: Sendable {
        package enum Leader: Sendable {
            /// The leader of the stream had given up the lead before the edit, and begins at the new position now.
            case stoodBack
            /// The group gave no word. A leader, if there is one, begins at the new position when it notices that it
            /// was fenced.
            case unaware
        }

        package struct RunningSnapshot: Sendable {
            package let id: String
            /// It has no position any more to continue with. Otherwise it continues behind its last document.
            package let isEnded: Bool
        }

        package let trial: PositionTrial
        /// Nil for a dry run.
        package let edit: PositionEdit?
        /// Which events the edit leaves out, for people, and the topic that has the record of it.
        package let gap: (range: String, topic: String)?
        /// The snapshot that ran; nil for a dry run.
        package let snapshot: RunningSnapshot?
        /// Nil for a dry run.
        package let leader: Leader?
    }

    /// What ``importOffset(_:of:_:)`` found and did.
    package struct Import: Sendable {
        package let offset: ConnectOffset
        /// As the topic has it.
        package let key: String
        /// `topic/partition/offset`
        package let place: String
        /// In ISO 8601; nil when Kafka does not say.
        package let writtenAt: String?
        package let change: Change
    }

    private let configuration: BridgeConfiguration
    private let logger: Logger
    private let stop = StopSignal()

    package init(configuration: BridgeConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    package func requestStop() { stop.request(grace: .zero) }

    // MARK: Reading

    /// One entry for each stream of the configuration, and for each other one that has a position.
    ///
    /// - Throws: ``Unreachable``, ``Halt``.
    package func list() async throws -> [StoredPositionEntry] {
        try await OperationThread.run("positions", stop: stop, onlyReads: true) {
            let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
            let values = try self.values(of: store(admin), admin).mapValues(\.bytes)
            let now = WallClock.milliseconds()
            let known = configuration.streams.map(\.name)
            let names = known + values.keys.filter { !known.contains($0) }.sorted()
            return names.map { StoredPositionEntry(stream: $0, value: values[$0], now: now) }
        }
    }

    /// - Throws: ``Unreachable``, ``Halt``.
    package func show(_ stream: StreamSettings) async throws -> StoredPositionDetails {
        try await OperationThread.run("positions", stop: stop, onlyReads: true) {
            let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
            let value = try self.values(of: store(admin), admin)[stream.name]?.bytes
            let (deployment, pool) = try reachMongoDB()
            return StoredPositionDetails(
                StoredPositionEntry(stream: stream.name, value: value, now: WallClock.milliseconds()),
                clusterTime: value.flatMap { try? StoredPosition(json: $0) }?.position.token.clusterTime,
                oplog: Result { try deployment.oplogWindow(pool: pool) })
        }
    }

    /// The edits so far, the oldest one first.
    ///
    /// - Parameter stream: nil for those of every stream.
    /// - Throws: ``Unreachable``, ``Halt``.
    package func history(of stream: String?) async throws -> [PositionEdit] {
        try await OperationThread.run("positions", stop: stop, onlyReads: true) {
            let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
            return try PositionHistory(bridge: configuration.name, admin: admin, settings: configuration.kafka)
                .edits(timeout: configuration.startupTimeout, stop: stop).filter { stream == nil || $0.stream == stream }
        }
    }

    private func values(of store: PositionStore, _ admin: KafkaAdmin) throws -> [String: NewestValue] {
        guard try admin.topic(store.topic, within: configuration.startupTimeout, stop: stop) != nil else { return [:] }
        return try store.readAll(timeout: configuration.startupTimeout, .init(stop: stop))
    }

    // MARK: Editing

    /// Lets a stream continue from another place.
    ///
    /// - Throws: ``Unreachable``, ``Halt``, also when the server does not continue from there.
    package func set(_ stream: StreamSettings, to place: PositionPlace, _ request: Request) async throws -> Change {
        try await OperationThread.run("positions", stop: stop) {
            let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
            let (deployment, pool) = try reachMongoDB()
            let published: PublishedPlace? =
                if case .record(let record) = place {
                    try PublishedPlace(
                        of: record, admin: admin, settings: configuration.kafka, timeout: configuration.startupTimeout, stop: stop)
                } else { nil }
            let start: ChangeStreamOptions.Start =
                switch place {
                case .start(let point): try deployment.start(at: point, of: "the place", status: .lostPosition, pool: pool)
                case .record: published.map { .after($0.token) } ?? .now
                }
            // Before anything is changed.
            let trial = try PositionTrial(of: stream, at: start, transaction: published?.transaction, on: deployment, pool: pool)
            return try move(stream, to: trial, request, admin, on: deployment, pool: pool)
        }
    }

    /// Lets a stream continue where a connector of Kafka Connect stopped.
    ///
    /// - Throws: ``Unreachable``, ``Halt``, also when the offset is no position or the server does not continue from
    ///   it; ``WrongUsage``.
    package func importOffset(_ source: ConnectOffsetSource, of stream: StreamSettings, _ request: Request) async throws -> Import {
        try await OperationThread.run("positions", stop: stop) {
            let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
            let (entry, offset) = try ConnectOffsets.read(
                of: source.connector, in: source.topic, admin: admin, settings: configuration.kafka, timeout: configuration.startupTimeout,
                stop: stop
            ).chosen(source.key)
            let place = "\(source.topic)/\(entry.coordinates)"
            let (deployment, pool) = try reachMongoDB()
            let trial: PositionTrial
            do {
                trial = try PositionTrial(of: stream, at: .after(offset.token), transaction: nil, on: deployment, pool: pool)
            } catch let halt as Halt where halt.status == .lostPosition {
                throw Halt(
                    reason: "the offset \(place) is no position of stream \(stream.name): \(halt.reason)",
                    remedy:
                        "Nothing was changed. The stream has to watch what the connector watched, on the same deployment. If the oplog has lost "
                        + "the place: `snapshot: initial` copies the documents that are there, `bridge positions set \(stream.name) oldest` goes as "
                        + "far back as the oplog does", status: .lostPosition)
            }
            var request = request
            let origin = "imported from \(offset.writer.rawValue), connector \(source.connector), offset \(place)"
            request.why = request.why.map { "\(origin): \($0)" } ?? origin
            return Import(
                offset: offset, key: entry.key.text, place: place, writtenAt: entry.writtenAt.map(StoredPosition.iso8601(milliseconds:)),
                change: try move(stream, to: trial, request, admin, on: deployment, pool: pool))
        }
    }

    /// Stores the position of a trial as the stream's own.
    private func move(
        _ stream: StreamSettings, to trial: PositionTrial, _ request: Request, _ admin: KafkaAdmin, on deployment: Deployment,
        pool: MongoClientPool
    ) throws -> Change {
        let store = store(admin)
        let lost = try lostPosition(of: stream, in: store, admin, on: deployment, pool: pool)
        return try self.store(request, of: stream, in: store, trial: trial, past: lost, goesOn: trial.place, admin: admin) { former in
            var position = trial.position
            // How many were published over the life of the stream does not change.
            position.events = former?.position.events ?? 0
            position.snapshot = former?.position.snapshot
            return StoredPosition(
                stream: stream.name, position: position, options: StoredPosition.definitionHash(of: stream),
                replicaSet: deployment.replicaSet,
                // Who leads the stream, not who edited it: a process that starts asks whether that one may still run.
                writer: former?.writer ?? Instance.name, writtenAt: WallClock.milliseconds()
            ).json
        }
    }

    /// Removes a stream's position, so that it begins at its `startAt`.
    ///
    /// - Throws: ``Unreachable``, ``Halt``.
    package func reset(_ stream: StreamSettings, _ request: Request) async throws -> Change {
        try await OperationThread.run("positions", stop: stop) {
            let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
            let (deployment, pool) = try reachMongoDB()
            let start = try deployment.start(at: stream.startAt, pool: pool)
            let trial = try PositionTrial(of: stream, at: start, transaction: nil, on: deployment, pool: pool)
            // `now` is when the stream begins, not when its position is removed.
            let place = stream.startAt == .now ? GapRecord.Place(token: nil, clusterTime: nil) : trial.place
            let store = store(admin)
            let lost = try lostPosition(of: stream, in: store, admin, on: deployment, pool: pool)
            return try self.store(request, of: stream, in: store, trial: trial, past: lost, goesOn: place, admin: admin) { _ in nil }
        }
    }

    /// The stored position, if the server refuses it.
    private func lostPosition(
        of stream: StreamSettings, in store: PositionStore, _ admin: KafkaAdmin, on deployment: Deployment, pool: MongoClientPool
    ) throws -> LostPosition? {
        guard let stored = try values(of: store, admin)[stream.name].flatMap({ try? StoredPosition($0) }) else { return nil }
        do {
            _ = try PositionTrial.open(stream, at: .after(stored.position.token), on: deployment, pool: pool)
            return nil
        } catch let error as MongoError {
            return LostPosition(stored.position, error: error, changed: nil, oplog: { try deployment.oplogWindow(pool: pool) })
        }
    }

    /// What the stream will never publish because of an edit.
    ///
    /// - Parameter place: where it continues.
    private func gap(
        after former: StoredPosition?, past lost: LostPosition?, trial: PositionTrial, goesOn place: GapRecord.Place, _ request: Request
    ) -> GapRecord? {
        guard let from = former?.position.token else { return nil }
        let edit = "position edited by \(request.by)\(request.why.map { ": \($0)" } ?? "")"
        if let lost, lost.position.token == from {
            return GapRecord(
                from: .init(token: from, clusterTime: lost.clusterTime), to: place, reason: "\(lost.error); \(edit)", code: lost.error.code,
                at: WallClock.milliseconds())
        }
        // As StreamPosition.refuse(before:) compares them.
        guard let old = from.data, let new = trial.position.token.data, old < new else { return nil }
        return GapRecord(
            from: .init(token: from, clusterTime: from.clusterTime), to: place, reason: edit, code: nil, at: WallClock.milliseconds())
    }

    private func store(
        _ request: Request, of stream: StreamSettings, in store: PositionStore, trial: PositionTrial, past lost: LostPosition?,
        goesOn place: GapRecord.Place, admin: KafkaAdmin, value: (_ former: StoredPosition?) -> [UInt8]?
    ) throws -> Change {
        func gap(after former: StoredPosition?) -> GapRecord? {
            self.gap(after: former, past: lost, trial: trial, goesOn: place, request)
        }
        let timeout = configuration.startupTimeout
        let former = try values(of: store, admin)[stream.name].flatMap { try? StoredPosition($0) }
        let gaps = InternalTopics.gaps(of: configuration.name)
        guard !request.isDryRun else {
            return Change(trial: trial, edit: nil, gap: gap(after: former).map { ($0.range, gaps) }, snapshot: nil, leader: nil)
        }
        let topics = TopicCatalog(admin: admin, settings: configuration.topics, stop: stop, logger: logger)
        try topics.ensure(store.topic, partitions: 1, config: CompactedTopic.config(under: configuration.topics), timeout: timeout)
        try topics.ensure(
            InternalTopics.positionEdits(of: configuration.name), partitions: 1, config: GapRecord.topicSettings, timeout: timeout)
        // A leader only moves on: what is no gap now is none later.
        if gap(after: former) != nil { try topics.ensure(gaps, partitions: 1, config: GapRecord.topicSettings, timeout: timeout) }
        // The writer of the stored position may not be the leader: a process that has just begun has stored none yet.
        let lead = try takeLead(of: stream, topics: topics, isForced: request.isForced)
        defer { lead?.release() }
        if stop.isRequested { throw Stopped() }
        let transaction = StreamTransaction(configuration: configuration, stream: stream.name, lead: lead, stop: stop, logger: logger)
        let edit = try PositionWriter(transaction: transaction, store: store, ledger: ledger(admin)).write { former in
            let new = value(former.position)
            return PositionWriter.Edit(
                record: PositionEdit(
                    stream: stream.name, old: former.value, new: new, by: request.by, why: request.why, at: WallClock.milliseconds()),
                gap: gap(after: former.position),
                snapshot: new == nil ? former.snapshot?.failed(because: "the stream's position was removed") : former.snapshot)
        }
        return Change(
            trial: trial, edit: edit.record, gap: edit.gap.map { ($0.range, gaps) },
            snapshot: edit.snapshot.map { .init(id: $0.id, isEnded: $0.state == .failed) }, leader: lead == nil ? .unaware : .stoodBack)
    }

    /// Makes the leader stand back while the edit is made. An exactly-once leader would notice at its next transaction
    /// that it was fenced, which an idle stream has seldom; nothing fences an at-least-once leader, and it would store
    /// its own position over the new one.
    ///
    /// - Returns: nil when the group gave no word, and the edit may be made all the same.
    private func takeLead(of stream: StreamSettings, topics: TopicCatalog, isForced: Bool) throws -> LeadershipHold? {
        do {
            return try LeadershipHold.take(of: stream.name, configuration, topics: topics, stop: stop, logger: logger)
        } catch is Stopped {
            throw Stopped()
        } catch {
            guard stream.delivery == .exactlyOnce || isForced else {
                throw Halt(
                    reason:
                        "stream \(stream.name) is at-least-once, and the process that leads it could not be made to stand back: \(error). It would "
                        + "store its own position over this one",
                    remedy: "Stop the bridge and try again; --force when you know that no bridge leads the stream", status: .configuration)
            }
            logger.debug("the leader was not made to stand back: \(error)")
            return nil
        }
    }

    // MARK: Both sides

    private func store(_ admin: KafkaAdmin) -> PositionStore {
        PositionStore(bridge: configuration.name, admin: admin, settings: configuration.kafka)
    }

    private func ledger(_ admin: KafkaAdmin) -> SnapshotLedger {
        SnapshotLedger(bridge: configuration.name, admin: admin, settings: configuration.kafka)
    }

    private func reachMongoDB() throws -> (Deployment, MongoClientPool) {
        let pool = try MongoClientPool(.init(configuration.mongodb, appName: "bridge.\(configuration.name).positions"))
        return (try Deployment.reached(by: pool, stop: stop), pool)
    }
}
