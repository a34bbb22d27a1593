import ArgumentParser
import Foundation
import Logging
import StreamBridge

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: "The configuration file.")
    var config = "bridge.yaml"

    @Option(name: .long, help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .info

    @Option(name: .long, help: "text or json.")
    var logFormat: LineLogHandler.Format = .text

    var logger: Logger { Logger(label: "bridge") { _ in LineLogHandler(format: logFormat, level: logLevel) } }

    /// The configuration, or exit status 78 with every fault on standard error.
    func load() throws -> BridgeConfiguration {
        do {
            let loaded = try ConfigurationLoader.load(
                path: config, environment: ProcessInfo.processInfo.environment, checks: .drivers)
            for warning in loaded.warnings { logger.warning("\(warning)") }
            return loaded.configuration
        } catch {
            Console.error("\(error)")
            throw ExitStatus.configuration
        }
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

/// The exit statuses of the contract, section 1.
enum ExitStatus {
    /// What a command was to compare is not the same.
    static let different = ExitCode(1)
    static let configuration = ExitCode(78)
    static let unreachable = ExitCode(69)
    static let lostPosition = ExitCode(65)
    static let internalFault = ExitCode(70)

    /// A signal ended a command before it was done; as a shell reports it.
    static let interrupted = ExitCode(128 + SIGINT)

    /// The status of an error that ended a command.
    static func of(_ error: any Error) -> ExitCode {
        switch error {
        case is Bridge.Unreachable: unreachable
        case let halt as StreamHalt: ExitCode(halt.status.rawValue)
        case let interrupted as SendingInterrupted: of(interrupted.cause)
        case let interrupted as ReplayInterrupted: of(interrupted.cause)
        default: internalFault
        }
    }
}

/// Standard output and error.
enum Console {
    static func print(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }
    static func error(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// Who runs this: `user@host`.
    static var user: String { "\(ProcessInfo.processInfo.userName)@\(ProcessInfo.processInfo.hostName)" }

    static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
