import Foundation

/// Light checks of a MongoDB URI, and its text without secrets. The driver's own parser has the last word.
package enum ConnectionURI {
    static let mask = "***"

    // MARK: Redaction

    /// Options whose values are secrets.
    private static let secretOptions = ["tlsCertificateKeyFilePassword", "sslClientCertificateKeyPassword", "proxyPassword"]

    /// The URI without its secrets: the password, `AWS_SESSION_TOKEN`, and passwords among the options.
    ///
    /// Every place that prints a URI prints this. It also holds for texts that are no URI, where it rather hides too much.
    package static func redacted(_ uri: String) -> String {
        var text = uri
        if let secret = passwordRange(in: text) { text.replaceSubrange(secret, with: mask) }
        return maskingOptions(in: text)
    }

    /// Somebody else's message about a URI, without the secrets of the URI.
    static func scrubbed(_ message: String, of uri: String) -> String {
        var text = message.replacing(uri, with: redacted(uri))
        if let range = passwordRange(in: uri), !range.isEmpty {
            let password = String(uri[range])
            for form in [password, password.removingPercentEncoding] { if let form { text = text.replacing(form, with: mask) } }
        }
        return maskingOptions(in: text)
    }

    private static func maskingOptions(in text: String) -> String {
        let text = masking("AWS_SESSION_TOKEN", in: text, endingAt: ["&", ";", ",", "%2C", "%2c"])
        return secretOptions.reduce(text) { masking($1, in: $0, endingAt: ["&", ";"]) }
    }

    /// The password, from after the colon to before the `@`.
    private static func passwordRange(in text: String) -> Range<String.Index>? {
        let start = afterScheme(of: text)
        guard let at = userInfoEnd(in: text[start...]) else { return nil }
        let userInfo = text[start..<at]
        if let colon = userInfo.firstIndex(of: ":") { return text.index(after: colon)..<at }
        // A user whose colon was encoded too is perhaps a user and a password.
        if let colon = userInfo.range(ofText: "%3a") { return colon.upperBound..<at }
        return nil
    }

    private static func afterScheme(of text: String) -> String.Index {
        guard let mark = text.range(ofText: "://") else { return text.startIndex }
        let scheme = text[..<mark.lowerBound]
        return scheme.utf8.allSatisfy { $0.isASCIILetterOrDigit || "+-.".utf8.contains($0) } ? mark.upperBound : text.startIndex
    }

    /// The `@` before the hosts. In a well-formed URI it is in front of the first `/` or `?`, and a later one is part of an
    /// option's value. In any other text the last one counts, because a password may hold every character.
    private static func userInfoEnd(in text: Substring) -> String.Index? {
        guard let last = text.lastIndex(of: "@") else { return nil }
        let end = text.firstIndex { $0 == "/" || $0 == "?" } ?? text.endIndex
        let authority = text[..<end]
        let first = authority.firstIndex(of: "@")
        guard first == authority.lastIndex(of: "@") else { return last }
        let hosts = first.map { authority[authority.index(after: $0)...] } ?? authority
        let options = text[end...]
        let parts = options.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let isWellFormed =
            hosts.split(separator: ",").allSatisfy { hostPort($0) != nil }
            && parts.first?.contains("@") != true
            && parts.dropFirst().allSatisfy { query in
                query.split(separator: "&").allSatisfy { option in
                    guard let at = option.firstIndex(of: "@") else { return true }
                    return option.firstIndex(of: "=").map { $0 < at } ?? false
                }
            }
        return isWellFormed ? first : last
    }

    private static func masking(_ name: String, in text: String, endingAt ends: [String]) -> String {
        var result = ""
        var rest = text[...]
        while let found = rest.range(ofText: name) {
            var value = rest[found.upperBound...]
            for separator in [":", "=", "%3A", "%3a"] where value.hasPrefix(separator) {
                value = value.dropFirst(separator.count)
                break
            }
            let end = ends.compactMap { value.range(ofText: $0)?.lowerBound }.min() ?? value.endIndex
            result += rest[..<value.startIndex]
            if value.startIndex < end { result += mask }
            rest = rest[end...]
        }
        return result + rest
    }

    // MARK: Checks

    /// Refuses what is surely no URI of the drivers, and says what to write instead.
    static func check(_ uri: String) throws(ConfigurationComplaint) {
        let found = "found \(redacted(uri).quoted)"
        func complain(_ mend: String) -> ConfigurationComplaint { ConfigurationComplaint(mend, found: found) }

        guard !uri.isEmpty else {
            throw ConfigurationComplaint("write a URI such as mongodb://127.0.0.1:27017/?replicaSet=rs0", found: "found an empty text")
        }
        guard !uri.contains(where: \.isWhitespace) else { throw complain("remove the spaces and line breaks") }
        guard let mark = uri.range(ofText: "://") else {
            let scheme = uri.prefix { $0 != ":" && $0 != "/" }
            guard NearestName.of(String(scheme), among: ["mongodb", "mongodb+srv"]) == nil else {
                throw complain("write `://` after the scheme, as in mongodb://127.0.0.1:27017")
            }
            throw complain("begin with mongodb:// or mongodb+srv://")
        }
        let scheme = String(uri[..<mark.lowerBound])
        guard scheme == "mongodb" || scheme == "mongodb+srv" else {
            let nearest = scheme == "mongo" ? "mongodb" : NearestName.of(scheme, among: ["mongodb", "mongodb+srv"])
            throw complain(nearest.map { "did you mean `\($0)://`?" } ?? "allowed: mongodb://, mongodb+srv://")
        }
        let rest = uri[mark.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let ats = rest.prefix { $0 != "?" }.count { $0 == "@" }
        guard ats <= 1, ats == authority.count(where: { $0 == "@" }) else {
            throw complain("percent-encode the characters @ : / ? # % of user and password: @ is %40, / is %2F")
        }
        let hosts = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        guard !hosts.isEmpty else { throw complain("name a host after the scheme, as in \(scheme)://127.0.0.1:27017") }
        guard !hosts.contains("%2F"), !hosts.contains("%2f") else { return }
        let items = hosts.split(separator: ",", omittingEmptySubsequences: false)
        for host in items where hostPort(host) == nil {
            throw complain("\(String(host).quoted) is no host:port")
        }
        if scheme == "mongodb+srv", items.count > 1 || hosts.contains(":") {
            throw complain("mongodb+srv:// takes one host name without a port; the port comes from DNS")
        }
    }

    /// Splits `host`, `host:port` or `[address]:port`; nil when it is none of them.
    static func hostPort(_ text: some StringProtocol) -> (host: String, port: Int?)? {
        let host: String
        let tail: Substring
        let text = Substring(text)
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = String(text[...end])
            tail = text[text.index(after: end)...]
        } else {
            host = String(text.prefix { $0 != ":" })
            tail = text[(text.firstIndex(of: ":") ?? text.endIndex)...]
        }
        if tail.isEmpty { return host.isEmpty ? nil : (host, nil) }
        let digits = tail.dropFirst()
        guard tail.hasPrefix(":"), !digits.isEmpty, digits.utf8.allSatisfy(\.isASCIIDigit), let port = Int(digits), port <= 65535 else {
            return nil
        }
        return (host, port)
    }
}

extension MongoDBSettings {
    /// The URI as it may be printed.
    package var redactedURI: String { ConnectionURI.redacted(uri) }
}

extension StringProtocol {
    /// The first place of an ASCII text, case not counting. Works on bytes, so that no combining character hides it.
    func range(ofText needle: String) -> Range<String.Index>? {
        func folded(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
        let pattern = needle.utf8.map(folded)
        var start = utf8.startIndex
        while start != utf8.endIndex {
            var end = start
            var matched = 0
            while matched < pattern.count, end != utf8.endIndex, folded(utf8[end]) == pattern[matched] {
                end = utf8.index(after: end)
                matched += 1
            }
            if matched == pattern.count { return start..<end }
            start = utf8.index(after: start)
        }
        return nil
    }
}
