/// Chooses records by their key.
struct KeyFilter {
    private enum Choice {
        case key([UInt8])
        case pattern(Regex<AnyRegexOutput>)
    }

    private let choice: Choice

    /// Reads a whole key, or `/PATTERN/`, a regular expression that has to be found in the key.
    ///
    /// - Throws: ``WrongUsage`` for a pattern that is none.
    init(_ text: String) throws(WrongUsage) {
        guard text.count >= 2, text.hasPrefix("/"), text.hasSuffix("/") else {
            choice = .key(Array(text.utf8))
            return
        }
        do {
            choice = .pattern(try Regex(String(text.dropFirst().dropLast())))
        } catch {
            throw WrongUsage("--key: \(text) is no regular expression: \(error)")
        }
    }

    /// A record without a key is not taken.
    func takes(_ key: [UInt8]?) -> Bool {
        guard let key else { return false }
        switch choice {
        case .key(let wanted): return key == wanted
        case .pattern(let pattern): return String(decoding: key, as: UTF8.self).firstMatch(of: pattern) != nil
        }
    }
}
