extension HTTPSettings {
    /// Reads `http:`, when there is one.
    static func optional(reading top: ConfigurationSection) -> HTTPSettings? {
        guard top.has("http") else { return nil }
        let section = top.section("http")
        guard section.entries != nil else { return nil }
        let token = section.has("token") ? section.scalar("token") : nil
        if let token, let fault = AccessToken.fault(of: token.scalar.text) { section.report(token.located, fault.found, fault.remedy) }
        let listen = section.parse("listen") { text throws(ConfigurationComplaint) in
            guard let address = ListenAddress(text) else {
                throw ConfigurationComplaint("write host:port, such as 127.0.0.1:8080")
            }
            guard section.has("token") || address.isLoopback else {
                throw ConfigurationComplaint("an address beyond loopback needs `http.token`; write one, or listen on 127.0.0.1")
            }
            return text
        }
        return listen.map { HTTPSettings(listen: $0, token: token?.scalar.text) }
    }
}
