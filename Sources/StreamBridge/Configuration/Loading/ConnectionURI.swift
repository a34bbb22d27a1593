import Foundation

/// Light checks of a MongoDB URI. The driver's own parser has the last word. Its text without secrets is in
/// `ConnectionURI+Redaction`.
package enum ConnectionURI {
    /// Refuses what is surely no URI of the drivers, and says what to write instead. Quotes no part of what may be a
    /// password.
    static func check(_ uri: String) throws(ConfigurationComplaint) {
        let found = "found \(redacted(uri).quoted)"
        func complain(_ remedy: String) -> ConfigurationComplaint { ConfigurationComplaint(remedy, found: found) }

        guard !uri.isEmpty else {
            throw ConfigurationComplaint("write a URI such as mongodb://127.0.0.1:27017/?replicaSet=rs0", found: "found an empty text")
        }
        guard !uri.unicodeScalars.contains(where: \.properties.isWhitespace) else {
            throw complain("remove the spaces and line breaks, or percent-encode them: a space is %20")
        }
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
        guard let hosts = hosts(after: rest) else { throw complain(percentEncode) }
        guard !hosts.isEmpty else { throw complain("name a host after the scheme, as in \(scheme)://127.0.0.1:27017") }
        guard !hosts.contains("%2F"), !hosts.contains("%2f") else { return }
        let items = hosts.split(separator: ",", omittingEmptySubsequences: false)
        for host in items where hostPort(host) == nil {
            throw complain("\(maskingPorts(in: host).quoted) is no host:port")
        }
        if scheme == "mongodb+srv", items.count > 1 || hosts.contains(":") {
            throw complain("mongodb+srv:// takes one host name without a port; the port comes from DNS")
        }
    }

    /// For what is wrong within user, password or options: nothing of them may be quoted.
    static let percentEncode = "percent-encode the characters @ : / ? # [ ] % & of user, password and options: @ is %40, / is %2F"

    /// The hosts of a URI without its scheme; nil where an `@` is in a place that leaves open what is password and what
    /// is host.
    private static func hosts(after rest: Substring) -> Substring? {
        let end = rest.scalarIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end]
        guard let at = authority.lastScalarIndex(of: "@") else { return hasLogin(rest[end...]) ? nil : authority }
        let isOnly = authority.scalarIndex { $0 == "@" } == at
        return isOnly && !hasLogin(rest[end...]) ? authority[authority.unicodeScalars.index(after: at)...] : nil
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

extension StringProtocol {
    /// The first place of a Unicode scalar that a test holds for: no combining character hides it.
    func scalarIndex(where isWanted: (Unicode.Scalar) -> Bool) -> Index? { unicodeScalars.firstIndex(where: isWanted) }

    func lastScalarIndex(of scalar: Unicode.Scalar) -> Index? { unicodeScalars.lastIndex(of: scalar) }
}
