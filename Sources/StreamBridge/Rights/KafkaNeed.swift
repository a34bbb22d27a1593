/// What the account in Kafka needs on one resource for one purpose.
struct KafkaNeed: Sendable, Equatable {
    enum Kind: String, Sendable, Encodable {
        case topic, group, transactionalId, cluster
    }

    /// As Kafka's ACLs name resources.
    struct Resource: Sendable, Hashable, Encodable {
        enum Pattern: String, Sendable, Encodable {
            case literal, prefixed
        }

        let kind: Kind
        let name: String
        let pattern: Pattern

        init(_ kind: Kind, _ name: String, _ pattern: Pattern = .literal) {
            self.kind = kind
            self.name = name
            self.pattern = pattern
        }

        private enum CodingKeys: String, CodingKey { case kind = "type", name, pattern }
    }

    /// In the order in which they are printed. Read and Write include Describe.
    enum Operation: String, Sendable, Encodable, CaseIterable {
        case read = "Read"
        case write = "Write"
        case create = "Create"
        case describeConfigs = "DescribeConfigs"
        case idempotentWrite = "IdempotentWrite"
    }

    let subject: String
    let resource: Resource
    let operations: [Operation]
    /// What is done with them, as a phrase.
    let purpose: String

    init(_ subject: String, _ operations: [Operation], on resource: Resource, purpose: String) {
        self.subject = subject
        self.operations = operations
        self.resource = resource
        self.purpose = purpose
    }
}
