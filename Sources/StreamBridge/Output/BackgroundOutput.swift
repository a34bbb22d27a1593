import Foundation
import Runtime

/// Lines for a descriptor that may take them late or never: writers never wait, and no line ends the process.
///
/// A log that nobody reads (a full pipe, a full disk, a frozen collector) must not stop the loops. So a thread of its
/// own writes, at most ``limit`` bytes wait for it, and what does not fit is lost: counted, and told in the log itself
/// as soon as it takes lines again.
package final class BackgroundOutput: Sendable {
    private struct Line {
        let text: String
        /// How many lost lines it tells of.
        var losses = 0
    }

    private struct State {
        var waiting: [Line] = []
        /// Of what is neither written nor lost yet, also of what the thread has in hand.
        var unwrittenBytes = 0
        var isStarted = false
        /// Lines lost since the log last told of it.
        var lost = 0
        /// Why the newest of them was lost.
        var reason = ""
        var allLost = 0
        /// What is to be below the last line, and what is.
        var footer = Footer.none
        var drawn = Footer.none
        var hasEnded = false

        mutating func append(_ line: Line) {
            waiting.append(line)
            unwrittenBytes += line.text.utf8.count
        }

        mutating func lose(_ reason: String) {
            lost += 1
            allLost += 1
            self.reason = reason
        }

        /// A line could not be written. One that tells of others is none itself: they are told again.
        mutating func lose(_ line: Line, because reason: String) {
            guard line.losses > 0 else { return lose(reason) }
            lost += line.losses
            self.reason = reason
        }
    }

    /// How many bytes may wait.
    private let limit: Int
    private let output: FileOutput
    private let state = Monitor(State())

    init(descriptor: Int32, limit: Int = 1 << 20) {
        output = FileOutput(descriptor: descriptor)
        self.limit = limit
    }

    /// Lines that were lost since the process started. Any thread.
    var lostLines: Int { state.read { $0.allLost } }

    /// Never blocks. Any thread.
    ///
    /// - Parameter loss: the line that tells how many lines before this one were lost, and why.
    package func write(_ text: String, loss: (Int, String) -> String? = { _, _ in nil }) {
        ensureWriter { state -> Bool in
            guard state.unwrittenBytes + text.utf8.count <= limit else {
                state.lose("standard error takes no more")
                return false
            }
            if state.lost > 0, let line = loss(state.lost, state.reason) {
                state.append(Line(text: line, losses: state.lost))
                state.lost = 0
            }
            state.append(Line(text: text))
            return true
        }
    }

    /// Keeps these lines below the last one, on a terminal; none of them may wrap. Never blocks. Any thread.
    package func show(footer lines: [String]) {
        ensureWriter { state in
            if !state.hasEnded { state.footer = Footer(lines: lines.map(\.harmlessLine)) }
            return state.footer != state.drawn
        }
    }

    /// Wipes the footer out, and lets no other come.
    package func endFooter() {
        state.update { state in
            state.footer = .none
            state.hasEnded = true
        }
    }

    /// - Parameter change: gives whether there is something to write.
    private func ensureWriter(_ change: (inout State) -> Bool) {
        let mustStart = state.update { state -> Bool in
            guard change(&state), !state.isStarted else { return false }
            state.isStarted = true
            return true
        }
        if mustStart { _ = LoopThread.start(name: "log") { [self] in run() } }
    }

    /// Waits until everything is written, but no longer than `limit`.
    package func flush(within limit: Duration) {
        _ = state.wait(within: limit) { $0.unwrittenBytes == 0 && $0.drawn == $0.footer }
    }

    private func run() {
        // A line of which only a part could be written: the next one must not continue it.
        var isAmidLine = false
        while true {
            let (lines, footer, drawn) = state.wait { state -> ([Line], Footer, Footer)? in
                defer { state.waiting = [] }
                return state.waiting.isEmpty && state.footer == state.drawn ? nil : (state.waiting, state.footer, state.drawn)
            }
            draw(drawn.wiping)
            // One write for each line, so that lines of several processes do not mix.
            for line in lines {
                let bytes = Array((isAmidLine ? "\n" + line.text : line.text).utf8)
                var written = 0
                var failure: OutputFailure?
                do throws(OutputFailure) {
                    try output.write(bytes, written: &written)
                } catch {
                    failure = error
                }
                if written > 0 { isAmidLine = failure != nil && bytes[written - 1] != UInt8(ascii: "\n") }
                state.update { state in
                    state.unwrittenBytes -= line.text.utf8.count
                    if let failure { state.lose(line, because: "\(failure)") }
                }
            }
            draw(footer.drawing)
            state.update { $0.drawn = footer }
        }
    }

    /// A terminal that takes no footer loses nothing.
    private func draw(_ text: String) { if !text.isEmpty { try? output.write(text) } }
}
