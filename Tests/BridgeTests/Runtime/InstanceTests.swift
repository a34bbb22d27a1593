import Foundation
import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct InstanceTests {
    @Test func aProcessThatRunsIsNotGone() throws {
        let host = ProcessInfo.processInfo.hostName
        let process = try ChildProcess("cat", input: .pipe)
        let name = "\(host)/\(process.processIdentifier)"
        #expect(!Instance.isGone(name))
        process.end()
        #expect(Instance.isGone(name))
    }

    @Test func anInstanceOfAnotherHostOrWithoutAProcessMayStillRun() {
        for name in ["elsewhere.example/1", "\(ProcessInfo.processInfo.hostName)/one", "", "operator"] { #expect(!Instance.isGone(name)) }
    }

    /// In a container every process may have the same id.
    @Test func aPredecessorOfTheSameNameIsGone() { #expect(Instance.isGone(Instance.name)) }
}
