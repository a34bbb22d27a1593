import ArgumentParser
import Foundation
import Runtime
import StreamBridge

/// `bridge send`
struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Sends commands, one JSON object a line, to a dispatcher's command topic.",
        discussion: """
            A file is checked as a whole first: every faulty line is reported, and then nothing is sent. Standard input, or whatever else can \
            be read only once, is checked line by line and sent up to the first faulty one. Empty lines are passed over.

            A command's record has its id as the key, a completion's the id that it ends, so that both are in one partition, in this order.

            Sending a command again is harmless if it has an id: the same id gets the same outcome.

            \(ExitStatus.help(
                [.interrupted],
                [
                    .done: "all was sent", .usage: "no such dispatcher or file",
                    .unreachable: "Kafka could not be reached, or outcomes did not come in time",
                    .configuration: "a faulty line, or something to fix",
                ]))
            """)

    @Argument(help: "The dispatcher's name in the configuration.")
    var dispatcher: String

    @Argument(help: "The file, or - for standard input.", completion: .file())
    var file: String

    @OptionGroup var options: CommonOptions

    @Flag(name: .long, help: "Send the lines as they are, valid or not: to try dead letters out.")
    var unchecked = false

    @Flag(name: .long, help: "Wait for the outcomes, and print one line for each. Every command needs an id then.")
    var wait = false

    @Option(
        name: .long, parsing: .unconditional, help: "How long to wait for the outcomes: 500ms, 30s, 5m. (default: 30s)",
        transform: Self.duration)
    var timeout = Duration.seconds(30)

    @Option(name: .long, help: "text or json: how outcomes are printed; json is the outcome's record.")
    var format: ListingFormat = .text

    private static func duration(_ text: String) throws -> Duration {
        guard let duration = Duration(written: text), duration <= .seconds(24 * 3600) else {
            throw ValidationError("write a whole number with its unit, at most 24h: 500ms, 30s, 5m")
        }
        return duration
    }

    func run() async throws {
        let configuration = try options.load()
        let settings = try configuration.named(dispatcher)
        let send = Send(
            configuration: configuration, dispatcher: settings, isUnchecked: unchecked,
            outcomesWithin: wait ? timeout : nil, logger: options.logger)
        Signals.watch { send.requestStop() }
        let progress = ProgressLine()
        let (name, topic, format) = (sourceName, settings.commands, format)
        let summary: Send.Summary
        do {
            summary = try await send.run(file == "-" ? .standardInput : .file(file)) { event in
                switch event {
                case .checked(let count): progress.show("checked \(count)")
                case .sent(let count): progress.show("sent \(count)")
                case .waiting(let count):
                    progress.clear()
                    Self.tell(count, topic, format)
                case .fault(let line, let message):
                    progress.clear()
                    Console.error("\(name):\(line): \(message)".harmlessLine)
                case .outcome(let outcome):
                    progress.clear()
                    Console.print(format == .json ? outcome.json : "\(outcome.id) \(outcome.status): \(outcome.message)".harmlessLine)
                }
            }
        } catch let error as Send.Unreadable {
            throw ValidationError("\(error)")
        } catch {
            progress.clear()
            Console.error(error)
            throw ExitStatus.of(error)
        }
        progress.clear()
        try report(summary)
    }

    private var sourceName: String { file == "-" ? "standard input" : file }

    private static func sentence(_ count: Int, _ topic: String) -> String { "sent \(count) command\(count == 1 ? "" : "s") to \(topic)" }

    /// In JSON the outcomes alone are on standard output.
    private static func tell(_ count: Int, _ topic: String, _ format: ListingFormat) {
        if format == .json { Console.error(sentence(count, topic)) } else { Console.print(sentence(count, topic)) }
    }

    private func report(_ summary: Send.Summary) throws {
        let sent = Self.sentence(summary.sent, summary.topic)
        if summary.isStopped {
            Console.error("stopped: \(sent)")
            throw ExitStatus.interrupted
        }
        if summary.faults > 0 {
            let end = summary.sent > 0 ? "\(sent), up to the faulty line" : "nothing was sent"
            Console.error("\(end); fix the line\(summary.faults == 1 ? "" : "s") above, or send with --unchecked")
            throw ExitStatus.configuration
        }
        if !wait { Self.tell(summary.sent, summary.topic, format) }
        guard summary.unanswered.isEmpty else {
            let names = summary.unanswered.prefix(10).joined(separator: ", ") + (summary.unanswered.count > 10 ? ", …" : "")
            Console.error(
                "no outcome of \(summary.unanswered.count) within \(timeout.readable): \(names). Does the dispatcher run? Its outcomes come all the same"
            )
            throw ExitStatus.unreachable
        }
    }
}
