import Foundation
import StreamBridge

/// Questions on a terminal. The answers come from standard input; what is asked goes to standard error, as what is
/// printed may go to a file.
enum Prompt {
    /// Somebody can answer.
    static var isPossible: Bool { isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0 }

    /// Asks, and takes `proposal` for an empty answer.
    ///
    /// - Returns: nil at the end of the input.
    static func ask(_ question: String, proposal: String? = nil) -> String? {
        StandardError.write("\(question)\(proposal.map { " [\($0)]" } ?? ""): ".harmless)
        guard let line = readLine() else {
            StandardError.write("\n")
            return nil
        }
        let answer = line.trimmingCharacters(in: .whitespaces)
        return answer.isEmpty ? proposal ?? "" : answer
    }
}
