import ArgumentParser
import Foundation
import Logging
import Runtime
import StreamBridge
import Synchronization

/// `bridge run`
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs all streams and dispatchers of the configuration until a signal.",
        discussion: """
            With --mongodb, --kafka and --watch it runs without a file, for a first look: each collection into a topic of its own, at least once. \
            `bridge init` with the same options writes the file. On a terminal the lines below the log show what happens now.

            The first SIGINT or SIGTERM finishes what is on its way and stores the positions, within shutdownTimeout; a second one ends the \
            process at once. A stream that cannot continue halts with the reason and the fix while the others continue; when it is fixed, SIGHUP \
            lets it try again, and so does an edit of its position. When all have halted, the process ends.

            \(ExitStatus.help(
                [.usage, .unreachable, .configuration],
                [
                    .done: "stopped by a signal, also before the servers were reached", .lostPosition: "a stored position cannot be used",
                    .interrupted: "ended at once by a second SIGINT", .terminated: "ended at once by a second SIGTERM",
                ]))
            """)

    @OptionGroup var options: CommonOptions
    @OptionGroup var sides: InitOptions

    func validate() throws {
        guard !sides.isEmpty else { return }
        guard options.config == nil else {
            throw ValidationError("--config names a configuration, so there is no place for --mongodb, --kafka and --watch")
        }
        _ = try sides.request()
    }

    func run() async throws {
        let logger = options.logger
        let current = Stoppable()
        Signals.watch {
            logger.notice("stopping: what is on its way is finished first; a second signal ends the process at once")
            current.stop()
        } hangUp: {
            current.tryAgain()
        }
        do {
            let configuration = sides.isEmpty ? try options.load() : try await firstLook(current, logger)
            OpenFiles.raiseLimit()
            let bridge = Bridge(configuration: configuration, logger: logger)
            current.is(stop: bridge.requestStop, tryAgain: bridge.tryHaltedAgain)
            let view = LiveView(format: options.logFormat)
            defer { view?.stop() }
            let halts = try await bridge.run(started: { running in view?.show(running) })
            if let status = ExitStatus.gravest(of: halts.map(\.status)) { throw status }
        } catch is Stopped {
            // A signal is how a run ends, also one that comes before it has reached the servers.
        } catch let status as ExitStatus {
            throw status
        } catch let usage as WrongUsage {
            throw ValidationError("\(usage)")
        } catch {
            logger.error("\(error)")
            throw ExitStatus.of(error)
        }
    }

    /// The configuration that `bridge init` would write, but for the delivery.
    private func firstLook(_ current: Stoppable, _ logger: Logger) async throws -> BridgeConfiguration {
        let (request, environment) = (try sides.request(), ProcessInfo.processInfo.environment)
        let initialization = Init(environment: environment, logger: logger)
        current.is(stop: initialization.requestStop)
        _ = try request.scopes()
        let surveyor = try await initialization.reach(mongodb: request.mongodb, kafka: request.kafka)
        let plan = try await initialization.plan(request, with: surveyor, delivery: .atLeastOnce)
        for suggestion in plan.suggestions { logger.warning("\(suggestion)") }
        let watch = request.watch.map { " --watch \($0.shellQuoted)" }.joined()
        logger.notice(
            """
            a first look, without a file: a topic for each collection, at least once; the same command continues after the stored position. To keep \
            it: bridge init --mongodb \(ConnectionURI.redacted(request.mongodb).shellQuoted) --kafka \(request.kafka)\(watch)
            """)
        return try plan.load(asFile: "bridge.yaml", environment: environment)
    }
}

/// What a signal is for: the part of the command that runs.
private final class Stoppable: Sendable {
    private struct State {
        var isStopped = false
        var stop: (@Sendable () -> Void)?
        var tryAgain: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// From now on it is this; stopped at once if the signal came before.
    func `is`(stop: @escaping @Sendable () -> Void, tryAgain: (@Sendable () -> Void)? = nil) {
        let isStopped = state.withLock { state in
            (state.stop, state.tryAgain) = (stop, tryAgain)
            return state.isStopped
        }
        if isStopped { stop() }
    }

    func stop() {
        let stop = state.withLock { state in
            state.isStopped = true
            return state.stop
        }
        stop?()
    }

    func tryAgain() { state.withLock { $0.tryAgain }?() }
}
