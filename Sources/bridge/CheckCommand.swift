import ArgumentParser
import Foundation
import StreamBridge

/// `bridge check`
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks the configuration, both servers, topics, streams, stored positions and dispatchers; changes nothing.")

    @OptionGroup var options: CommonOptions

    @Option(name: .long, help: "text or json.")
    var format: ListingFormat = .text

    func run() async throws {
        let findings: [Finding]
        switch format {
        case .text:
            findings = await Check(configuration: try options.load(), logger: options.logger).run()
            for finding in findings { Console.print(finding.lines) }
        case .json:
            findings = await found()
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            Console.print(String(decoding: try encoder.encode(findings), as: UTF8.self))
        }
        if let status = ExitStatus.gravest(of: findings) { throw status }
    }

    /// A program reads what is wrong with the configuration in the same list.
    private func found() async -> [Finding] {
        do {
            return await Check(configuration: try options.read(), logger: options.logger).run()
        } catch {
            return error.faults.map { Finding($0) }
        }
    }
}

extension Finding {
    /// For people: what was found, and below it what fixes it.
    var lines: String {
        let mark = level.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)
        return "\(mark) \(subject): \(text)".harmlessLine + (remedy.map { "\n        fix: \($0.harmlessLine)" } ?? "")
    }
}

extension ExitStatus {
    /// What a command ends with that has found these; nil without an error.
    static func gravest(of findings: [Finding]) -> ExitStatus? { gravest(of: findings.filter { $0.level == .error }.map(\.status)) }
}
