import Foundation
import Testing

@testable import StreamBridge

@Suite struct HTTPDateTests {
    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),  // RFC 9110's own
        (1_769_817_600, "Sat, 31 Jan 2026 00:00:00 GMT"),
    ])
    func isWrittenAsTheStandardSays(seconds: Int, text: String) {
        #expect(Date(timeIntervalSince1970: TimeInterval(seconds)).httpText == text)
    }
}
