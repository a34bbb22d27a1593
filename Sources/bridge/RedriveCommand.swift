import ArgumentParser
import Foundation
import Kafka
import StreamBridge

/// `bridge redrive`
struct RedriveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redrive", abstract: "Lists a dispatcher's dead letters, and with --send sends them back to its command topic.",
        discussion: """
            A dead letter goes back with its bytes, key and headers, and with the header bridge.redriven, the place of the dead letter. A \
            command without an id keeps its name, its first place among the commands, in the header command.id.

            Sending twice is harmless: the same id gets the same outcome. What still cannot be carried out comes back as a new dead letter. \
            Dead letters stay in their topic until its retention removes them.

            \(ExitStatus.help(
                [.done, .unreachable, .configuration, .interrupted],
                [.usage: "wrong usage, or no dead letter at a place given with --at"]))
            """)

    @Argument(help: "The dispatcher's name in the configuration.")
    var dispatcher: String

    @OptionGroup var options: CommonOptions

    @Option(name: .long, help: "Only those with this error.code: malformed, invalid, idTaken, or a code of the server. Can be repeated.")
    var code: [String] = []

    @Option(name: .long, help: "Only those put aside at this time or later (2026-01-31T00:00:00Z).")
    var since: ISOTime?

    @Option(name: .long, help: "Only those of the command with this id.")
    var id: String?

    @Option(name: .long, help: "Only the one at this place of the dead letter topic: PARTITION/OFFSET. Can be repeated.")
    var at: [RecordCoordinates] = []

    @Flag(name: .long, help: "Send back what is listed.")
    var send = false

    @Flag(name: .long, help: "All of them: what --send needs without a filter.")
    var all = false

    @Option(name: .long, help: "text or json (one object per line).")
    var format: ListingFormat = .text

    private var filter: Redrive.Filter { Redrive.Filter(codes: Set(code), since: since?.milliseconds, id: id, places: Set(at)) }

    func validate() throws {
        if send, filter.isEmpty, !all { throw ValidationError("--send needs a filter, or --all") }
        if all, !filter.isEmpty { throw ValidationError("--all and a filter exclude each other") }
    }

    func run() async throws {
        let configuration = try options.load()
        let settings = try configuration.named(dispatcher)
        let redrive = Redrive(configuration: configuration, dispatcher: settings, logger: options.logger)
        Signals.watch { redrive.requestStop() }
        let format = format
        do {
            let summary = try await redrive.run(filter, sendsBack: send) { letter in
                Console.print(format == .json ? Console.json(letter) : Self.text(letter))
            }
            try report(summary, of: settings)
        } catch let status as ExitStatus {
            throw status
        } catch {
            Console.error(error)
            throw ExitStatus.of(error)
        }
    }

    /// In JSON the dead letters alone are on standard output.
    private func report(_ summary: Redrive.Summary, of settings: DispatcherSettings) throws {
        var line = "\(summary.found) dead letter\(summary.found == 1 ? "" : "s") of \(settings.name) in \(settings.deadLetters)"
        if send {
            line += "; sent \(summary.sent) back to \(settings.commands)"
        } else if summary.found > 0 {
            line += "; --send sends them back"
        }
        if format == .json { Console.error(line) } else { Console.print(line) }
        if summary.isStopped { throw ExitStatus.interrupted }
        guard summary.missing.isEmpty else {
            Console.error("no dead letter of \(settings.name) at \(summary.missing.map { "\($0)" }.joined(separator: ", "))")
            throw ExitStatus.usage
        }
    }

    private static func text(_ letter: FoundDeadLetter) -> String {
        let key = letter.key.flatMap { $0 == letter.id ? nil : "  (key \($0))" } ?? ""
        let lines = [
            "\(letter.place)  \(letter.at ?? "-")  \(letter.code)  \(letter.id)\(key)", "    \(letter.message)", "    \(letter.shortValue)",
        ]
        return lines.map(\.harmlessLine).joined(separator: "\n")
    }
}

extension RecordCoordinates: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}
