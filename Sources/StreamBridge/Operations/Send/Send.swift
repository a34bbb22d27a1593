import Kafka
import Logging
import Mongo
import Runtime

/// Sends commands to a dispatcher, one for each line of JSON.
package struct Send: Sendable {
    package enum Source: Sendable, Equatable {
        case standardInput
        case file(String)
    }

    package enum Event: Sendable {
        /// A line that is no command.
        case fault(line: Int, message: String)
        /// Lines that were found to be commands so far.
        case checked(Int)
        /// Commands that Kafka has stored so far.
        case sent(Int)
        /// All of them are stored; now it is the outcomes that are waited for.
        case waiting(sent: Int)
        case outcome(AwaitedOutcome)
    }

    package struct Summary: Sendable, Equatable {
        package var topic: String
        /// Commands that Kafka has stored.
        package var sent = 0
        /// Lines that are no commands.
        package var faults = 0
        /// Ids whose outcomes did not come in time.
        package var unanswered: [String] = []
        /// A stop came before the end.
        package var isStopped = false
    }

    /// What there is to read cannot be read.
    package struct Unreadable: Error, CustomStringConvertible {
        package let description: String
    }

    private let configuration: BridgeConfiguration
    private let dispatcher: DispatcherSettings
    private let isUnchecked: Bool
    private let patience: Duration?
    private let logger: Logger
    private let stop = StopSignal()

    /// - Parameters:
    ///   - isUnchecked: sends every line, whatever it is.
    ///   - patience: how long to wait for the outcomes; nil for not at all. Every line needs an id then.
    package init(
        configuration: BridgeConfiguration, dispatcher: DispatcherSettings, isUnchecked: Bool, outcomesWithin patience: Duration?,
        logger: Logger
    ) {
        self.configuration = configuration
        self.dispatcher = dispatcher
        self.isUnchecked = isUnchecked
        self.patience = patience
        self.logger = logger
    }

    package func requestStop() { stop.request(grace: .zero) }

    /// A file is checked as a whole before its first line is sent; what can be read only once is checked line by line,
    /// up to its first fault.
    ///
    /// - Throws: ``Unreadable``, ``Unreachable``, ``Halt``, ``SendingInterrupted``.
    package func run(_ source: Source, _ tell: @escaping @Sendable (Event) -> Void) async throws -> Summary {
        try await OperationThread.run("send", stop: stop) {
            do {
                return try send(source, tell)
            } catch let failure as LineReader.Failure {
                throw Unreadable(description: "\(failure)")
            }
        }
    }

    private func send(_ source: Source, _ tell: (Event) -> Void) throws -> Summary {
        var path: String?
        if case .file(let given) = source { path = given }
        let largest = try RecordSender.largestRecord(configuration.kafka)
        let lines = try LineReader(path: path, limit: largest, stop: stop)
        var reading = CommandLines(
            lines: lines, dispatcher: dispatcher, largest: largest, isUnchecked: isUnchecked, needsID: patience != nil)
        var summary = Summary(topic: dispatcher.commands)
        if path != nil, lines.rewind() {
            let commands = try check(&reading, &summary, tell)
            // Of a pipe it may be meant; nobody names a file for it.
            if commands == 0, summary.faults == 0, !stop.isRequested {
                throw Unreadable(description: "there is no command in \(path ?? "")")
            }
            guard summary.faults == 0, !stop.isRequested else {
                summary.isStopped = stop.isRequested
                return summary
            }
            _ = lines.rewind()
        }
        try send(&reading, &summary, tell)
        return summary
    }

    /// - Returns: how many commands there are.
    private func check(_ reading: inout CommandLines, _ summary: inout Summary, _ tell: (Event) -> Void) throws -> Int {
        var checked = 0
        while let line = try reading.next(), !stop.isRequested {
            if let fault = line.fault {
                summary.faults += 1
                tell(.fault(line: line.number, message: fault))
            } else {
                checked += 1
                if checked % Self.tellEvery == 0 { tell(.checked(checked)) }
            }
        }
        return checked
    }

    private func send(_ reading: inout CommandLines, _ summary: inout Summary, _ tell: (Event) -> Void) throws {
        let timeout = configuration.startupTimeout
        let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
        let topics = TopicCatalog(admin: admin, settings: configuration.topics, stop: stop, logger: logger)
        try topics.ensure(dispatcher.commands, timeout: timeout)
        var outcomes: OutcomeReader?
        if patience != nil {
            // It is read here, so its partitions have to be there.
            try topics.ensure(dispatcher.outcomes, partitions: configuration.topics.partitions, timeout: timeout)
            // Before the first command goes, so that no outcome is missed.
            outcomes = try OutcomeReader(topic: dispatcher.outcomes, admin: admin, settings: configuration.kafka, timeout: timeout)
        }
        let sender = try RecordSender(topic: dispatcher.commands, settings: configuration.kafka, patience: timeout, logger: logger)
        var ids: Set<ByteEqualString> = []
        do {
            while !stop.isRequested, let line = try reading.next() {
                if let fault = line.fault {
                    summary.faults += 1
                    tell(.fault(line: line.number, message: fault))
                    break
                }
                try sender.send(OutgoingRecord(key: line.key.map { Array($0.utf8) }, value: line.bytes))
                if patience != nil, let id = line.id { ids.insert(ByteEqualString(id)) }
                if line.number % Self.tellEvery == 0 { tell(.sent(sender.stored)) }
            }
            try sender.finish()
        } catch {
            throw SendingInterrupted(sent: sender.stored, topic: dispatcher.commands, cause: OperationFailure.ending(error))
        }
        summary.sent = sender.stored
        if let outcomes, let patience {
            tell(.waiting(sent: sender.stored))
            summary.unanswered = try outcomes.wait(for: ids, within: patience, stop: stop) { tell(.outcome($0)) }.map(\.text).sorted()
        }
        summary.isStopped = stop.isRequested
    }

    private static let tellEvery = 1000
}
