import Foundation
import Testing

@testable import StreamBridge

@Suite struct ConfigurationFuzzTests {
    /// Whatever stands in the file, the loader answers.
    @Test func mutatedExampleLoadsOrFaults() throws {
        // Without most of its comments, so that mutations hit what is read.
        let text = try ConfigurationText.file("deploy/bridge.example.yaml") + "\n" + ConfigurationText.exampleDispatcher()
        let example = text.split(separator: "\n")
            .map { $0.split(separator: " #", maxSplits: 1).first ?? "" }.filter { !$0.hasPrefix("#") }.joined(separator: "\n")
        let pieces = [
            "{", "}", "[", "]", ":", "- ", "\n", "  ", "\t", "\"", "'", "*", "&a ", "*a", "!!str ", "!x ", "|", ">", "#", "---\n", "? ",
            "<<: ",
            "${X}", "${file:x}", "$${", "${", "null", "~", "true", "-1", "99999999999999999999", "1e999", "0x", "5s", "16MiB", "\u{0}",
            "\u{FEFF}",
            "\u{301}", "é", "😀", "\\", ",", "%", "@", "name: x\n", "streams:\n", "pipeline: [$match: {a: 1}]\n", "{template: \"{a}\"}",
            "{token: 82}", "dispatchers:\n", "fields: {a: int}\n", "{type: int, minimum: 5}", "number", ".5", "$", ".",
        ]
        var random = ConfigurationText.Random(seed: 2026)
        var loaded = 0
        for _ in 0..<4000 {
            var characters = Array(example)
            for _ in 0..<Int.random(in: 1...4, using: &random) where !characters.isEmpty {
                let index = Int.random(in: 0..<characters.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: characters.remove(at: index)
                case 1: characters.removeSubrange(index..<min(characters.count, index + Int.random(in: 1...30, using: &random)))
                case 2: characters.insert(contentsOf: characters[index..<min(characters.count, index + 40)], at: index)
                case 3: characters.swapAt(index, Int.random(in: 0..<characters.count, using: &random))
                default: characters.insert(contentsOf: pieces.randomElement(using: &random) ?? "", at: index)
                }
            }
            do throws(ConfigurationFaults) {
                let configuration = try ConfigurationText.load(String(characters), environment: ["X": "x"], files: ["x": "y"]).configuration
                _ = EffectiveConfiguration.render(configuration, format: .yaml)
                loaded += 1
            } catch {
                #expect(!error.faults.isEmpty)
                #expect(!error.description.contains("please report this"), "\(error) in\n\(String(characters))")
            }
        }
        #expect(loaded > 100)
    }
}
