/// What callers have to present as `Authorization: Bearer <token>`.
struct AccessToken: Sendable {
    /// Fewer could be guessed.
    private static let minCharacters = 8

    private let bytes: [UInt8]

    init(_ token: String) { bytes = Array(token.utf8) }

    /// What is wrong with a token of the configuration, without a part of it; nil when it can be used.
    static func fault(of token: String) -> (found: String, remedy: String)? {
        let make = "make one with `openssl rand -hex 24`"
        guard !token.isEmpty else { return ("found an empty text", "\(make), or remove the key") }
        // Visible ASCII: what a header's value can have without anybody changing it on the way.
        guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            let breaks =
                token.unicodeScalars.contains { $0.properties.isWhitespace } ? "a space or a line break" : "a character beyond ASCII"
            return ("found \(breaks) in the token", "no header can present it; \(make)")
        }
        guard token.utf8.count >= minCharacters else {
            return ("found a token of \(token.utf8.count) characters", "it needs at least \(minCharacters); \(make)")
        }
        return nil
    }

    /// Whether a header's value presents the token. Takes as long for a wrong token as for the right one, so that
    /// nobody finds it byte by byte.
    func isPresented(by authorization: String?) -> Bool {
        guard let authorization, let space = authorization.firstIndex(of: " "), authorization[..<space].lowercased() == "bearer" else {
            return false
        }
        return equals(Array(authorization[space...].drop { $0 == " " }.utf8))
    }

    private func equals(_ other: [UInt8]) -> Bool {
        guard !bytes.isEmpty else { return false }
        var difference = bytes.count ^ other.count
        // As many steps as the caller has given bytes.
        for index in other.indices { difference |= Int(bytes[index % bytes.count] ^ other[index]) }
        return difference == 0
    }
}
