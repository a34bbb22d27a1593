import Mongo

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
