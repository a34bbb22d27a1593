import ArgumentParser
import Foundation
import StreamBridge

/// `bridge tail`
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Prints records of topics readably: key, headers, value.",
        discussion: """
            A record is one line for each of its parts; what a terminal would obey is escaped. In JSON a header that is there more than once \
            has the list of its values.

            \(ExitStatus.help(
                [.done, .unreachable, .configuration, .interrupted, .readerGone], [.usage: "wrong usage, or no such topic"]))
            """)

    @Argument(help: "The topics.")
    var topics: [String]

    @OptionGroup var options: CommonOptions

    @Option(name: .long, parsing: .unconditional, help: "beginning, end, an offset, or a time (2026-01-31T00:00:00Z).")
    var from = "end"

    @Flag(name: .long, inversion: .prefixedNo, help: "Wait for more records at the end.")
    var follow = true

    @Option(name: .long, parsing: .unconditional, help: "Stop after this many records.")
    var count: Int?

    @Option(name: .long, help: "text or json (one object per line).")
    var format: ListingFormat = .text

    func validate() throws {
        guard !topics.isEmpty, !topics.contains("") else { throw ValidationError("name a topic") }
        guard count.map({ $0 > 0 }) ?? true else { throw ValidationError("--count must be at least 1") }
        _ = try start()
    }

    func run() async throws {
        let configuration = try options.load()
        let tail = Tail(settings: configuration.kafka, timeout: configuration.startupTimeout, logger: options.logger)
        Signals.watch { tail.requestStop() }
        // What comes next may be hours away, and `head` has gone already.
        StandardOutput.shared.watchReader()
        let format = format
        do {
            try await tail.run(topics: topics, from: try start(), follow: follow, limit: count) { line in
                Console.print(format == .json ? Console.json(line) : Self.text(line))
            }
        } catch let unknown as Tail.UnknownTopic {
            throw ValidationError("\(unknown)")
        } catch {
            Console.error(error)
            throw ExitStatus.of(error)
        }
    }

    private func start() throws -> Tail.Start {
        if from == "beginning" { return .beginning }
        if from == "end" { return .end }
        if let offset = Int64(from), offset >= 0 { return .offset(offset) }
        if let time = ISOTime(argument: from) { return .time(time.milliseconds) }
        throw ValidationError("--from takes beginning, end, an offset, or a time such as 2026-01-31T00:00:00Z; found \(from)")
    }

    private static func text(_ line: Tail.Line) -> String {
        let time = line.timestamp.map {
            " " + Date(timeIntervalSince1970: Double($0) / 1000).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        }
        var text = "\(line.topic)/\(line.partition)@\(line.offset)\(time ?? "")\n  key   \(line.key?.harmlessLine ?? "(none)")\n"
        for header in line.headers.all { text += "  \(header.name.harmlessLine): \(header.value?.harmlessLine ?? "(null)")\n" }
        return text + "  value \(line.value?.harmlessLine ?? "(tombstone)")"
    }
}
