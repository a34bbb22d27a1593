import ArgumentParser
import Logging
import Runtime
import StreamBridge

/// `bridge run`
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs all streams of the configuration until a signal.",
        discussion: """
            The first SIGINT or SIGTERM finishes what is on its way and stores the positions, within shutdownTimeout; a second one ends the \
            process at once. A stream that cannot go on halts with the reason and the fix while the others go on; when it is fixed, SIGHUP \
            lets it try again, and so does an edit of its position. When all have halted, the process ends: 65 for a lost position, 78 for a \
            configuration to fix.
            """)

    @OptionGroup var options: CommonOptions

    func run() async throws {
        let configuration = try options.load()
        let logger = options.logger
        OpenFiles.raiseLimit()
        let bridge = Bridge(configuration: configuration, logger: logger)
        let signals = Signals {
            logger.notice("stopping: what is on its way is finished first; a second signal ends the process at once")
            bridge.requestStop()
        } hangUp: {
            bridge.tryHaltedAgain()
        }
        defer { withExtendedLifetime(signals) {} }
        do {
            let halts = try await bridge.run()
            if let status = ExitStatus.gravest(of: halts.map(\.status)) { throw status }
        } catch let status as ExitStatus {
            throw status
        } catch {
            logger.error("\(error)")
            throw ExitStatus.of(error)
        }
    }
}
