import Mongo

/// An entry of the role.
struct Privilege: Sendable, Equatable {
    let resource: PrivilegeResource
    let actions: [String]
    /// What it is for.
    let needs: [PrivilegeNeed]

    /// The role can go without it.
    var isOptional: Bool { needs.allSatisfy { $0.otherwise != nil } }

    var document: BSONDocument { ["resource": .document(resource.document), "actions": .array(actions.map { .string($0) })] }
}
