import ArgumentParser
import StreamBridge

/// `bridge positions import`
struct PositionsImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Lets a stream continue where a connector of Kafka Connect stopped.",
        discussion: """
            Takes the newest offset of MongoDB's source connector, or of Debezium's for MongoDB, from the offsets topic of Kafka Connect, tries its \
            resume token on the server, and stores it as the stream's position. No event is lost, and none is repeated.

            The connector has to be stopped first, because the topic does not show whether it runs: `curl -X PUT \
            http://WORKER:8083/connectors/NAME/stop`. It has stopped when .../connectors/NAME/status says STOPPED and has no tasks. A connector that \
            runs, or that crashed, has published more than its newest offset says; the stream publishes those events again.

            An offset in the middle of a connector's snapshot is refused: `snapshot: initial` lets the stream copy the documents itself.
            """)

    @OptionGroup var options: CommonOptions
    @OptionGroup var edit: EditOptions

    @Option(name: .long, help: "The stream's name in the configuration.")
    var stream: String

    @Option(
        name: .long,
        help: ArgumentHelp("Kafka Connect's offsets topic: offset.storage.topic of the worker.", valueName: "topic"))
    var connectOffsets: String

    @Option(name: .long, help: ArgumentHelp("The connector's name in Kafka Connect.", valueName: "name"))
    var connector: String

    @Option(
        name: .long,
        help: ArgumentHelp("Which offset, when the connector has several: its key, as the command lists them.", valueName: "key"))
    var offsetKey: String?

    func run() async throws {
        try await PositionsCommand.run(options) { positions, configuration in
            let source = ConnectOffsetSource(topic: connectOffsets, connector: connector, key: offsetKey)
            let result = try await positions.importOffset(source, of: configuration.namedStream(stream), edit.request)
            Console.print(result.text(of: stream, from: connector))
        }
    }
}

extension Positions.Import {
    fileprivate func text(of stream: String, from connector: String) -> String {
        let status = "`curl http://WORKER:8083/connectors/\(connector)/status`"
        var lines = [
            "offset \(place) of \(offset.writer.rawValue), \(writtenAt.map { "written \($0)" } ?? "of unknown age")".harmlessLine,
            "    key \(key)".harmlessLine,
            "the connector has to be stopped, which the topic does not show: \(status) says STOPPED and has no tasks".harmlessLine,
        ]
        if offset.isInIncrementalSnapshot {
            lines.append(
                "its incremental snapshot is not over and cannot be carried over; `bridge snapshot start \(stream)` copies the documents")
        }
        return (lines + [change.text(of: stream)]).joined(separator: "\n")
    }
}
