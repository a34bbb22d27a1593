import Mongo

/// What the account that the bridge logs in with may do (MongoDB: `connectionStatus`).
struct AccountPrivileges: Sendable, Equatable {
    private struct Grant: Sendable, Equatable {
        /// Nil for every resource at all, the system's included.
        let resource: PrivilegeResource?
        let actions: Set<String>
    }

    /// Nil when nobody logged in: then the server guards nothing, or refuses everything.
    private let grants: [Grant]?
    /// The account's roles, also those that come with other roles, as `name@database`.
    private let roles: [String]

    init(of client: borrowing MongoClient) throws(MongoError) {
        let reply = try client.command(
            ["connectionStatus": 1, "showPrivileges": true], on: "admin", operation: "look at the account's privileges")
        self.init(reply: reply)
    }

    init(reply: BSONDocument) {
        let info = reply["authInfo"]?.documentValue
        roles = (info?["authenticatedUserRoles"]?.arrayValue ?? []).compactMap { role in
            guard let name = role.documentValue?["role"]?.stringValue, let database = role.documentValue?["db"]?.stringValue else {
                return nil
            }
            return "\(name)@\(database)"
        }
        guard info?["authenticatedUsers"]?.arrayValue?.isEmpty == false else {
            grants = nil
            return
        }
        grants = (info?["authenticatedUserPrivileges"]?.arrayValue ?? []).compactMap { entry in
            guard let resource = entry.documentValue?["resource"]?.documentValue else { return nil }
            let actions = Set((entry.documentValue?["actions"]?.arrayValue ?? []).compactMap(\.stringValue))
            if resource["anyResource"]?.booleanValue == true { return Grant(resource: nil, actions: actions) }
            guard let database = resource["db"]?.stringValue, let collection = resource["collection"]?.stringValue else { return nil }
            return Grant(resource: PrivilegeResource(database: database, collection: collection), actions: actions)
        }
    }

    /// Those of `actions` that are not allowed.
    func missing(_ actions: [String], on resource: PrivilegeResource) -> [String] {
        guard let grants else { return [] }
        let allowed = Self.actions(of: grants, on: resource)
        return actions.filter { !allowed.contains($0) && !allowed.contains(Self.any) }
    }

    private static let any = "anyAction"

    private static func actions(of grants: [Grant], on resource: PrivilegeResource) -> Set<String> {
        grants.reduce(into: []) { if $1.resource?.includes(resource) ?? true { $0.formUnion($1.actions) } }
    }

    // MARK: Too much

    /// What could do harm and is of no use to the bridge, as phrases; empty for an account without such rights.
    ///
    /// - Parameter needs: everything that the bridge needs.
    func excess(over needs: [PrivilegeNeed]) -> [String] {
        guard let grants else { return [] }
        var phrases: [String] = []
        let mighty = roles.filter { Self.mightyRoles.contains(String($0.prefix { $0 != "@" })) }.sorted()
        if !mighty.isEmpty { phrases.append("it has the role \(mighty.joined(separator: ", "))") }
        if grants.contains(where: { $0.actions.contains(Self.any) }) { phrases.append("anyAction") }
        if grants.contains(where: { $0.resource == nil }) { phrases.append("rights on anyResource") }
        let users = grants.reduce(into: Set<String>()) { $0.formUnion($1.actions.intersection(Self.userAdministration)) }
        if !users.isEmpty { phrases.append("it may administer users (\(users.sorted().joined(separator: ", ")))") }
        return phrases + writes(grants, needs)
    }

    /// Collections that the bridge reads and the account may change.
    private func writes(_ grants: [Grant], _ needs: [PrivilegeNeed]) -> [String] {
        let resources = needs.reduce(into: [PrivilegeResource]()) { if !$0.contains($1.resource) { $0.append($1.resource) } }
        return resources.compactMap { resource in
            let wanted = Set(needs.filter { $0.resource.includes(resource) }.flatMap(\.actions))
            let writes = Self.actions(of: grants, on: resource).intersection(Self.writing).subtracting(wanted)
            guard !writes.isEmpty else { return nil }
            let isRead = wanted.isDisjoint(with: Self.writing)
            return "\(writes.sorted().joined(separator: ", ")) on \(resource), which the bridge \(isRead ? "only reads" : "never uses")"
        }
    }

    private static let mightyRoles: Set<String> = [
        "__system", "root", "dbOwner", "dbAdmin", "dbAdminAnyDatabase", "userAdmin", "userAdminAnyDatabase", "clusterAdmin",
        "clusterManager", "hostManager", "backup", "restore", "readWriteAnyDatabase",
    ]

    private static let userAdministration: Set<String> = [
        "changePassword", "createRole", "createUser", "dropRole", "dropUser", "grantRole", "revokeRole",
    ]

    private static let writing: Set<String> = [
        "collMod", "convertToCapped", "createCollection", "dropCollection", "dropIndex", "insert", "remove", "renameCollectionSameDB",
        "update",
    ]
}
