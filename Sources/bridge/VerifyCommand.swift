import ArgumentParser
import Foundation
import Kafka
import StreamBridge

/// `bridge verify`
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Compares what a stream has published with its change stream; changes nothing.",
        discussion: """
            Reads the stream's own change stream over a range, with a cursor of its own, then the topics that its events go to, and reports \
            what is missing, repeated, out of order within its partition, unexpected, or different from what the bridge publishes. Replays \
            are left out. The bridge may run meanwhile: what it publishes behind the stored position of the start is not looked at.

            With --documents: compares the newest record of each key with the document that the collection has now, for topics that mirror \
            collections. What changes meanwhile is looked at again.

            Takes some 60 bytes of memory for each event of the range, with --documents some 100 bytes for each key.

            \(ExitStatus.help(
                [.usage, .unreachable, .configuration, .interrupted],
                [.done: "verification passed", .different: "it did not", .lostPosition: "the oplog does not have the range"]))
            """)

    @OptionGroup var options: CommonOptions

    @Option(name: .long, help: "The stream's name in the configuration.")
    var stream: String

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where to begin: behind a resume token, at a time (2026-01-31T00:00:00Z), at a cluster time (1651826079.1), or oldest.",
            discussion: "Without it: where the stream's records begin in the topics, or the oplog, whichever is later."),
        transform: Self.place)
    var from: StartPoint?

    @Option(
        name: .long,
        help: "Where to end: with a resume token, a cluster time, the whole second of a time, or now. (default: the stored position)",
        transform: Self.place)
    var to: StartPoint?

    @Flag(name: .long, help: "Compare the newest record of each key with the collection's documents.")
    var documents = false

    @Option(name: .long, help: "read_committed or read_uncommitted: which records of transactions are looked at.")
    var isolation: Isolation = .readCommitted

    @Option(name: .long, parsing: .unconditional, help: "How many findings of each kind are listed; the totals are exact.")
    var limit = 20

    @Option(name: .long, help: "text or json.")
    var format: ListingFormat = .text

    private static func place(_ text: String) throws -> StartPoint {
        do {
            return try StartPoint(argument: text)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func validate() throws {
        guard limit >= 0 else { throw ValidationError("--limit must be at least 0") }
        if documents, from != nil || to != nil || isolation != .readCommitted {
            throw ValidationError("--documents looks at all committed records, so it takes no --from, --to or --isolation")
        }
        do {
            try RangeEnds.judge(from: .start(from ?? .oldest), to: to.map { .start($0) })
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func run() async throws {
        let configuration = try options.load()
        let verify = Verify(configuration: configuration, stream: try configuration.namedStream(stream), logger: options.logger)
        Signals.watch { verify.requestStop() }
        let progress = ProgressLine()
        let report: VerifyReport
        let show: @Sendable (Verify.Progress) -> Void = { step in
            switch step {
            case .events(let count): progress.show("read \(count) events from MongoDB")
            case .documents(let count): progress.show("read \(count) documents from MongoDB")
            case .records(let count): progress.show("read \(count) records from Kafka")
            }
        }
        do {
            report =
                documents
                ? try await verify.documents(limit: limit, show)
                : try await verify.run(Verify.Request(from: from, to: to, isolation: isolation, limit: limit), show)
        } catch let usage as WrongUsage {
            progress.clear()
            throw ValidationError("\(usage)")
        } catch {
            progress.clear()
            Console.error(error)
            throw ExitStatus.of(error)
        }
        progress.clear()
        if report.isStopped {
            Console.error("stopped before the end")
            throw ExitStatus.interrupted
        }
        switch format {
        case .text: Console.print(Self.text(report))
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            Console.print(String(decoding: try encoder.encode(report), as: UTF8.self))
        }
        if !report.isClean { throw ExitStatus.different }
    }

    private static func text(_ report: VerifyReport) -> String {
        var lines = report.findings.map(line)
        lines.append("stream \(report.stream), from \(report.from) to \(report.to)")
        lines.append(
            "topics: \(report.topics.isEmpty ? "none, because there are no events" : Set(report.topics).sorted().joined(separator: ", "))")
        lines += report.notes.map { "note: \($0)".harmlessLine }
        if report.isOfDocuments { lines.append(documents(report)) } else { lines.append(events(report)) }
        if report.undecided > 0 {
            let why =
                report.isOfDocuments
                ? "records without their image, or documents that have changed since the stored position"
                : "compacted away, or chosen by a document that has changed since"
            lines.append("\(report.undecided) undecided: \(why)")
        }
        let clean = report.undecided > 0 ? "nothing is wrong among what was judged" : "verification passed"
        lines.append(report.isClean ? clean : "verification failed")
        return lines.joined(separator: "\n")
    }

    private static func documents(_ report: VerifyReport) -> String {
        """
        \(report.expected) documents, \(report.found) of them with a record that has one
        missing \(report.missing), different \(report.different), not deleted \(report.notDeleted)
        """
    }

    private static func events(_ report: VerifyReport) -> String {
        let repeats = report.allowsRepeats ? " (expected with at-least-once)" : ""
        let others = report.repeatedDifferent > 0 ? "\n\(report.repeatedDifferent) of the repeated with other bytes than before" : ""
        return """
            \(report.expected) records expected, \(report.found) found, \(report.compared) of them compared byte by byte
            missing \(report.missing), repeated \(report.repeated)\(repeats), reordered \(report.reordered), unexpected \(report.unexpected), \
            different \(report.different)\(others)
            """
    }

    private static func line(_ finding: VerifyReport.Finding) -> String {
        let name = finding.kind.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0)
        let place = finding.partition.flatMap { partition in finding.offset.map { "\(finding.topic)/\(partition)@\($0)" } } ?? finding.topic
        guard let token = finding.token else { return "\(name) \(place)  key \(finding.key?.harmlessLine ?? "none")" }
        return "\(name) \(place)  \(finding.clusterTime ?? "no cluster time")  key \(finding.key?.harmlessLine ?? "none")"
            + (finding.detail.map { "  (\($0.harmlessLine))" } ?? "") + "\n           token \(token)"
    }
}

extension Isolation: ExpressibleByArgument {}
