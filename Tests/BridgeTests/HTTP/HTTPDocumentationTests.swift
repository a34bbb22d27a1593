import Foundation
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// docs/HTTP.md has what is served, and nothing else.
@Suite struct HTTPDocumentationTests {
    /// Name, type and labels of a metric.
    private struct Row: Hashable, CustomStringConvertible {
        let name: String
        let type: String
        let labels: Set<String>
        var description: String { "\(name) \(type) \(labels.sorted())" }
    }

    private static func document() throws -> String { try ConfigurationText.file("docs/HTTP.md") }

    /// The rows of the table of metrics; those of a stream or a dispatcher have its label.
    private static func table() throws -> [Row] {
        try document().split(separator: "\n").filter { $0.hasPrefix("| `bridge_") || $0.hasPrefix("| `process_") }.map { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
            let name = cells[1].trimmingCharacters(in: ["`"])
            // What follows a colon are a label's values.
            let own = cells[3].split(separator: ":").first ?? ""
            let common = ["stream", "dispatcher"].filter { name.hasPrefix("bridge_\($0)_") }
            return Row(
                name: name, type: cells[2],
                labels: Set(own.matches(of: #/`(\w+)`/#).map { String($0.output.1) } + common))
        }
    }

    /// What the samples of an exposition show.
    private static func families(of text: String) -> [Row] {
        var rows: [Row] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") {
                let words = line.split(separator: " ")
                rows.append(Row(name: String(words[2]), type: String(words[3]), labels: []))
            } else if !line.hasPrefix("#"), let last = rows.popLast() {
                let labels = Set(line.matches(of: #/[{,](\w+)="/#).map { String($0.output.1) }).subtracting(["le"])
                rows.append(Row(name: last.name, type: last.type, labels: last.labels.union(labels)))
            }
        }
        return rows
    }

    @Test func theTableHasEveryMetricAndNoOther() throws {
        let table = try Self.table()
        let families = Self.families(of: Exposition(of: .sample()).text)
        #expect(table.count > 40)
        #expect(Set(table).subtracting(families) == [])
        #expect(Set(families).subtracting(table) == [])
        #expect(families.count == Set(families.map(\.name)).count)
    }

    @Test func theTableNamesEveryClassOfRetriesAndEveryState() throws {
        let document = try Self.document()
        for kind in RetryClass.allCases { #expect(document.contains("`\(kind.rawValue)`"), "\(kind)") }
        for state in LoopCondition.State.allCases { #expect(document.contains("`\(state.rawValue)`"), "\(state)") }
    }

    /// The sample of the document and what is served have the same keys, at every level.
    @Test func theSampleOfTheStatusHasEveryKeyAndNoOther() throws {
        let sample = try #require(try Self.document().split(separator: "```json\n").last?.split(separator: "```").first)
        let document = try BSONDocument(extendedJSON: String(sample))
        #expect(document["version"]?.stringValue == BridgeVersion.current)
        let documented = Self.paths(of: .document(document), free: Self.free)
        let served = Self.paths(of: .document(try BSONDocument(extendedJSON: StatusDocument(.sample()).json)), free: Self.free)
        #expect(documented.subtracting(served) == [])
        #expect(served.subtracting(documented) == [])
        #expect(served.contains("streams.position.clusterTime"))
    }

    /// Objects whose keys are data.
    private static let free: Set<String> = ["events", "bytes", "outcomes", "retries"]

    private static func paths(of value: BSONValue, free: Set<String>, under path: String = "") -> Set<String> {
        switch value {
        case .document(let document):
            return document.keys.reduce(into: []) { paths, key in
                let own = path.isEmpty ? key : "\(path).\(key)"
                paths.insert(own)
                if !(path.hasSuffix("totals") && free.contains(key)), let value = document[key] {
                    paths.formUnion(Self.paths(of: value, free: free, under: own))
                }
            }
        case .array(let values): return values.reduce(into: []) { $0.formUnion(paths(of: $1, free: free, under: path)) }
        default: return []
        }
    }
}
