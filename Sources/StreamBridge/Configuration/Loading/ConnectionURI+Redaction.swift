import Mongo

extension ConnectionURI {
    static let mask = "***"

    /// Options whose values are secrets.
    private static let secretOptions = [
        "AWS_SESSION_TOKEN", "tlsCertificateKeyFilePassword", "sslClientCertificateKeyPassword", "proxyPassword",
    ]

    /// The URI without its secrets: the password, `AWS_SESSION_TOKEN`, and passwords among the options.
    ///
    /// Every place that prints a URI prints this. A password may hold every character, also those that should have been
    /// encoded, so it ends at the last `@` that can end it, and a secret option at the next option that the driver
    /// knows. It also holds for texts that are no URI, where it rather hides too much.
    package static func redacted(_ uri: String) -> String {
        // First the options: an `@` in one of them would pass for the end of a login.
        var text = secretOptions.reduce(uri) { masking($1, in: $0) }
        let start = afterScheme(of: text)
        if let at = loginEnd(in: text[start...]) {
            if let secret = passwordStart(in: text[start..<at]) { text.replaceSubrange(secret..<at, with: mask) }
        } else {
            // Perhaps a login whose end is missing, as behind ` #` in YAML.
            text.replaceSubrange(start..., with: maskingPorts(in: text[start...]))
        }
        return text
    }

    /// A well-formed URI with another text in the place of its password; nil when it has none, or a reference (`${…}`)
    /// instead of one.
    static func replacingPassword(of uri: String, with text: String) -> (uri: String, password: String)? {
        let start = afterScheme(of: uri)
        guard let at = loginEnd(in: uri[start...]), let secret = passwordStart(in: uri[start..<at]), secret < at else { return nil }
        let password = uri[secret..<at]
        guard !password.contains("${") else { return nil }
        return (uri[..<secret] + text + uri[at...], String(password))
    }

    /// The first option whose value is a secret, and no reference.
    static func secretOption(in uri: String) -> String? {
        secretOptions.first { name in
            guard let found = uri.range(ofText: name) else { return false }
            return !uri[found.upperBound...].dropFirst().hasPrefix("${")
        }
    }

    /// The URI with one more option.
    static func adding(_ option: String, to uri: String) -> String {
        let start = afterScheme(of: uri)
        let hosts = uri[(loginEnd(in: uri[start...]) ?? start)...]
        if hosts.contains("?") { return uri + (uri.hasSuffix("?") || uri.hasSuffix("&") ? "" : "&") + option }
        return uri + (hosts.contains("/") ? "?" : "/?") + option
    }

    /// Where the password of a login begins; nil for a user alone.
    private static func passwordStart(in login: Substring) -> String.Index? {
        let colon = login.scalarIndex { $0 == ":" }.map(login.unicodeScalars.index(after:))
        // A user whose colon was encoded too is perhaps a user and a password.
        let encoded = login.range(ofText: "%3a")?.upperBound
        return [colon, encoded].compactMap(\.self).min()
    }

    private static func afterScheme(of text: String) -> String.Index {
        guard let mark = text.range(ofText: "://") else { return text.startIndex }
        let scheme = text[..<mark.lowerBound]
        return scheme.utf8.allSatisfy { $0.isASCIILetterOrDigit || "+-.".utf8.contains($0) } ? mark.upperBound : text.startIndex
    }

    /// The `@` before the hosts. In a well-formed URI it is in front of the first `/` or `?`, and a later one is part
    /// of an option's value. In any other text the last one counts.
    private static func loginEnd(in text: Substring) -> String.Index? {
        guard let last = text.lastScalarIndex(of: "@") else { return nil }
        let end = text.scalarIndex { $0 == "/" || $0 == "?" } ?? text.endIndex
        let authority = text[..<end]
        let first = authority.scalarIndex { $0 == "@" }
        guard first == authority.lastScalarIndex(of: "@"), !hasLogin(text[end...]) else { return last }
        let hosts = first.map { authority[authority.unicodeScalars.index(after: $0)...] } ?? authority
        return hosts.split(separator: ",").allSatisfy { hostPort($0) != nil } ? first : last
    }

    /// Whether an `@` behind the first `/` or `?` may be the end of a login: everywhere but in the value of an option
    /// that the driver knows.
    static func hasLogin(_ tail: Substring) -> Bool {
        let parts = tail.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.first?.lastScalarIndex(of: "@") == nil else { return true }
        guard let query = parts.dropFirst().first, query.lastScalarIndex(of: "@") != nil else { return false }
        return !query.split(separator: "&").allSatisfy { option in
            option.scalarIndex { $0 == "=" }.map { MongoClientPool.isOption(String(option[..<$0])) } ?? false
        }
    }

    /// The hosts of a text, without what is no number in the place of a port, and what follows that.
    static func maskingPorts(in text: Substring) -> String {
        let authority = text[..<(text.scalarIndex { $0 == "/" || $0 == "?" } ?? text.endIndex)]
        var rest = authority
        while let colon = rest.scalarIndex(where: { $0 == ":" }) {
            let port = rest.unicodeScalars.index(after: colon)
            let end = authority[port...].scalarIndex { $0 == "," } ?? authority.endIndex
            let isIPv6 = rest[..<colon].unicodeScalars.contains("[") && !rest[..<colon].unicodeScalars.contains("]")
            guard isIPv6 || port == end || Int(authority[port..<end]).map({ $0 <= 65535 }) ?? false else { return text[..<port] + mask }
            rest = authority[(isIPv6 ? port : end)...]
        }
        return String(text)
    }

    /// Hides the value of an option up to the next one that the driver knows.
    private static func masking(_ name: String, in text: String) -> String {
        var result = ""
        var rest = text[...]
        while let found = rest.range(ofText: name) {
            var value = rest[found.upperBound...]
            for separator in [":", "=", "%3A", "%3a"] where value.hasPrefix(separator) {
                value = value.dropFirst(separator.count)
                break
            }
            let end = optionEnd(of: value)
            result += rest[..<value.startIndex]
            if value.startIndex < end { result += mask }
            rest = rest[end...]
        }
        return result + rest
    }

    private static func optionEnd(of value: Substring) -> String.Index {
        var rest = value
        while let end = rest.scalarIndex(where: { $0 == "&" }) {
            rest = rest[rest.unicodeScalars.index(after: end)...]
            if let sign = rest.scalarIndex(where: { $0 == "=" }), MongoClientPool.isOption(String(rest[..<sign])) { return end }
        }
        return value.endIndex
    }
}
