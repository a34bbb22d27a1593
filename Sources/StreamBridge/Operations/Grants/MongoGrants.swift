import Mongo

/// The role and the user of a bridge in MongoDB, as commands of mongosh or of the server.
package struct MongoGrants: Sendable {
    private let bridge: String
    private let login: MongoLogin
    private let needs: [PrivilegeNeed]
    /// Dispatchers whose unique index somebody else makes, so that the account needs no right to make it.
    private let indexes: [DispatcherSettings]

    /// - Parameter makesIndexes: the bridge may make the unique indexes itself; otherwise the commands that make them
    ///   are printed.
    /// - Throws: ``MongoError`` for a URI that the driver refuses.
    package init(_ configuration: BridgeConfiguration, makesIndexes: Bool) throws(MongoError) {
        bridge = configuration.name
        login = try MongoLogin(uri: configuration.mongodb.uri)
        needs = PrivilegeNeeds.of(
            configuration, makesIndexes: makesIndexes, isCluster: login.mayBeSharded ? nil : false, includesTools: true)
        indexes = makesIndexes ? [] : configuration.dispatchers
    }

    private var role: String { "bridge.\(bridge)" }

    private var membership: BSONValue { [["role": .string(role), "db": "admin"]] }

    // MARK: For programs

    /// One JSON object: the commands of the server with the databases that they are for. `createUser` lacks its
    /// password.
    package var json: String {
        get throws(BSONError) {
            let privileges = needs.privileges.map { BSONValue.document($0.document) }
            let document: BSONDocument = [
                "role": [
                    "db": "admin",
                    "command": ["createRole": .string(role), "privileges": .array(privileges), "roles": []],
                ],
                "user": [
                    "db": .string(login.source),
                    "command": ["createUser": .string(user), "roles": membership],
                ],
                "indexes": .array(
                    indexes.map { ["db": .string($0.collection.database), "command": .document(GuardIndex.creation(for: $0))] }),
                "needs": .array(
                    needs.map { need in
                        [
                            "for": .string(need.subject), "resource": .document(need.resource.document),
                            "actions": .array(need.actions.map { .string($0) }), "purpose": .string(need.purpose),
                            "otherwise": need.otherwise.map { .string($0) } ?? .null,
                        ]
                    }),
            ]
            return try document.extendedJSON(.relaxed)
        }
    }

    // MARK: For people

    /// Commands for mongosh, with what each right is for as comments.
    package var shell: String {
        get throws(BSONError) {
            var lines = [
                "// The rights of bridge \(bridge) in MongoDB: what its configuration needs, and nothing else.",
                "// For mongosh, as a user who may create roles and users.",
                "db.getSiblingDB(\"admin\").createRole({", "  \"role\": \(role.jsonQuoted),", "  \"privileges\": [",
            ]
            let privileges = needs.privileges
            for (index, privilege) in privileges.enumerated() {
                lines += privilege.needs.map { need in
                    "    // \(need.subject): \(need.purpose)." + (need.otherwise.map { " Can be left out; then \($0)." } ?? "")
                }
                lines.append("    \(try privilege.document.extendedJSON(.relaxed))\(index + 1 < privileges.count ? "," : "")")
            }
            lines += ["  ],", "  \"roles\": []", "})"]
            lines += try creation()
            lines += indexes.flatMap { dispatcher in
                [
                    "",
                    "// dispatcher \(dispatcher.name): its unique index, made here so that the account needs no right to make it (--with-index "
                        + "gives it the right instead).",
                    "// Not needed where \(dispatcher.collection) has a unique index on \(dispatcher.resource.field) already.",
                    GuardIndex.shellCommand(for: dispatcher),
                ]
            }
            return lines.joined(separator: "\n")
        }
    }

    private func creation() throws(BSONError) -> [String] {
        let roles = try BSONDocument(fields: [("roles", membership)]).extendedJSON(.relaxed).dropFirst().dropLast()
        let password = login.isExternal ? "" : ", \"pwd\": passwordPrompt()"
        var lines = [""]
        if login.isExternal {
            lines.append("// The account logs in with \(login.mechanism ?? "a mechanism") and has no password in MongoDB.")
            if login.mechanism == MongoLogin.x509, login.user == nil {
                lines.append("// Its name is the subject of the certificate: openssl x509 -in FILE -noout -subject -nameopt RFC2253")
            }
        } else {
            lines.append("// Asks for the password.")
        }
        let database = "db.getSiblingDB(\(login.source.jsonQuoted))"
        lines += [
            "\(database).createUser({ \"user\": \(user.jsonQuoted)\(password), \(roles) })",
            "// A role or a user that is there already is changed by:",
            "//   db.getSiblingDB(\"admin\").updateRole(\(role.jsonQuoted), { \"privileges\": [as above] })",
            "//   \(database).updateUser(\(user.jsonQuoted), { \(roles) })",
        ]
        return lines
    }

    private var user: String { login.user ?? (login.mechanism == MongoLogin.x509 ? "SUBJECT OF THE CERTIFICATE" : "bridge") }
}
