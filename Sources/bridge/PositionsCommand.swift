import ArgumentParser
import Foundation
import Runtime
import StreamBridge

/// `bridge positions`
struct PositionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "positions", abstract: "Reads and edits the stored positions of streams, also while the bridge runs.",
        discussion: """
            \(ExitStatus.help(
                [.done, .usage, .lostPosition, .unreachable, .interrupted],
                [.configuration: "something to fix, or an at-least-once stream whose leader cannot be made to stand back"]))
            """,
        subcommands: [List.self, Show.self, History.self, Set.self, Reset.self, PositionsImportCommand.self])

    /// Runs a body with the operations of the configuration, until a signal.
    static func run(_ options: CommonOptions, _ body: (Positions, BridgeConfiguration) async throws -> Void) async throws {
        let configuration = try options.load()
        let positions = Positions(configuration: configuration, logger: options.logger)
        Signals.watch { positions.requestStop() }
        do {
            try await body(positions, configuration)
        } catch let usage as WrongUsage {
            // Several lines: the choice of offsets.
            Console.error("Error: \(usage)")
            throw ExitStatus.usage
        } catch let error as ValidationError {
            throw error
        } catch {
            Console.error(error)
            throw ExitStatus.of(error)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows every stream's stored position.")

        @OptionGroup var options: CommonOptions

        @Option(name: .long, help: "text or json (one object per line).")
        var format: ListingFormat = .text

        func run() async throws {
            try await PositionsCommand.run(options) { positions, _ in
                for entry in try await positions.list() {
                    Console.print(format == .json ? Console.json(entry) : entry.line)
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows one stream's stored position beside what the oplog has.")

        @OptionGroup var options: CommonOptions

        @Argument(help: "The stream's name in the configuration.")
        var stream: String

        @Option(name: .long, help: "text or json.")
        var format: ListingFormat = .text

        func run() async throws {
            try await PositionsCommand.run(options) { positions, configuration in
                let details = try await positions.show(configuration.namedStream(stream))
                Console.print(format == .json ? Console.json(details) : details.text)
            }
        }
    }

    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows who edited positions, when and why, the oldest edit first.")

        @OptionGroup var options: CommonOptions

        @Argument(help: "Only the edits of this stream.")
        var stream: String?

        @Option(name: .long, help: "text or json (one object per line).")
        var format: ListingFormat = .text

        func run() async throws {
            try await PositionsCommand.run(options) { positions, _ in
                let edits = try await positions.history(of: stream)
                for edit in edits { Console.print(format == .json ? edit.json : edit.text) }
                if edits.isEmpty, format == .text { Console.print(stream.map { "no edits of stream \($0)" } ?? "no edits") }
            }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets a stream continue from another place.",
            discussion: """
                The stream may be running: its leader stands back for a moment and continues from the new position within seconds, and so does a stream \
                that has halted in a bridge that continues. Going back publishes the events from there on again; going forward leaves events out.
                """)

        @OptionGroup var options: CommonOptions
        @OptionGroup var edit: EditOptions

        @Argument(help: "The stream's name in the configuration.")
        var stream: String

        @Argument(
            help: ArgumentHelp(
                "Where to continue: behind a resume token, at a time (2026-01-31T00:00:00Z), at a cluster time (1651826079.1), oldest, now, or "
                    + "behind a record, TOPIC/PARTITION/OFFSET."),
            transform: PositionPlace.parse)
        var place: PositionPlace

        func run() async throws {
            try await PositionsCommand.run(options) { positions, configuration in
                let change = try await positions.set(configuration.namedStream(stream), to: place, edit.request)
                Console.print(change.text(of: stream))
            }
        }
    }

    struct Reset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes a stream's position, so that it begins at its startAt.",
            discussion: "The stream may be running: it begins there within seconds.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var edit: EditOptions

        @Argument(help: "The stream's name in the configuration.")
        var stream: String

        func run() async throws {
            try await PositionsCommand.run(options) { positions, configuration in
                let change = try await positions.reset(configuration.namedStream(stream), edit.request)
                Console.print(change.text(of: stream))
            }
        }
    }
}

extension PositionPlace {
    /// A place of a command line, or wrong usage that says what can be written.
    static func parse(_ text: String) throws -> PositionPlace {
        do {
            return try PositionPlace(argument: text)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

/// What every edit takes.
struct EditOptions: ParsableArguments {
    @Option(name: .long, help: "The reason, for the history.")
    var why: String?

    @Flag(name: .long, help: "Say what would happen, and change nothing.")
    var dryRun = false

    @Flag(name: .long, help: "Also edit an at-least-once stream whose leader cannot be made to stand back.")
    var force = false

    var request: Positions.Request {
        Positions.Request(by: Console.user, why: why, isDryRun: dryRun, isForced: force)
    }
}

extension StoredPositionEntry {
    fileprivate var line: String {
        if let problem { return "\(stream)  \(problem)".harmlessLine }
        guard let token else { return "\(stream)  no stored position" }
        let age = age.map { "\(Duration.seconds($0).readable) old" } ?? "of unknown age"
        let place =
            "\(stream)  \(readableTime ?? "no cluster time"), \(age), \(events ?? 0) events so far, stored \(writtenAt ?? "-") by "
            + (writer ?? "-")
        return "\(place.harmlessLine)\n    token \(token.harmlessLine)"
    }
}

extension StoredPositionDetails {
    fileprivate var text: String {
        var lines = [position.line]
        if let window = readableWindow { lines.append("    the oplog goes from \(window.oldest) to \(window.newest)") }
        if let unknown { lines.append("    how far back the oplog goes cannot be told: \(unknown.harmlessLine)") }
        if let left {
            lines.append(
                left < 0
                    ? "    the position is \(Duration.seconds(-left).readable) before the oplog's oldest entry"
                    : "    the position is \(Duration.seconds(left).readable) after the oplog's oldest entry")
        }
        return lines.joined(separator: "\n")
    }
}

extension PositionEdit {
    fileprivate var text: String {
        "\(time)  \(stream)  by \(by)\(why.map { ": \($0)" } ?? "")".harmlessLine
            + "\n    from \(oldPlace ?? "no position") to \(newPlace ?? "no position")"
    }
}

extension Positions.Change {
    func text(of stream: String) -> String {
        var lines: [String] = []
        lines.append(
            "MongoDB continues from \(trial.clusterTime?.readable ?? "there"), "
                + "\(trial.ahead.map { "\($0.readable) of events lie ahead" } ?? "how much lies ahead is not known")\n    token \(trial.token)"
        )
        if let gap { lines.append("what happened \(gap.range) is left out; the record of the gap is for topic \(gap.topic)") }
        guard let edit else { return (lines + ["dry run: nothing was changed"]).joined(separator: "\n") }
        lines.append("position of \(stream): from \(edit.oldPlace ?? "none") to \(edit.newPlace ?? "none, so it begins at startAt")")
        if let snapshot {
            lines.append(
                snapshot.isEnded
                    ? "snapshot \(snapshot.id) has failed with that; `bridge snapshot start \(stream)` begins another one"
                    : "snapshot \(snapshot.id) continues behind its last document, as the documents are at the new position and later")
        }
        switch leader {
        case nil: break
        case .stoodBack: lines.append("the leader of the stream continues from there now, and otherwise it does when it is started")
        case .unaware:
            lines.append("the group gave no word: a process that leads the stream continues from there at its next transaction")
        }
        return lines.joined(separator: "\n")
    }
}
