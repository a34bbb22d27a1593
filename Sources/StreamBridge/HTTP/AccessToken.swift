/// What callers have to present as `Authorization: Bearer <token>`.
struct AccessToken: Sendable {
    private let bytes: [UInt8]

    init(_ token: String) { bytes = Array(token.utf8) }

    /// Whether a header's value presents the token. Takes as long for a wrong token as for the right one, so that nobody finds it byte by byte.
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
