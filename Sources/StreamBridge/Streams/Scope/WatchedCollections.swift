import Mongo

/// What a stream watches, as the server has it now.
struct WatchedCollections: Sendable {
    struct Entry: Sendable, Equatable {
        let namespace: Namespace
        /// The server's word: `collection`, `view`, `timeseries`.
        let type: String
        /// Known only where the options were asked for.
        var isCapped = false
        var uuid: [UInt8]?
        /// Pre- and post-images.
        var keepsImages = false
    }

    let entries: [Entry]

    init(_ entries: [Entry]) { self.entries = entries }

    /// Asks the server. Without the options this needs no right beyond those of the stream: what the account may not
    /// read is left out.
    ///
    /// - Parameter withOptions: also what makes them what they are, such as capped, which needs `listCollections`.
    /// - Returns: nil where the account may not ask.
    /// - Throws: ``MongoError``.
    static func find(of scope: WatchScope, withOptions: Bool = false, pool: MongoClientPool) throws(MongoError) -> WatchedCollections? {
        try pool.withClient { client throws(MongoError) in try find(of: scope, withOptions: withOptions, client) }
    }

    /// The same, with a client that the caller has.
    static func find(
        of scope: WatchScope, withOptions: Bool = false, _ client: borrowing MongoClient
    ) throws(MongoError) -> WatchedCollections? {
        do throws(MongoError) {
            var entries: [Entry] = []
            for (database, names) in try databases(of: scope, client) {
                entries += try collections(of: database, named: names, withOptions: withOptions, client)
            }
            return WatchedCollections(entries)
        } catch {
            guard error.code == .unauthorized else { throw error }
            return nil
        }
    }

    private static let operation = "look at the collections that are watched"

    /// The databases to look at, and the names that are of interest there; nil for all.
    private static func databases(
        of scope: WatchScope, _ client: borrowing MongoClient
    ) throws(MongoError) -> [(database: String, names: [String]?)] {
        switch scope {
        case .collection(let namespace): return [(namespace.database, [namespace.collection])]
        case .collections(let namespaces):
            let databases = Dictionary(grouping: namespaces, by: \.database)
            return databases.sorted { $0.key < $1.key }.map { ($0.key, $0.value.map(\.collection)) }
        case .database(let database): return [(database, nil)]
        case .cluster:
            let reply = try client.command(
                ["listDatabases": 1, "nameOnly": true, "authorizedDatabases": true], on: "admin", operation: operation)
            let names = reply["databases"]?.arrayValue?.compactMap { $0.documentValue?["name"]?.stringValue } ?? []
            // A change stream over the cluster leaves these out.
            return names.filter { !["admin", "config", "local"].contains($0) }.map { ($0, nil) }
        }
    }

    /// - Parameter names: nil for all.
    private static func collections(
        of database: String, named names: [String]?, withOptions: Bool, _ client: borrowing MongoClient
    ) throws(MongoError) -> [Entry] {
        var command: BSONDocument = [
            "listCollections": 1, "nameOnly": .boolean(!withOptions), "authorizedCollections": .boolean(!withOptions),
        ]
        if let names { command.append("filter", ["name": ["$in": .array(names.map { .string($0) })]]) }
        var entries: [Entry] = []
        try client.readAll(command, on: database, collection: "$cmd.listCollections", operation: operation) { reply, documents in
            reply.withUnsafeBytes { bytes in
                for range in documents {
                    guard let document = try? BSONDocument(copying: UnsafeRawBufferPointer(rebasing: bytes[range])),
                        let name = document["name"]?.stringValue, !name.hasPrefix("system.")
                    else { continue }
                    let options = document["options"]?.documentValue
                    entries.append(
                        Entry(
                            namespace: Namespace(database: database, collection: name), type: document["type"]?.stringValue ?? "collection",
                            isCapped: options?["capped"]?.isTruthy ?? false,
                            uuid: document["info"]?.documentValue?["uuid"]?.binaryValue,
                            keepsImages: options?["changeStreamPreAndPostImages"]?.documentValue?["enabled"]?.booleanValue ?? false))
                }
            }
        }
        return entries
    }

    /// Those that a change stream shows.
    var collections: [Namespace] { shown.map(\.namespace) }

    /// Those that a snapshot copies: it cannot read capped ones. Needs the options.
    var copied: [Namespace] { shown.filter { !$0.isCapped }.map(\.namespace) }

    private var shown: [Entry] {
        entries.filter { $0.type == "collection" && !TemporaryCollection.isName(Array($0.namespace.collection.utf8)) }
    }
}
