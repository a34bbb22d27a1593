/// What a change stream watches.
package enum WatchScope: Sendable, Equatable {
    case collection(Namespace)
    /// Several collections through one stream on their database, or on the cluster when they live in several databases.
    case collections([Namespace])
    case database(String)
    case cluster
}

extension WatchScope {
    /// The collections that it names one by one.
    var namedCollections: [Namespace] {
        switch self {
        case .collection(let namespace): [namespace]
        case .collections(let namespaces): namespaces
        case .database, .cluster: []
        }
    }

    /// Whether the stream has the events of a collection.
    func includes(_ namespace: Namespace) -> Bool {
        switch self {
        case .collection, .collections: namedCollections.contains(namespace)
        case .database(let database): namespace.database == database
        case .cluster: !["admin", "config", "local"].contains(namespace.database)
        }
    }
}
