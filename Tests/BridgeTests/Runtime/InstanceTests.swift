import Foundation
import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct InstanceTests {
    @Test func aProcessThatRunsIsNotGone() throws {
        let host = ProcessInfo.processInfo.hostName
        let process = Process()
        // `waitUntilExit` turns a run loop that this thread may not have.
        let hasEnded = Monitor(false)
        process.terminationHandler = { _ in hasEnded.update { $0 = true } }
        process.executableURL = URL(filePath: "/bin/cat")
        process.standardInput = Pipe()
        try process.run()
        let name = "\(host)/\(process.processIdentifier)"
        #expect(!Instance.isGone(name))
        kill(process.processIdentifier, SIGKILL)
        hasEnded.wait { $0 ? () : nil }
        #expect(Instance.isGone(name))
    }

    @Test func anInstanceOfAnotherHostOrWithoutAProcessMayStillRun() {
        for name in ["elsewhere.example/1", "\(ProcessInfo.processInfo.hostName)/one", "", "operator"] { #expect(!Instance.isGone(name)) }
    }

    /// In a container every process may have the same id.
    @Test func aPredecessorOfTheSameNameIsGone() { #expect(Instance.isGone(Instance.name)) }
}
