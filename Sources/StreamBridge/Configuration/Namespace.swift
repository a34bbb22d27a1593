/// A database and a collection.
package struct Namespace: Sendable, Hashable, CustomStringConvertible {
    package var database: String
    package var collection: String
    package var description: String { "\(database).\(collection)" }

    package init(database: String, collection: String) {
        self.database = database
        self.collection = collection
    }
}
