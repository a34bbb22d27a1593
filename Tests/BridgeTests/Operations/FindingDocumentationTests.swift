import Foundation
import Testing

@testable import StreamBridge

@Suite struct FindingDocumentationTests {
    @Test func documentationHasExactlyTheFindings() throws {
        try OperationsDocument.compare(
            FindingID.allCases.map { "| `\($0.rawValue)` | \($0.meaning) |" }, withTableOf: "Findings of a check")
    }

    /// Programs look for them, so they have one form.
    @Test func idsAreASubjectAndAFact() {
        for id in FindingID.allCases { #expect(id.rawValue.wholeMatch(of: #/[a-z]+\.[a-z]+(-[a-z]+)*/#) != nil, "\(id)") }
    }

    @Test func findingsInJSONHaveTheFieldsOfTheDocumentation() throws {
        let finding = Finding.error(.topicMissing, "topic t", "does not exist", remedy: "Create it")
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(finding)) as? [String: any Sendable]
        #expect(object?.keys.sorted() == ["id", "level", "remedy", "status", "subject", "text"])
        #expect(object?["id"] as? String == "topic.missing")
        #expect(object?["status"] as? Int == 78)
    }
}
