import Testing

@testable import StreamBridge

@Suite struct ExitStatusDocumentationTests {
    @Test func documentationHasExactlyTheExitStatuses() throws {
        let statuses = ExitStatus.allCases.sorted { $0.rawValue < $1.rawValue }
        try OperationsDocument.compare(statuses.map { "| \($0.rawValue) | \($0.meaning) |" }, withTableOf: "Exit statuses")
    }
}
