import Mongo

/// What the account that the bridge logs in with may do (MongoDB: `connectionStatus`).
struct AccountPrivileges: Sendable, Equatable {
    private struct Grant: Sendable, Equatable {
        /// Empty for every database; nil for every resource at all.
        let database: String?
        /// Empty for every collection but the system's.
        let collection: String
        let actions: Set<String>
    }

    /// Nil when nobody logged in: then the server guards nothing, or refuses everything.
    private let grants: [Grant]?

    init(of client: borrowing MongoClient) throws(MongoError) {
        let reply = try client.command(
            ["connectionStatus": 1, "showPrivileges": true], on: "admin", operation: "look at the account's privileges")
        self.init(reply: reply)
    }

    init(reply: BSONDocument) {
        let info = reply["authInfo"]?.documentValue
        guard info?["authenticatedUsers"]?.arrayValue?.isEmpty == false else {
            grants = nil
            return
        }
        grants = (info?["authenticatedUserPrivileges"]?.arrayValue ?? []).compactMap { entry in
            guard let resource = entry.documentValue?["resource"]?.documentValue else { return nil }
            let actions = Set((entry.documentValue?["actions"]?.arrayValue ?? []).compactMap(\.stringValue))
            if resource["anyResource"]?.booleanValue == true { return Grant(database: nil, collection: "", actions: actions) }
            guard let database = resource["db"]?.stringValue, let collection = resource["collection"]?.stringValue else { return nil }
            return Grant(database: database, collection: collection, actions: actions)
        }
    }

    /// Those of `actions` that are not allowed.
    ///
    /// - Parameter collection: nil for all collections of the database.
    func missing(_ actions: [String], database: String, collection: String?) -> [String] {
        guard let grants else { return [] }
        let allowed = grants.reduce(into: Set<String>()) { allowed, grant in
            let isCovered =
                grant.database.map { ["", database].contains($0) && (grant.collection.isEmpty || grant.collection == collection) } ?? true
            if isCovered { allowed.formUnion(grant.actions) }
        }
        return actions.filter { !allowed.contains($0) }
    }
}
