import Foundation
import Runtime
import Testing

@Suite struct ChildProcessTests {
    private static func output(of process: ChildProcess) -> String {
        String(decoding: process.output?.readDataToEndOfFile() ?? Data(), as: UTF8.self)
    }

    @Test func anEndIsToldWithItsStatusOrSignal() throws {
        #expect(try ChildProcess("sh", ["-c", "exit 7"]).wait() == .status(7))
        let process = try ChildProcess("cat", input: .pipe)
        #expect(process.isRunning && process.exit == nil)
        process.end()
        #expect(process.exit == .signal(SIGKILL))
        // Its number may be another's now.
        process.signal(SIGKILL)
    }

    @Test func whatItReadsAndWritesGoesThroughPipes() throws {
        let process = try ChildProcess("sh", ["-c", "cat; echo fault >&2"], input: .pipe, output: .pipe, errors: nil)
        try process.input?.write(contentsOf: Data("text\n".utf8))
        try process.input?.close()
        #expect(Self.output(of: process) == "text\nfault\n")
        #expect(process.wait() == .status(0))
    }

    @Test func aProgramThatIsNotThereIsNotStarted() {
        #expect(throws: ChildProcess.NotStarted.self) { try ChildProcess("/nowhere/program") }
    }

    /// One without `O_CLOEXEC`, as a listening socket of another library.
    @Test func aChildHasNoOtherDescriptor() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let process = try ChildProcess("sh", ["-c", "ls /proc/self/fd"], output: .pipe)
        // The folder that `ls` reads is one of them.
        #expect(Self.output(of: process).split(separator: "\n").count == 4)
    }

    /// Each end is seen although children that live on were started at the same time.
    @Test func endsAreSeenBesideChildrenThatLiveOn() throws {
        let living = Monitor<[ChildProcess]>([])
        let threads = (0..<4).map { number in
            LoopThread.start(name: "starter \(number)") {
                for _ in 0..<20 {
                    guard let one = try? ChildProcess("cat", input: .pipe), let other = try? ChildProcess("true") else { return }
                    living.update { $0.append(one) }
                    other.wait()
                }
            }
        }
        for thread in threads { thread.join() }
        let all = living.read { $0 }
        #expect(all.count == 80)
        let running = all.count { $0.isRunning }
        #expect(running == 80)
        for process in all { process.end() }
    }
}
