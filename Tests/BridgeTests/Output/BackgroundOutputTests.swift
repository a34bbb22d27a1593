import Foundation
import Testing

@testable import StreamBridge

/// A log that nobody reads, or that cannot be written.
@Suite struct BackgroundOutputTests {
    /// Both ends of a pipe, or of what stands in for one.
    private final class Ends {
        let read: Int32
        let write: Int32
        private var isReadOpen = true

        init() throws {
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else { throw OutputFailure(code: errno) }
            (read, write) = (ends[0], ends[1])
            // A reader that is gone is an error, as in the program.
            signal(SIGPIPE, SIG_IGN)
        }

        /// A pipe of one page, full.
        static func full() throws -> (ends: Ends, bytes: Int) {
            let ends = try Ends()
            let setPipeSize: Int32 = 1031
            let bytes = Int(fcntl(ends.write, setPipeSize, Int32(getpagesize())))
            let dots = [UInt8](repeating: UInt8(ascii: "."), count: bytes)
            guard Foundation.write(ends.write, dots, bytes) == bytes else { throw OutputFailure(code: errno) }
            return (ends, bytes)
        }

        /// The reader goes. Once: a number that was closed may be another test's by now.
        func closeRead() {
            if isReadOpen { close(read) }
            isReadOpen = false
        }

        /// Called at a test's end: the output writes to a number, which must not become another test's before that.
        func stayOpen() {}

        deinit {
            closeRead()
            close(write)
        }

        /// Reads so many bytes.
        func text(_ count: Int) -> String {
            var bytes: [UInt8] = []
            var block = [UInt8](repeating: 0, count: 4096)
            while bytes.count < count, case let size = Foundation.read(read, &block, min(block.count, count - bytes.count)), size > 0 {
                bytes += block[..<size]
            }
            return String(decoding: bytes, as: UTF8.self)
        }

        /// Reads up to a text.
        func text(to end: String) -> String {
            var text = ""
            while !text.hasSuffix(end), case let next = self.text(1), !next.isEmpty { text += next }
            return text
        }
    }

    private static func loss(_ count: Int, _ reason: String) -> String? { "lost \(count): \(reason)\n" }

    @Test func linesArriveInTheirOrder() throws {
        let ends = try Ends()
        defer { ends.stayOpen() }
        let output = BackgroundOutput(descriptor: ends.write)
        for number in 0..<100 { output.write("line \(number)\n") }
        #expect(ends.text(to: "line 99\n") == (0..<100).map { "line \($0)\n" }.joined())
        output.flush(within: Patience.limit)
        #expect(output.lostLines == 0)
    }

    /// It would hang here.
    @Test func nobodyWaitsForAPipeThatNobodyReads() throws {
        let (ends, bytes) = try Ends.full()
        defer { ends.stayOpen() }
        let output = BackgroundOutput(descriptor: ends.write, limit: 900)
        for number in 100..<400 { output.write("line \(number)\n", loss: Self.loss) }
        #expect(output.lostLines == 200)
        #expect(ends.text(bytes).allSatisfy { $0 == "." })
        #expect(ends.text(to: "line 199\n") == (100..<200).map { "line \($0)\n" }.joined())
        output.write("again\n", loss: Self.loss)
        #expect(ends.text(to: "again\n") == "lost 200: standard error takes no more\nagain\n")
        output.write("and again\n", loss: Self.loss)
        #expect(ends.text(to: "and again\n") == "and again\n")
    }

    @Test func aPipeThatDoesNotBlockIsWaitedFor() throws {
        let (ends, bytes) = try Ends.full()
        defer { ends.stayOpen() }
        _ = fcntl(ends.write, F_SETFL, O_NONBLOCK)
        let output = BackgroundOutput(descriptor: ends.write)
        output.write(String(repeating: "x", count: 300_000) + "\n")
        #expect(ends.text(bytes).allSatisfy { $0 == "." })
        #expect(ends.text(to: "\n").count == 300_001)
        output.flush(within: Patience.limit)
        #expect(output.lostLines == 0)
    }

    @Test func aReaderWhoIsGoneCostsLinesAndNothingElse() throws {
        let ends = try Ends()
        defer { ends.stayOpen() }
        ends.closeRead()
        let output = BackgroundOutput(descriptor: ends.write)
        for _ in 0..<3 { output.write("line\n") }
        output.flush(within: Patience.limit)
        #expect(output.lostLines == 3)
    }

    @Test func aFullDiskIsToldWhenItHasRoomAgain() throws {
        let ends = try Ends()
        defer { ends.stayOpen() }
        let full = open("/dev/full", O_WRONLY)
        let output = BackgroundOutput(descriptor: full)
        // The first may be lost before the second comes, which would then bring a line that tells of it.
        for _ in 0..<2 { output.write("line\n") }
        output.flush(within: Patience.limit)
        #expect(output.lostLines == 2)
        #expect(dup2(ends.write, full) == full)
        defer { close(full) }
        output.write("again\n", loss: Self.loss)
        #expect(ends.text(to: "again\n") == "lost 2: No space left on device\nagain\n")
        output.flush(within: Patience.limit)
    }

    @Test func linesAreCountedUntilTheLineThatTellsOfThemIsThere() throws {
        let ends = try Ends()
        defer { ends.stayOpen() }
        let full = open("/dev/full", O_WRONLY)
        let output = BackgroundOutput(descriptor: full)
        for _ in 0..<5 {
            // The line that tells of those before is refused, too.
            output.write("line\n", loss: Self.loss)
            output.flush(within: Patience.limit)
        }
        #expect(output.lostLines == 5)
        #expect(dup2(ends.write, full) == full)
        defer { close(full) }
        output.write("again\n", loss: Self.loss)
        #expect(ends.text(to: "again\n") == "lost 5: No space left on device\nagain\n")
        output.flush(within: Patience.limit)
    }

    @Test func aLineThatWasCutIsNotContinuedByTheNext() throws {
        let ends = try Ends()
        defer { ends.stayOpen() }
        let output = BackgroundOutput(descriptor: ends.write)
        // More than the pipe holds: the rest is refused when the reader goes, and another one comes.
        output.write(String(repeating: "x", count: 300_000) + "\n")
        #expect(ends.text(1000).count == 1000)
        ends.closeRead()
        output.flush(within: Patience.limit)
        #expect(output.lostLines == 1)
        let next = try Ends()
        defer { next.stayOpen() }
        #expect(dup2(next.write, ends.write) == ends.write)
        output.write("whole\n")
        #expect(next.text(to: "whole\n") == "\nwhole\n")
        output.flush(within: Patience.limit)
    }

    @Test func aFooterStaysBelowTheLastLine() throws {
        let ends = try Ends()
        defer { ends.stayOpen() }
        let output = BackgroundOutput(descriptor: ends.write)
        func expect(_ text: String) {
            output.flush(within: Patience.limit)
            #expect(ends.text(text.utf8.count) == text)
        }
        output.show(footer: ["one", "two"])
        expect("one\ntwo")
        // Nothing has changed.
        output.show(footer: ["one", "two"])
        output.write("line\n")
        expect("\r\u{1b}[1A\u{1b}[Jline\none\ntwo")
        output.show(footer: ["\u{1b}c"])
        expect("\r\u{1b}[1A\u{1b}[J\\u001bc")
        output.endFooter()
        expect("\r\u{1b}[J")
        output.show(footer: ["late"])
        output.write("last\n")
        expect("last\n")
    }
}
