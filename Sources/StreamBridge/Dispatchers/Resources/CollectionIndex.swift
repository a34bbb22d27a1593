import Mongo

/// One index of a collection, as the server lists it.
struct CollectionIndex: Sendable, Equatable {
    let name: String
    /// The fields of its key.
    let keys: [String]
    let isUnique: Bool
    /// It refuses a second document with the same key: a unique index, or one that is on its way to be one (`collMod`
    /// with `prepareUnique`).
    let refusesDuplicates: Bool
    /// Which documents it has; nil for all.
    let filter: BSONDocument?
    /// The locale that it compares texts by; nil where it compares bytes.
    let collation: String?
    /// Until a build is done the index refuses nothing, whatever it will refuse then.
    let isBeingBuilt: Bool
    /// It deletes documents when their time has come.
    let expires: Bool
    /// It refuses duplicates as ever, and no query uses it.
    let isHidden: Bool

    /// - Parameter entry: of the reply to `listIndexes` with `includeBuildUUIDs`.
    init?(_ entry: BSONDocument) {
        // `{spec: …, buildUUID: …}` while it is being built, also after a restart that interrupted the build.
        let specification = entry["spec"]?.documentValue ?? entry
        guard let name = specification["name"]?.stringValue, let key = specification["key"]?.documentValue else { return nil }
        self.name = name
        keys = key.keys
        isUnique = specification["unique"]?.isTruthy == true
        refusesDuplicates = isUnique || specification["prepareUnique"]?.isTruthy == true
        filter = specification["partialFilterExpression"]?.documentValue
        let locale = specification["collation"]?.documentValue?["locale"]?.stringValue
        collation = locale == "simple" ? nil : locale
        isBeingBuilt = entry["buildUUID"] != nil
        expires = specification["expireAfterSeconds"] != nil
        isHidden = specification["hidden"]?.isTruthy == true
    }

    /// What the server has by now.
    ///
    /// - Returns: nil where there is no such collection.
    /// - Throws: ``MongoError``.
    static func list(_ namespace: Namespace, of client: borrowing MongoClient) throws(MongoError) -> [CollectionIndex]? {
        let reply: BSONDocument
        do throws(MongoError) {
            reply = try client.commandOnPrimary(
                ["listIndexes": .string(namespace.collection), "cursor": ["batchSize": 1000], "includeBuildUUIDs": true],
                on: namespace.database, operation: "look at the indexes of \(namespace)")
        } catch {
            if error.code == .namespaceNotFound { return nil }
            throw error
        }
        let entries = reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.compactMap(\.documentValue) ?? []
        return entries.compactMap { CollectionIndex($0) }
    }
}
