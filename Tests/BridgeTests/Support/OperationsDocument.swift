import Foundation
import Testing

/// The tables of docs/OPERATIONS.md.
enum OperationsDocument {
    private static let file = ConfigurationText.package.appending(path: "docs/OPERATIONS.md")

    /// Two tests may write at once.
    private static let lock = NSLock()

    /// The lines of the first table of a chapter, without its head.
    static func table(of chapter: String) throws -> [Substring] {
        let text = try String(contentsOf: file, encoding: .utf8)
        return text[try range(of: chapter, in: text)].split(separator: "\n")
    }

    /// `BRIDGE_UPDATE_DOCS=1` writes the lines instead of comparing them.
    static func compare(_ lines: [String], withTableOf chapter: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try lock.withLock {
            var text = try String(contentsOf: file, encoding: .utf8)
            let range = try range(of: chapter, in: text)
            if ProcessInfo.processInfo.environment["BRIDGE_UPDATE_DOCS"] == "1" {
                text.replaceSubrange(range, with: lines.joined(separator: "\n"))
                try text.write(to: file, atomically: true, encoding: .utf8)
            } else {
                #expect(
                    text[range].split(separator: "\n").map(String.init) == lines,
                    "run BRIDGE_UPDATE_DOCS=1 swift test --filter documentation",
                    sourceLocation: sourceLocation)
            }
        }
    }

    private static func range(of chapter: String, in text: String) throws -> Range<String.Index> {
        let head = try #require(text.range(of: "\n## \(chapter)\n")).upperBound
        let start = try #require(text[head...].firstRange(of: #/\n\|---[-|]*\n/#)).upperBound
        let end = text[start...].range(of: "\n\n")?.lowerBound ?? text.endIndex
        return start..<end
    }
}
