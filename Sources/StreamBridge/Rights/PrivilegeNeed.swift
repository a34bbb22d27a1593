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

    /// Whoever has a right on this one has it on the other, too.
    func includes(_ other: PrivilegeResource) -> Bool {
        let (mine, theirs) = (names, other.names)
        // A role over all databases does not open the server's own: the oplog is granted by its name.
        let isOrdinary = !["local", "config"].contains(theirs.database)
        return (mine.database == theirs.database || mine.database.isEmpty && isOrdinary)
            && (mine.collection.isEmpty || mine.collection == theirs.collection)
    }

    var document: BSONDocument { ["db": .string(names.database), "collection": .string(names.collection)] }
}

extension PrivilegeResource: CustomStringConvertible {
    var description: String {
        switch self {
        case .collection(let namespace): "\(namespace)"
        case .database(let database): "all collections of \(database)"
        case .everything: "all databases"
        }
    }
}

/// What the account in MongoDB needs for one purpose.
struct PrivilegeNeed: Sendable, Equatable {
    /// Whose need it is, for example `stream inventory`.
    let subject: String
    let resource: PrivilegeResource
    let actions: [String]
    /// What is done with them, as a phrase.
    let purpose: String
    /// What happens without them, as a sentence; nil when `subject` cannot do its work.
    let otherwise: String?

    init(_ subject: String, _ actions: [String], on resource: PrivilegeResource, purpose: String, otherwise: String? = nil) {
        self.subject = subject
        self.actions = actions
        self.resource = resource
        self.purpose = purpose
        self.otherwise = otherwise
    }

    /// The same need, of some of its actions.
    init(_ need: PrivilegeNeed, only actions: [String]) {
        self.init(need.subject, actions, on: need.resource, purpose: need.purpose, otherwise: need.otherwise)
    }

    /// `find, insert on lessons.shipments, and find on lessons.trucks`.
    static func list(_ needs: [PrivilegeNeed]) -> String {
        needs.map { "\($0.actions.joined(separator: ", ")) on \($0.resource)" }.joined(separator: ", and ")
    }

    /// What fixes that something of ``list(_:)`` is missing.
    static func remedy(granting list: String) -> String { "Grant the account \(list): \(advice)" }

    static let advice = "`bridge grants mongodb` prints a role with what this configuration needs"
}
