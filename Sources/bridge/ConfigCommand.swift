import ArgumentParser
import StreamBridge

/// `bridge config`
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Prints the effective configuration: every default filled in, secrets redacted.")

    enum Format: String, ExpressibleByArgument, CaseIterable { case yaml, text, json }

    @OptionGroup var options: CommonOptions

    @Option(name: .long, help: "yaml (or text) or json.")
    var format: Format = .yaml

    func run() async throws {
        Console.print(EffectiveConfiguration.render(try options.load(), format: format == .json ? .json : .yaml))
    }
}
