import ArgumentParser
import Foundation
import Mongo
import Runtime
import StreamBridge

/// `bridge snapshot`
struct SnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Publishes the documents that are there already, as a part of a stream.",
        discussion: """
            A snapshot's records come between the stream's events, each after the events that its document contains and before those that change \
            it. They have the header bridge.origin=snapshot and bridge.snapshot=ID. The stream publishes its events meanwhile.

            \(ExitStatus.help(
                [.done, .unreachable, .configuration],
                [
                    .usage: "wrong usage, also where there is nothing to stop or to resume",
                    .interrupted: "a signal came first, and nothing was changed",
                ]))
            """,
        subcommands: [Start.self, Status.self, Stop.self, Resume.self])

    /// Runs a body with the snapshots of the configuration, until a signal.
    private static func run(_ options: CommonOptions, _ body: (Snapshots, BridgeConfiguration) async throws -> Void) async throws {
        let configuration = try options.load()
        let snapshots = Snapshots(configuration: configuration, user: Console.user, logger: options.logger)
        Signals.watch { snapshots.requestStop() }
        do {
            try await body(snapshots, configuration)
        } catch let usage as WrongUsage {
            throw ValidationError("\(usage)")
        } catch let error as ValidationError {
            throw error
        } catch is Stopped {
            Console.error("stopped; nothing was changed")
            throw ExitStatus.interrupted
        } catch {
            Console.error(error)
            throw ExitStatus.of(error)
        }
    }

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begins a snapshot, and prints its id.",
            discussion: """
                The bridge may be running: it begins within seconds. Otherwise it begins with the next start. Nothing is written into MongoDB. \
                Without --collection all collections that the stream watches are copied, those that are there when it begins.
                """)

        @OptionGroup var options: CommonOptions

        @Argument(help: "The stream's name in the configuration.")
        var stream: String

        @Option(
            name: .long, help: ArgumentHelp("Copy only this one of the stream's collections; may be repeated.", valueName: "db.coll"))
        var collection: [String] = []

        @Option(
            name: .long,
            help: ArgumentHelp(
                "Copy only documents that match this query, as for find. (default: snapshot.filter of the stream)", valueName: "json"))
        var filter: String?

        @Option(
            name: .long,
            help: "Publish to this topic, perhaps with {db} and {coll}, instead of the stream's own: for one consumer that lost its state.")
        var topic: String?

        @Option(name: .long, help: "The reason, for the status.")
        var why: String?

        func run() async throws {
            try await SnapshotCommand.run(options) { snapshots, configuration in
                let record = try await snapshots.start(
                    .init(
                        stream: configuration.namedStream(stream), collections: collection, filter: filter, topic: topic, why: why))
                Console.print(record.id)
                Console.error(
                    "the leader of stream \(stream) begins snapshot \(record.id) now, and otherwise it does when it is started; "
                        + "`bridge snapshot status \(stream)` says how far it is")
            }
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows snapshots: how far they are, who began them, and why.",
            discussion: """
                The newest one of each stream; with STREAM all of its snapshots, the newest last. The rate is the average since it began; \
                numbers of documents to come are estimates. JSON has the fields of the topic bridge.NAME.snapshots, and estimated, rate and etaSeconds.
                """)

        @OptionGroup var options: CommonOptions

        @Argument(help: "Only the snapshots of this stream.")
        var stream: String?

        @Option(name: .long, help: "text or json (one object per line).")
        var format: ListingFormat = .text

        func run() async throws {
            try await SnapshotCommand.run(options) { snapshots, _ in
                let reports = try await snapshots.status(of: stream)
                for report in reports { Console.print(format == .json ? report.json : report.text) }
                if reports.isEmpty, format == .text { Console.print(stream.map { "no snapshots of stream \($0)" } ?? "no snapshots") }
            }
        }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stops the running snapshot of a stream.",
            discussion: "What was published stays. The stream continues, and `bridge snapshot resume` continues behind the last document.")

        @OptionGroup var options: CommonOptions

        @Argument(help: "The stream's name in the configuration.")
        var stream: String

        func run() async throws {
            try await SnapshotCommand.run(options) { snapshots, configuration in
                let record = try await snapshots.stop(configuration.namedStream(stream))
                Console.print("snapshot \(record.id) is stopped after \(record.documents) documents")
            }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets the newest snapshot of a stream, stopped or failed, continue behind its last document.")

        @OptionGroup var options: CommonOptions

        @Argument(help: "The stream's name in the configuration.")
        var stream: String

        func run() async throws {
            try await SnapshotCommand.run(options) { snapshots, configuration in
                let record = try await snapshots.resume(configuration.namedStream(stream))
                Console.print("snapshot \(record.id) continues behind \(record.documents) documents")
            }
        }
    }
}

extension SnapshotReport {
    fileprivate var text: String {
        var lines = ["\(record.id)  \(record.stream)  \(record.state.rawValue)\(record.reason.map { ": \($0)" } ?? "")"]
        lines.append("    begun \(Self.time(record.startedAt)) by \(record.by)\(record.why.map { ": \($0)" } ?? "")")
        if let end = record.endedAt { lines.append("    ended \(Self.time(end))") }
        if let topic = record.topic { lines.append("    to topic \(topic)") }
        if let filter = record.filter { lines.append("    only \(filter)") }
        if record.parts.isEmpty { lines.append("    its collections are listed when it begins") }
        lines += record.parts.map { part in
            "    \(part.namespace)  \(part.state.rawValue)  \(part.documents) of about \(max(part.documents, part.estimated)) documents"
                + (part.filter.map { "  only \($0)" } ?? "")
        }
        lines.append("    in all \(record.documents) of about \(max(record.documents, record.estimated)) documents" + pace)
        return lines.map(\.harmlessLine).joined(separator: "\n")
    }

    private var pace: String {
        guard let rate else { return "" }
        let left = secondsLeft.map { ", about \(Duration.seconds($0).readable) left" } ?? ""
        return ", \(Int(rate)) documents/s\(left)"
    }

    private static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
    }
}
