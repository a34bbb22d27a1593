import ArgumentParser
import Runtime
import StreamBridge

/// The root command.
@main
struct BridgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bridge",
        abstract:
            "Publishes every MongoDB change event to Kafka, with resume tokens as offsets, and turns commands from Kafka into documents.",
        version: BridgeVersion.current,
        subcommands: [
            RunCommand.self, CheckCommand.self, InitCommand.self, DemoCommand.self, TailCommand.self, VerifyCommand.self, SendCommand.self,
            RedriveCommand.self, PositionsCommand.self, SnapshotCommand.self, ReplayCommand.self, GrantsCommand.self, ConfigCommand.self,
        ]
    )

    /// As the argument parser's own, but what it prints may be unwritable, too.
    static func main() async {
        StandardStreams.prepare()
        var isRunning = false
        do {
            try refuseUnknownCommand(Array(CommandLine.arguments.dropFirst()))
            var command = try parseAsRoot()
            isRunning = true
            if var suspending = command as? any AsyncParsableCommand {
                try await suspending.run()
            } else {
                try command.run()
            }
            Console.exit(.done)
        } catch let status as ExitStatus {
            Console.exit(status)
        } catch {
            let code = exitCode(for: error)
            // The usage is no help where the words are right and what they name is not there.
            let found = isRunning ? (error as? ValidationError).map { "Error: \($0.message)".harmlessLine } : nil
            let text = found ?? fullMessage(for: error)
            if !text.isEmpty { if code == .success { Console.print(text) } else { Console.error(text) } }
            Console.exit(ExitStatus(rawValue: code.rawValue) ?? .internalFault)
        }
    }

    /// The argument parser calls a misspelt command an unexpected argument, or complains about the options behind it.
    private static func refuseUnknownCommand(_ arguments: [String]) throws {
        var commands = configuration.subcommands
        var path = "bridge"
        for word in arguments where !commands.isEmpty {
            if let next = commands.first(where: { $0._commandName == word }) {
                commands = next.configuration.subcommands
                path += " \(word)"
                continue
            }
            // Before a command there may be --version and the like.
            let isOfParser = ["help", "--help", "-h"].contains(word) || (word.hasPrefix("-") && path == "bridge")
            guard !isOfParser else { return }
            let names = commands.map { $0._commandName }
            guard word.hasPrefix("-") else { throw ValidationError("\(UnknownName(kind: "command", name: word, known: names, of: path))") }
            throw ValidationError("name a command of `\(path)` before its options: \(names.joined(separator: ", "))")
        }
    }
}
