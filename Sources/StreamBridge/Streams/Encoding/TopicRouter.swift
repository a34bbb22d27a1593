import Kafka
import Mongo

/// Finds the topic of an event by its namespace.
///
/// A route is made once per namespace: the name is rendered, the topic ensured, the handle made. An event costs one
/// comparison with the last route's namespace, or one look-up by hash.
///
/// Two collections whose documents could be taken for each other get no common topic (``TopicSharing``), and temporary
/// collections none at all.
struct TopicRouter {
    private struct Route {
        let database: [UInt8]
        let collection: [UInt8]
        /// Index of its topic; nil for a temporary collection.
        let topic: Int?
    }

    private let template: TextTemplate
    /// For events that name no namespace (an invalidate): that of the stream's scope.
    private let scope: Namespace
    private let open: (String) throws -> KafkaTopic
    private let sharing: TopicSharing
    private let isCompacted: (String) -> Bool
    /// Temporary collections have events in streams over a database or the cluster.
    private let seesTemporary: Bool
    /// The first collection of each topic.
    private var owners: [String: Namespace] = [:]
    private var routes: [Route] = []
    private var indexes: [UInt64: Int] = [:]
    private var last = -1

    /// - Parameters:
    ///   - isCompacted: whether a topic is; asked where several collections share one.
    ///   - open: ensures that a topic exists and makes its handle.
    init(
        _ stream: StreamSettings, isCompacted: @escaping (String) -> Bool = { _ in false }, open: @escaping (String) throws -> KafkaTopic
    ) {
        template = stream.topic
        sharing = TopicSharing(stream)
        seesTemporary = stream.watch.namedCollections.isEmpty
        self.isCompacted = isCompacted
        scope =
            switch stream.watch {
            case .collection(let namespace): namespace
            case .collections(let namespaces):
                Namespace(database: Set(namespaces.map(\.database)).count == 1 ? namespaces[0].database : "", collection: "")
            case .database(let database): Namespace(database: database, collection: "")
            case .cluster: Namespace(database: "", collection: "")
            }
        self.open = open
    }

    /// One for each namespace but the temporary ones, whose names may be the same.
    private(set) var topics: [KafkaTopic] = []

    /// The index of the event's topic; nil for an event that has none.
    ///
    /// - Throws: what `open` throws; ``Halt``.
    mutating func route(of event: ChangeEvent, in bytes: RawSpan) throws -> Int? {
        let database = event.database ?? 0..<0
        let collection = event.collection ?? 0..<0
        if last < 0 || !matches(routes[last], database, collection, in: bytes) {
            try find(database, collection, of: bytes)
        }
        guard let topic = routes[last].topic else { return try target(of: event, in: bytes) }
        return topic
    }

    /// Makes the namespace's route the last one, and makes it at all if there is none.
    private mutating func find(_ database: Range<Int>, _ collection: Range<Int>, of bytes: RawSpan) throws {
        let hash = Self.hash(database, collection, in: bytes)
        if let index = indexes[hash], matches(routes[index], database, collection, in: bytes) {
            last = index
        } else if let index = routes.firstIndex(where: { matches($0, database, collection, in: bytes) }) {
            last = index
        } else {
            let (database, collection) = (Self.copy(database, of: bytes), Self.copy(collection, of: bytes))
            let isTemporary = seesTemporary && TemporaryCollection.isName(collection)
            routes.append(
                Route(
                    database: database, collection: collection,
                    topic: isTemporary ? nil : try makeTopic(for: Self.namespace(database, collection) ?? scope)))
            last = routes.count - 1
            if indexes[hash] == nil { indexes[hash] = last }
        }
    }

    /// What a temporary collection has become is of the collection that it is now: its contents were replaced. Whatever
    /// else happened to it is of no account to anybody.
    private mutating func target(of event: ChangeEvent, in bytes: RawSpan) throws -> Int? {
        guard let to = try event.renamedTo(in: bytes), to.collection.count > 0 else { return nil }
        let temporary = last
        defer { last = temporary }
        try find(to.database, to.collection, of: bytes)
        return routes[last].topic
    }

    private mutating func makeTopic(for namespace: Namespace) throws -> Int {
        let name = TopicName.render(template, for: namespace)
        try TopicName.refuseLong(name)
        // What is of no collection has no key.
        if !namespace.collection.isEmpty, let owner = owners[name],
            let refusal = sharing.refusal(of: owner, and: namespace, in: name, isCompacted: isCompacted)
        {
            throw refusal.halt
        }
        topics.append(try open(name))
        if !namespace.collection.isEmpty { owners[name] = owners[name] ?? namespace }
        return topics.count - 1
    }

    private static func namespace(_ database: [UInt8], _ collection: [UInt8]) -> Namespace? {
        guard !database.isEmpty else { return nil }
        return Namespace(database: String(decoding: database, as: UTF8.self), collection: String(decoding: collection, as: UTF8.self))
    }

    private func matches(_ route: Route, _ database: Range<Int>, _ collection: Range<Int>, in bytes: RawSpan) -> Bool {
        Self.equal(route.database, database, of: bytes) && Self.equal(route.collection, collection, of: bytes)
    }

    private static func equal(_ text: [UInt8], _ range: Range<Int>, of bytes: RawSpan) -> Bool {
        guard text.count == range.count else { return false }
        for index in 0..<text.count where text[index] != bytes.unsafeLoad(fromByteOffset: range.lowerBound + index, as: UInt8.self) {
            return false
        }
        return true
    }

    /// FNV-1a over both names with a separator that neither can contain.
    private static func hash(_ database: Range<Int>, _ collection: Range<Int>, in bytes: RawSpan) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in database { hash = (hash ^ UInt64(bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))) &* 0x100_0000_01b3 }
        hash = (hash ^ 0) &* 0x100_0000_01b3
        for index in collection { hash = (hash ^ UInt64(bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))) &* 0x100_0000_01b3 }
        return hash
    }

    private static func copy(_ range: Range<Int>, of bytes: RawSpan) -> [UInt8] {
        range.map { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
    }
}
