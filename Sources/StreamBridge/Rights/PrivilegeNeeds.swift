import Mongo

/// What a configuration needs in MongoDB: the one place that says so, for `bridge grants`, for `bridge check` and for
/// halts.
///
/// A test takes each action away in turn and shows what fails without it.
enum PrivilegeNeeds {
    /// - Parameters:
    ///   - makesIndexes: the bridge makes the unique indexes of its dispatchers itself.
    ///   - isCluster: the deployment is a sharded cluster; nil where nobody knows.
    ///   - includesTools: also what `bridge snapshot` needs beyond the bridge itself.
    static func of(_ configuration: BridgeConfiguration, makesIndexes: Bool, isCluster: Bool? = false, includesTools: Bool = false)
        -> [PrivilegeNeed]
    {
        configuration.streams.flatMap(of) + oplog(configuration.streams) + (includesTools ? configuration.streams.flatMap(snapshots) : [])
            + configuration.dispatchers.flatMap { of($0, makesIndex: makesIndexes, isCluster: isCluster) }
    }

    // MARK: Streams

    static func of(_ stream: StreamSettings) -> [PrivilegeNeed] {
        [changeStream(of: stream)] + images(of: stream) + (stream.snapshot.when == .initial ? snapshot(of: stream, otherwise: nil) : [])
    }

    /// `find` is for the stream itself, for the server's look-ups and for those of `batchedLookup`.
    static func changeStream(of stream: StreamSettings) -> PrivilegeNeed {
        PrivilegeNeed(subject(stream), ["changeStream", "find"], on: resource(of: stream.watch), purpose: "reads its change stream")
    }

    /// What a change stream over the scope is opened on.
    private static func resource(of scope: WatchScope) -> PrivilegeResource {
        switch scope {
        case .collection(let namespace): .collection(namespace)
        case .collections(let namespaces): common(namespaces)
        case .database(let database): .database(database)
        case .cluster: .everything
        }
    }

    /// One change stream over several collections is one over their database, or over the cluster.
    private static func common(_ namespaces: [Namespace]) -> PrivilegeResource {
        guard let database = namespaces.first?.database, namespaces.allSatisfy({ $0.database == database }) else { return .everything }
        return .database(database)
    }

    /// The settings of a collection are part of the list of its database.
    private static func images(of stream: StreamSettings) -> [PrivilegeNeed] {
        Set(stream.collectionsWithImages.map(\.database)).sorted().map { database in
            PrivilegeNeed(
                subject(stream), ["listCollections"], on: .database(database),
                purpose: "lets `bridge check` see whether its collections keep pre- and post-images",
                otherwise: "`bridge check` cannot see whether its collections keep the pre- and post-images that it requires")
        }
    }

    // MARK: Snapshots

    /// The documents themselves are read with the `find` that the stream has.
    private static func snapshot(of stream: StreamSettings, otherwise: String?) -> [PrivilegeNeed] {
        listing(of: stream.watch).map {
            PrivilegeNeed(
                subject(stream), ["listCollections"], on: $0, purpose: "sees which collections a snapshot copies", otherwise: otherwise)
        }
    }

    /// Of a stream that begins without one.
    private static func snapshots(of stream: StreamSettings) -> [PrivilegeNeed] {
        stream.snapshot.when == .initial ? [] : snapshot(of: stream, otherwise: "`bridge snapshot start` is refused for it")
    }

    /// Where collections with their options are listed.
    static func listing(of scope: WatchScope) -> [PrivilegeResource] {
        switch scope {
        case .collection, .collections: Set(scope.namedCollections.map(\.database)).sorted().map { .database($0) }
        case .database(let database): [.database(database)]
        case .cluster: [.everything]
        }
    }

    private static func oplog(_ streams: [StreamSettings]) -> [PrivilegeNeed] {
        guard !streams.isEmpty else { return [] }
        func need(_ subject: String, otherwise: String? = nil) -> PrivilegeNeed {
            PrivilegeNeed(
                subject, ["find"], on: .collection(Namespace(database: "local", collection: "oplog.rs")),
                purpose: "sees how far back a position can be resumed", otherwise: otherwise)
        }
        let needy = streams.filter { $0.startAt == .oldest || $0.onLostPosition == .oldest }
        return needy.isEmpty
            ? [need("streams", otherwise: "there is no warning before a position is lost")] : needy.map { need(subject($0)) }
    }

