import Runtime

/// A database and a collection. Equal only if the names have the same bytes, as for MongoDB.
package struct Namespace: Sendable, Hashable, CustomStringConvertible {
    package var database: String
    package var collection: String
    package var description: String { "\(database).\(collection)" }

    package init(database: String, collection: String) {
        self.database = database
        self.collection = collection
    }

    package static func == (one: Namespace, other: Namespace) -> Bool {
        ByteEqualString(one.collection) == ByteEqualString(other.collection)
            && ByteEqualString(one.database) == ByteEqualString(other.database)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(ByteEqualString(database))
        hasher.combine(ByteEqualString(collection))
    }
}
