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
}