    static func subject(_ stream: StreamSettings) -> String { "stream \(stream.name)" }

    // MARK: Dispatchers

    static func of(_ dispatcher: DispatcherSettings, makesIndex: Bool, isCluster: Bool? = false) -> [PrivilegeNeed] {
        let subject = subject(dispatcher)
        let collection = dispatcher.collection
        var needs = documents(of: dispatcher)
        if makesIndex {
            needs.append(PrivilegeNeed(subject, ["createIndex"], on: .collection(collection), purpose: "makes its unique index"))
        }
        if isCluster != false {
            needs.append(
                PrivilegeNeed(
                    subject, ["collStats"], on: .collection(collection), purpose: "sees whether its collection is sharded",
                    otherwise: isCluster == nil ? "in a sharded cluster the dispatcher does not start" : nil))
        }
        if let pool = dispatcher.resource.pool { needs.append(feed(of: dispatcher, from: pool)) }
        return needs
    }

    /// One change stream over the documents and the pool.
    static func feed(of dispatcher: DispatcherSettings, from pool: Namespace) -> PrivilegeNeed {
        PrivilegeNeed(
            subject(dispatcher), ["changeStream", "find"], on: common([dispatcher.collection, pool]),
            purpose: "follows which resources are free",
            otherwise: "which resources are free is not followed, but asked for when the hint runs out")
    }

    /// What no command can be carried out without.
    static func documents(of dispatcher: DispatcherSettings) -> [PrivilegeNeed] {
        let subject = subject(dispatcher)
        let own = PrivilegeNeed(
            subject, ["find", "insert", "listIndexes", "update"], on: .collection(dispatcher.collection),
            purpose: "writes its documents, and looks at their unique index")
        let pool = dispatcher.resource.pool.map {
            PrivilegeNeed(subject, ["find"], on: .collection($0), purpose: "looks for free resources")
        }
        return [own] + (pool.map { [$0] } ?? [])
    }

    static func subject(_ dispatcher: DispatcherSettings) -> String { "dispatcher \(dispatcher.name)" }
}

extension StreamSettings {
    /// The collections that have to keep pre- or post-images, as far as the configuration names them.
    var collectionsWithImages: [Namespace] {
        guard fullDocument == .required || fullDocumentBeforeChange == .required else { return [] }
        return switch watch {
        case .collection(let namespace): [namespace]
        case .collections(let namespaces): namespaces
        case .database, .cluster: []
        }
    }
}

extension [PrivilegeNeed] {
    /// Each right once, as a role has it. What is optional comes last, in entries of its own, so that each can be left
    /// out.
    var privileges: [Privilege] {
        let required = Self.merged(filter { $0.otherwise == nil }, beyond: [])
        return required + Self.merged(filter { $0.otherwise != nil }, beyond: required)
    }

    /// What a wider resource gives is not repeated for a narrower one.
    private static func merged(_ needs: [PrivilegeNeed], beyond others: [Privilege]) -> [Privilege] {
        let resources = needs.reduce(into: [PrivilegeResource]()) { if !$0.contains($1.resource) { $0.append($1.resource) } }
        return resources.compactMap { resource in
            let wider =
                needs.filter { $0.resource != resource && $0.resource.includes(resource) }.flatMap(\.actions)
                + others.filter { $0.resource.includes(resource) }.flatMap(\.actions)
            let mine = needs.compactMap { need -> PrivilegeNeed? in
                let actions = need.actions.filter { !wider.contains($0) }
                return need.resource != resource || actions.isEmpty ? nil : PrivilegeNeed(need, only: actions)
            }
            guard !mine.isEmpty else { return nil }
            return Privilege(resource: resource, actions: Set(mine.flatMap(\.actions)).sorted(), needs: mine)
        }
    }
}
