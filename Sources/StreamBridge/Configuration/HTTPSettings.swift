/// The status page and metrics.
package struct HTTPSettings: Sendable, Equatable {
    /// `host:port`.
    package var listen: String
    /// What callers have to present; never printed.
    package var token: String?
}

extension HTTPSettings {
    /// Reads `http:`, when there is one. What it says is checked, and the user learns that this version serves nothing.
    static func optional(reading top: ConfigurationSection) -> HTTPSettings? {
        guard top.has("http") else { return nil }
        let section = top.section("http")
        guard section.entries != nil else { return nil }
        top.reading.warn(section.mark, section.path, "not served by this version: there is no status page and there are no metrics yet")
        let token = section.has("token") ? section.scalar("token") : nil
        if let token, token.scalar.text.isEmpty { section.report(token.located, "found an empty text", "write a token, or remove the key") }
        let listen = section.parse("listen") { text throws(ConfigurationComplaint) in
            guard let (host, port) = Self.hostPort(text), port != nil else {
                throw ConfigurationComplaint("write host:port, such as 127.0.0.1:8080")
            }
            guard section.has("token") || Self.isLoopback(host) else {
                throw ConfigurationComplaint("an address beyond loopback needs `http.token`; write one, or listen on 127.0.0.1")
            }
            return text
        }
        return listen.map { HTTPSettings(listen: $0, token: token?.scalar.text) }
    }

    /// As in a URI, except that no host means every address.
    private static func hostPort(_ text: String) -> (host: String, port: Int?)? {
        text.hasPrefix(":") ? ConnectionURI.hostPort("0.0.0.0\(text)") : ConnectionURI.hostPort(text)
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
