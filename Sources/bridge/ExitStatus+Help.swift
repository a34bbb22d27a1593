import StreamBridge

extension ExitStatus {
    /// The paragraph of a command's help that says what it ends with.
    ///
    /// - Parameters:
    ///   - statuses: those that the command has.
    ///   - words: what some of them mean for this command, instead of the common words.
    static func help(_ statuses: Set<ExitStatus>, _ words: [ExitStatus: String] = [:]) -> String {
        let meanings = statuses.union(words.keys).sorted { $0.rawValue < $1.rawValue }.map { status in
            "\(status.rawValue) \(words[status] ?? status.commonWords)"
        }
        return "Exit status: \(meanings.joined(separator: "; "))."
    }

    private var commonWords: String {
        switch self {
        case .done: "done"
        case .usage: "wrong usage"
        case .lostPosition: "MongoDB does not continue from there"
        case .unreachable: "a server could not be reached"
        case .configuration: "something to fix"
        case .interrupted: "a signal came first"
        case .readerGone: "the reader of the output has gone"
        case .different, .internalFault, .output, .terminated: meaning
        }
    }
}
