/// The names that follow from what is watched. The same options give the same names at every start, so that stored
/// positions are found again, and different scopes never share one.
enum InitNames {
    /// Leaves room for a hash, and for the rest of a topic's or a group's name.
    private static let maximumLength = 60

    /// The databases, joined by hyphens.
    static func bridge(of scopes: [WatchScope]) -> String { legal(databases(of: scopes).joined(separator: "-")) }

    /// The collection's name; together with the database's, where one bridge watches several.
    static func stream(of scope: WatchScope, among scopes: [WatchScope]) -> String {
        switch scope {
        case .collection(let namespace):
            // A stream of the whole database has its name.
            let isClear = databases(of: scopes).count == 1 && ![namespace.database, cluster].contains(namespace.collection)
            return legal(isClear ? namespace.collection : "\(namespace)")
        case .collections(let namespaces): return legal(namespaces.map(\.description).joined(separator: "-"))
        case .database(let database): return legal(database)
        case .cluster: return cluster
        }
    }

    private static let cluster = "cluster"

    private static func databases(of scopes: [WatchScope]) -> [String] {
        let names = scopes.flatMap { scope in
            switch scope {
            case .database(let database): [database]
            case .cluster: [cluster]
            case .collection, .collections: scope.namedCollections.map(\.database)
            }
        }
        return Set(names).sorted()
    }

    /// Kafka takes fewer characters than MongoDB: the others become `_`, and a hash keeps the name apart from others.
    private static func legal(_ text: String) -> String {
        let name = String(text.map { LegalName.isTopicCharacter($0) ? $0 : "_" })
        guard name != text || name.count > maximumLength else { return name }
        return "\(name.prefix(maximumLength))-\(StoredPosition.fingerprint(text))"
    }
}
