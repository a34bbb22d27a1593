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
        let findings = await Check(configuration: try options.load(), logger: options.logger).run()
        switch format {
        case .text:
            for finding in findings {
                Console.print("\(mark(finding.level)) \(finding.subject): \(finding.text)".harmlessLine)
                if let remedy = finding.remedy { Console.print("        fix: \(remedy.harmlessLine)") }
            }
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            Console.print(String(decoding: try encoder.encode(findings), as: UTF8.self))
        }
        if let status = ExitStatus.gravest(of: findings.filter { $0.level == .error }.map(\.status)) { throw status }
    }

    private func mark(_ level: Finding.Level) -> String {
        switch level {
        case .ok: "ok      "
        case .warning: "warning "
        case .error: "error   "
        }
    }
}
