import ArgumentParser
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
            RunCommand.self, CheckCommand.self, DemoCommand.self, TailCommand.self, VerifyCommand.self, SendCommand.self,
            RedriveCommand.self, PositionsCommand.self, ReplayCommand.self, GrantsCommand.self, ConfigCommand.self,
        ]
    )

    /// As the argument parser's own, but what it prints may be unwritable, too.
    static func main() async {
        StandardStreams.prepare()
        do {
            var command = try parseAsRoot()
            if var suspending = command as? any AsyncParsableCommand {
                try await suspending.run()
            } else {
                try command.run()
            }
            Console.exit(.success)
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            if !text.isEmpty { if code == .success { Console.print(text) } else { Console.error(text) } }
            Console.exit(code)
        }
    }
}
