extension InternalTopics {
    /// Refuses a template that gives one of them for what a stream watches, or may give it for a database or collection
    /// that is likely to exist.
    ///
    /// Which collections a database or a cluster will have, nobody knows. Tried are those that are called like the
    /// bridge or like the last part of one of its topics; whatever else comes is refused by ``refuse(_:of:)``.
    static func refuse(_ template: TextTemplate, for scope: WatchScope, of bridge: String) throws(ConfigurationComplaint) {
        let own = names(of: bridge)
        let words = ["", bridge] + own.compactMap { $0.split(separator: ".").last.map(String.init) }
        let namespaces: [Namespace] =
            switch scope {
            case .collection(let namespace): [namespace]
            case .collections(let namespaces): namespaces
            case .database(let database): words.map { Namespace(database: database, collection: $0) }
            case .cluster: words.flatMap { database in words.map { Namespace(database: database, collection: $0) } }
            }
        guard let name = namespaces.lazy.map({ TopicName.render(template, for: $0) }).first(where: own.contains) else { return }
        throw ConfigurationComplaint("it can stand for \(name), and \(name) belongs to the bridge itself; choose another one")
    }
}
