/// Lines that stay below a log on a terminal: wiped out before a line of the log, and drawn again after it.
struct Footer: Sendable, Equatable {
    static let none = Footer(lines: [])

    /// None of them wraps.
    let lines: [String]

    /// The cursor stays at the end of the last line.
    var drawing: String { lines.joined(separator: "\n") }

    /// From the end of the last line to the begin of the first, and nothing behind it.
    var wiping: String {
        guard !lines.isEmpty else { return "" }
        return "\r" + (lines.count > 1 ? "\u{1b}[\(lines.count - 1)A" : "") + "\u{1b}[J"
    }
}
