import Yams

/// A text that is no YAML: the place, the parser's words, and what usually lies behind them.
struct YAMLFault: Error {
    var mark: ConfigurationMark
    var found: String
    var remedy: String

    init(_ mark: ConfigurationMark, _ found: String, _ remedy: String) {
        self.mark = mark
        self.found = found
        self.remedy = remedy
    }

    /// Takes over an error of the YAML library, without the piece of the file that it would print: that may hold a
    /// password.
    init(_ error: YamlError, in text: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let place = ConfigurationMark(line: mark.line, column: mark.column)
            guard !problem.contains("another document") else {
                self.init(place, "a second document begins here", "keep one document in the file: remove the line `---`")
                return
            }
            let words = context.map { "\($0.text.isEmpty ? "" : "\($0.text) that began in line \($0.mark.line): ")" } ?? ""
            self.init(place, "this is not YAML: \(words)\(problem)", Self.remedy(line: Self.line(mark.line, of: text)))
        case .reader(let problem, let offset, _, _):
            let before = text.prefix(offset ?? 0)
            let line = before.reduce(into: 1) { if $1.isNewline { $0 += 1 } }
            let column = before.reversed().prefix { !$0.isNewline }.count + 1
            self.init(ConfigurationMark(line: line, column: column), "this is not YAML: \(problem)", "remove the character")
        default:
            self.init(ConfigurationMark(line: 1, column: 1), "this is not YAML", "")
        }
    }

    private static func line(_ number: Int, of text: String) -> Substring {
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).dropFirst(number - 1).first ?? ""
    }

    /// What people who write this line usually have to change.
    private static func remedy(line: Substring) -> String {
        let value = line.split(separator: ":", maxSplits: 1).last?.drop(while: \.isWhitespace) ?? ""
        if line.prefix(while: \.isWhitespace).contains("\t") {
            return "indent with spaces, not with tabs"
        } else if value.hasPrefix("*") {
            return "write \"*\" in quotes"
        } else if line.contains("{"), line.contains("}") {
            return "put a text with braces in quotes"
        } else {
            return "check the indentation, and put texts with : # { } [ ] or quotes in quotes"
        }
    }
}
