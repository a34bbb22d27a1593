import Kafka
import Logging
import Mongo
import Runtime

/// Publishes a range again, marked as such: of a stream's change stream, or of a topic.
package struct Replay: Sendable {
    /// How far it has come.
    package struct Progress: Sendable {
        /// Empty for a plan.
        package let id: String
        /// Published for good, those before an interruption included; for a plan, counted.
        package let events: Int64
        /// How much of the range lies behind, from 0 to 1; nil when that cannot be told.
        package let fraction: Double?
    }

    package struct Summary: Sendable, Encodable {
        package let id: String
        /// What was replayed: `stream inventory`, `topic orders`.
        package let source: String
        /// What is counted: `events`, `records`.
        package let unit: String
        /// Where its records went.
        package let topics: [String]
        /// Published for good, those before an interruption included.
        package let events: Int64
        /// Events that cannot be written and were left out, since the last start; each has a line in the log.
        package var leftOut = 0
        /// Nothing is left.
        package let isDone: Bool

        private enum CodingKeys: CodingKey { case id, source, topics, events, leftOut, isDone }
    }

    /// What to type to continue with a replay that was interrupted.
    ///
    /// - Parameter rate: the one that it had, which is a matter of each start.
    package static func resumeCommand(_ id: String, rate: Int?) -> String {
        "`bridge replay --resume \(id)\(rate.map { " --rate \($0)/s" } ?? "")`"
    }

    private let configuration: BridgeConfiguration
    private let logger: Logger
    private let stop = StopSignal()

    package init(configuration: BridgeConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Lets what is published be committed, and ends.
    package func requestStop() { stop.request(grace: configuration.shutdownTimeout) }

    /// - Throws: ``WrongUsage``, ``Halt``, ``Unreachable``, ``ReplayInterrupted``.
    package func run(_ request: StreamReplay.Request, _ show: @escaping @Sendable (Progress) -> Void = { _ in }) async throws -> Summary {
        try await OperationThread.run("replay", stop: stop) {
            try StreamReplay(configuration, stop: stop, logger: logger).run(request, show)
        }
    }

    /// Counts what a replay would publish, and changes nothing.
    ///
    /// - Throws: as ``run(_:_:)``.
    package func plan(_ request: StreamReplay.Request, _ show: @escaping @Sendable (Progress) -> Void = { _ in }) async throws -> ReplayPlan
    {
        try await OperationThread.run("replay", stop: stop, onlyReads: true) {
            try StreamReplay(configuration, stop: stop, logger: logger).plan(request, show)
        }
    }

    /// Copies a range of a topic.
    ///
    /// - Throws: ``WrongUsage``, ``Halt``, ``Unreachable``, ``ReplayInterrupted``.
    package func run(_ request: TopicCopy.Request, _ show: @escaping @Sendable (Progress) -> Void = { _ in }) async throws -> Summary {
        try await OperationThread.run("replay", stop: stop) {
            try TopicCopy(configuration, stop: stop, logger: logger).run(request, show)
        }
    }

    /// Counts what a copy would have, and changes nothing.
    ///
    /// - Throws: as ``run(_:_:)``.
    package func plan(_ request: TopicCopy.Request, _ show: @escaping @Sendable (Progress) -> Void = { _ in }) async throws -> TopicCopyPlan
    {
        try await OperationThread.run("replay", stop: stop, onlyReads: true) {
            try TopicCopy(configuration, stop: stop, logger: logger).plan(request, show)
        }
    }

    /// Goes on with a replay that was interrupted.
    ///
    /// - Parameter rate: events per second; nil for as fast as it goes.
    /// - Throws: as ``run(_:_:)``.
    package func resume(_ id: String, rate: Int?, _ show: @escaping @Sendable (Progress) -> Void = { _ in }) async throws -> Summary {
        try await OperationThread.run("replay", stop: stop) {
            let ledger = ReplayLedger(configuration, admin: try KafkaAdmin(settings: configuration.kafka, logger: logger), stop: stop)
            let record = try ledger.unfinished(id)
            if let copy = TopicCopyRecord(record) {
                return try TopicCopy(configuration, stop: stop, logger: logger).resume(copy, rate: rate, show)
            }
            return try StreamReplay(configuration, stop: stop, logger: logger).resume(record, id: id, rate: rate, show)
        }
    }
}

/// A replay that had begun could not continue.
package struct ReplayInterrupted: Error, CustomStringConvertible {
    package let id: String
    /// Events or records, for good.
    package let published: Int64
    let rate: Int?
    /// ``Unreachable`` or ``Halt``.
    package let cause: any Error

    package var description: String { "\(cause). \(published) are published; continue with \(Replay.resumeCommand(id, rate: rate))" }
}
