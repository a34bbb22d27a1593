import Foundation
import Testing

@testable import StreamBridge

/// docs/GUARANTEES.md names the tests that fail when a promise is broken: they are there.
@Suite struct GuaranteesDocumentationTests {
    @Test func everyTestThatGuardsAPromiseExists() throws {
        let table = try #require(
            try ConfigurationText.file("docs/GUARANTEES.md").components(separatedBy: "\n## What breaks when a promise is broken\n").last)
        let named = Set(table.matches(of: /`(\w+Tests)\.(\w+)`/).map { "\($0.1).\($0.2)" })
        #expect(named.count > 60)
        let there = try Self.tests()
        #expect(named.subtracting(there).sorted() == [])
        // Every rule has its row.
        let rules = table.matches(of: /\n\| (\d+) \|/).compactMap { Int($0.1) }
        #expect(Set(rules) == Set(1...22))
    }

    /// The functions of each file that declares a suite, by the suite's name.
    private static func tests() throws -> Set<String> {
        let folder = ConfigurationText.package.appending(path: "Tests/BridgeTests")
        var tests: Set<String> = []
        for case let file as URL in FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil) ?? .init()
        where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            let functions = text.matches(of: /func (\w+)/).map(\.1)
            for suite in text.matches(of: /struct (\w+Tests)\b/).map(\.1) { for name in functions { tests.insert("\(suite).\(name)") } }
        }
        return tests
    }
}
