import ArgumentParser
import Foundation
import Logging
import Runtime
import StreamBridge

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: "The configuration file. (default: bridge.yaml)")
    var config: String?

    @Option(name: .long, help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .info

    @Option(name: .long, help: "text or json.")
    var logFormat: LineLogHandler.Format = .text

    var logger: Logger { Logger(label: "bridge") { _ in LineLogHandler(format: logFormat, level: logLevel) } }

    /// The configuration, or ``ExitStatus/configuration`` with every fault on standard error.
    func load() throws -> BridgeConfiguration {
        do {
            return try read()
        } catch {
            Console.error(error)
            throw ExitStatus.configuration
        }
    }

    /// The configuration; its warnings are logged.
    func read() throws(ConfigurationFaults) -> BridgeConfiguration {
        let loaded = try ConfigurationLoader.load(
            path: config ?? "bridge.yaml", environment: ProcessInfo.processInfo.environment, checks: .drivers)
        for warning in loaded.warnings { logger.warning("\(warning)") }
        return loaded.configuration
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
extension LineLogHandler.Format: ExpressibleByArgument {}

extension BridgeConfiguration {
    /// The dispatcher of a command line, or wrong usage with the names that there are.
    func named(_ name: String) throws -> DispatcherSettings {
        do {
            return try dispatcher(name)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// The same for a stream.
    func namedStream(_ name: String) throws -> StreamSettings {
        do {
            return try stream(name)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

/// How listings are printed.
enum ListingFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

extension ExitStatus {
    /// The status of an error that ended a command.
    static func of(_ error: any Error) -> ExitStatus {
        switch error {
        case is Unreachable: .unreachable
        case is Stopped: .interrupted
        case is ConfigurationFaults: .configuration
        case is ConfigurationFile.Refused: .output
        case let halt as Halt: halt.status
        case let interrupted as SendingInterrupted: of(interrupted.cause)
        case let interrupted as ReplayInterrupted: of(interrupted.cause)
        default: .internalFault
        }
    }
}

/// Standard output and error.
enum Console {
    /// What a command is asked for. Nothing in it commands a terminal; what comes from outside has to be on one line
    /// (`harmlessLine`).
    static func print(_ text: String) { StandardOutput.shared.write((text + "\n").harmless) }

    /// What it says besides. Best effort.
    static func error(_ text: String) { StandardError.write((text + "\n").harmless) }

    /// Why a command ended: one line, or one for each fault of a configuration.
    static func error(_ error: any Error) { Self.error(error is ConfigurationFaults ? "\(error)" : "\(error)".harmlessLine) }

    /// Ends the process, with a status of its own where the command's output could not be written.
    static func exit(_ status: ExitStatus) -> Never {
        var status = status
        if let failure = StandardOutput.shared.failure {
            if !failure.isReaderGone { error("standard output cannot be written: \(failure)") }
            // A command that found something wrong says what; one that was only stopped says why.
            if status == .done || status == .interrupted { status = failure.isReaderGone ? .readerGone : .output }
        }
        StandardError.flush()
        Foundation.exit(status.rawValue)
    }

    /// Who runs this: `user@host`.
    static var user: String { "\(ProcessInfo.processInfo.userName)@\(ProcessInfo.processInfo.hostName)" }

    static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
