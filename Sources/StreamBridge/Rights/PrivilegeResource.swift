import Mongo

/// What a right in MongoDB is for: one collection, or many. Never the system's own, unless one is named.
enum PrivilegeResource: Sendable, Hashable {
    case collection(Namespace)
    /// Every collection of a database.
    case database(String)
    /// Every collection of every database but `local` and `config`, as the server has it.
    case everything

    /// From the names in a role, where an empty one stands for all.
    init(database: String, collection: String) {
        switch (database.isEmpty, collection.isEmpty) {
        case (true, true): self = .everything
        case (false, true): self = .database(database)
        case (_, false): self = .collection(Namespace(database: database, collection: collection))
        }
    }

    /// As roles write it: an empty name stands for all.
    var names: (database: String, collection: String) {
        switch self {
        case .collection(let namespace): (namespace.database, namespace.collection)
        case .database(let database): (database, "")
        case .everything: ("", "")
        }
    }

    /// A right on this one is a right on the other, too.
    func includes(_ other: PrivilegeResource) -> Bool {
        let (mine, theirs) = (names, other.names)
        // A role over all databases does not open the server's own: the oplog is granted by its name.
        let isOrdinary = !["local", "config"].contains(theirs.database)
        return (mine.database == theirs.database || mine.database.isEmpty && isOrdinary)
            && (mine.collection.isEmpty || mine.collection == theirs.collection)
    }

    var document: BSONDocument { ["db": .string(names.database), "collection": .string(names.collection)] }
}
