import ArgumentParser
import Logging
import StreamBridge

/// `bridge demo`
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Shows the whole story on this machine: a private MongoDB, an embedded Kafka, fruit being sold, trucks being sent out.")

    @Flag(name: .long, help: "Continue after the story until a signal.")
    var keepRunning = false

    @Option(name: .long, help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .warning

    func run() async throws {
        let level = logLevel
        let demo = Demo(logger: Logger(label: "bridge") { _ in LineLogHandler(format: .text, level: level) }, print: Console.print)
        Signals.watch { demo.requestStop() }
        do {
            let summary = try await demo.run(keepRunning: keepRunning)
            if let summary, !summary.isComplete { throw ExitStatus.internalFault }
        } catch let status as ExitStatus {
            throw status
        } catch {
            Console.error(error)
            throw ExitStatus.of(error)
        }
    }
}
