import Kafka
import Logging
import Mongo
import Runtime

/// Begins, stops, resumes and shows snapshots of streams, whether a bridge runs or not.
///
/// Only the holder of a stream's lead writes its snapshots into the ledger, so each change takes the lead for a moment:
/// the leader's next session reads the ledger and acts.
package struct Snapshots: Sendable {
    /// What is to be copied.
    package struct Request: Sendable {
        package var stream: StreamSettings
        /// `db.coll`; empty for all that the stream watches.
        package var collections: [String]
        /// Only documents that match, as Extended JSON; nil for the filters of the configuration.
        package var filter: String?
        /// Where the records go, perhaps with `{db}` and `{coll}`; nil for the stream's own topics.
        package var topic: String?
        package var why: String?

        package init(stream: StreamSettings, collections: [String] = [], filter: String? = nil, topic: String? = nil, why: String? = nil) {
            self.stream = stream
            self.collections = collections
            self.filter = filter
            self.topic = topic
            self.why = why
        }
    }

    private let configuration: BridgeConfiguration
    private let user: String
    private let logger: Logger
    private let stop = StopSignal()

    /// - Parameter user: who asks, `user@host`.
    package init(configuration: BridgeConfiguration, user: String, logger: Logger) {
        self.configuration = configuration
        self.user = user
        self.logger = logger
    }

    package func requestStop() { stop.request(grace: .zero) }

    // MARK: Reading

    /// Of a stream all of its snapshots, the oldest first; otherwise the newest one of each stream that has any.
    ///
    /// - Throws: ``WrongUsage``, ``Unreachable``, ``Halt``, ``Stopped``.
    package func status(of stream: String?) async throws -> [SnapshotReport] {
        try await OperationThread.run("snapshot", stop: stop, onlyReads: true) {
            let book = try book()
            let known = configuration.streams.map(\.name)
            let records = try book.records(of: stream)
            if let stream, records.isEmpty, !known.contains(stream) {
                throw WrongUsage("\(UnknownName(kind: "stream", name: stream, known: known, of: "the configuration"))")
            }
            let now = WallClock.milliseconds()
            return (stream == nil ? Self.newest(of: records) : records).map { SnapshotReport($0, now: now) }
        }
    }

    private static func newest(of records: [SnapshotRecord]) -> [SnapshotRecord] {
        Dictionary(grouping: records, by: \.stream).compactMap(\.value.last).sorted { $0.stream < $1.stream }
    }

    // MARK: Changing

    /// Begins one: the stream's leader copies beside the stream, at once or when it starts.
    ///
    /// - Throws: ``WrongUsage``, ``Unreachable``, ``Halt``, ``Stopped``.
    package func start(_ request: Request) async throws -> SnapshotRecord {
        try await OperationThread.run("snapshot", stop: stop) {
            let stream = request.stream
            let plan = try SnapshotPlan(request, bridge: configuration.name)
            let book = try book()
            let id = MomentID.make()
            if stream.snapshot.when == .initial, try !book.hasPosition(stream.name) {
                throw WrongUsage(
                    "stream \(stream.name) has no position yet, and begins with a snapshot of all that it watches (snapshot: initial): start "
                        + "the bridge")
            }
            func beginning(with parts: [SnapshotRecord.Part]) -> SnapshotChange {
                let user = user
                return { known in
                    if let running = known.last(where: { $0.state == .running }) {
                        throw WrongUsage(
                            "snapshot \(running.id) of stream \(stream.name) is running: wait for its end, or stop it with "
                                + "`bridge snapshot stop \(stream.name)`")
                    }
                    let begun = SnapshotRecord(
                        id: id, stream: stream.name, by: user, why: request.why, topic: request.topic, filter: request.filter, parts: parts)
                    return (begun, known.filter { $0.state == .stopped }.map { $0.failed(because: "given up for snapshot \(id)") })
                }
            }
            // Before anybody is asked to stand back.
            _ = try beginning(with: [])(book.records(of: stream.name))
            let parts = try look(at: plan)
            return try book.change(stream.name, beginning(with: parts))
        }
    }

    /// Stops the one that runs, behind its last document.
    ///
    /// - Throws: ``WrongUsage`` when none runs, ``Unreachable``, ``Halt``, ``Stopped``.
    package func stop(_ stream: StreamSettings) async throws -> SnapshotRecord {
        let user = user
        return try await change(stream) { known in
            guard var running = known.last(where: { $0.state == .running }) else {
                let last = known.last.map { ": the newest one, \($0.id), is \($0.state.rawValue)" } ?? ""
                throw WrongUsage("no snapshot of stream \(stream.name) is running\(last)")
            }
            running.state = .stopped
            running.reason = "stopped by \(user)"
            running.endedAt = WallClock.milliseconds()
            return (running, [])
        }
    }

    /// Lets the newest one continue behind its last document.
    ///
    /// - Throws: ``WrongUsage`` when it runs or is done, ``Unreachable``, ``Halt``, ``Stopped``.
    package func resume(_ stream: StreamSettings) async throws -> SnapshotRecord {
        try await change(stream) { known in
            let start = "`bridge snapshot start \(stream.name)` begins one"
            guard var newest = known.last else { throw WrongUsage("there is no snapshot of stream \(stream.name): \(start)") }
            switch newest.state {
            case .running: throw WrongUsage("snapshot \(newest.id) of stream \(stream.name) is running already")
            case .done: throw WrongUsage("snapshot \(newest.id) of stream \(stream.name) is done: \(start) that is new")
            case .stopped, .failed: break
            }
            newest.state = .running
            newest.reason = nil
            newest.endedAt = nil
            return (newest, [])
        }
    }

    private func change(
        _ stream: StreamSettings, _ change: @escaping SnapshotChange
    ) async throws -> SnapshotRecord {
        try await OperationThread.run("snapshot", stop: stop) {
            let book = try book()
            // Before anybody is asked to stand back.
            _ = try change(book.records(of: stream.name))
            return try book.change(stream.name, change)
        }
    }

    // MARK: Both sides

    private func book() throws -> SnapshotBook {
        try SnapshotBook(configuration, admin: KafkaAdmin(settings: configuration.kafka, logger: logger), stop: stop, logger: logger)
    }

    /// Asks MongoDB whether all can be copied.
    private func look(at plan: SnapshotPlan) throws -> [SnapshotRecord.Part] {
        let pool = try MongoClientPool(.init(configuration.mongodb, appName: "bridge.\(configuration.name).snapshot"))
        let look = try BoundedCall.make(of: pool, "see what a snapshot would copy", stop: stop) {
            try plan.look(on: Deployment(of: pool), pool: pool)
        }
        try StreamReview.tell(look.remarks, to: logger)
        return look.parts
    }
}
