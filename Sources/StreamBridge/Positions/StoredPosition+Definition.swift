/// What decides which events a stream sees, as a position remembers it: a token is good for the definition that gave
/// it.
extension StoredPosition {
    /// A short fingerprint of a stream's scope, pipeline and server options: eight hexadecimal digits for each of them,
    /// so that ``changes(of:)`` can name what changed.
    static func definitionHash(of stream: StreamSettings) -> String {
        definition(of: stream).map { fingerprint($0.value) }.joined(separator: "-")
    }

    /// The keys of the configuration that `stream` has changed since this position was stored, for a sentence:
    /// "pipeline and fullDocument". All of them, when another program or another version wrote it; nil for none.
    func changes(of stream: StreamSettings) -> String? {
        let definition = Self.definition(of: stream)
        let stored = options.split(separator: "-", omittingEmptySubsequences: false)
        let isKnown = stored.count == definition.count
        let changed = isKnown ? zip(definition, stored).filter { Self.fingerprint($0.value) != $1 }.map(\.0) : definition
        return changed.isEmpty ? nil : changed.map(\.key).joined(separator: " and ")
    }

    private static func definition(of stream: StreamSettings) -> [(key: String, value: String)] {
        // Written out, so that renaming a type does not change what users have stored.
        let scope: String =
            switch stream.watch {
            case .collection(let namespace): "\(namespace)"
            case .collections(let namespaces): "[\(namespaces.map(\.description).joined(separator: ","))]"
            case .database(let database): database
            case .cluster: "*"
            }
        return [
            ("watch", scope), ("pipeline", stream.pipeline), ("fullDocument", stream.fullDocument.rawValue),
            ("fullDocumentBeforeChange", stream.fullDocumentBeforeChange.rawValue),
            ("showExpandedEvents", "\(stream.showExpandedEvents)"),
        ]
    }

    /// FNV-1a, 32 bits: it has to notice an edit, not to withstand an attacker.
    static func fingerprint(_ text: String) -> String {
        let hash = text.utf8.reduce(0x811c_9dc5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
