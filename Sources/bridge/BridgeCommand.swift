import ArgumentParser

/// The root command.
@main
struct BridgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bridge",
        abstract: "Publishes every MongoDB change event to Kafka, with resume tokens as offsets."
    )
}
