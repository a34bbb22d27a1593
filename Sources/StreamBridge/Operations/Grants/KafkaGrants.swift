import Kafka

/// The ACLs of a bridge in Kafka, as commands of `kafka-acls.sh` or as a list.
package struct KafkaGrants: Sendable {
    /// Nobody can tell who the bridge is to Kafka.
    package struct UnknownPrincipal: Error, CustomStringConvertible {
        package let description =
            "kafka.sasl.username is not set, so it is not known who the bridge is to Kafka: give --principal, such as --principal User:bridge; "
            + "an account with a certificate is User: and the certificate's subject"
    }

    private let bridge: String
    private let servers: String
    private let principal: String
    private let entries: [(resource: KafkaNeed.Resource, operations: [KafkaNeed.Operation], needs: [KafkaNeed])]

    /// - Parameters:
    ///   - principal: `User:bridge`; nil for the user of `sasl.username`.
    ///   - includesTools: also what `verify`, `replay`, `send` and `redrive` need.
    /// - Throws: ``UnknownPrincipal``.
    package init(_ configuration: BridgeConfiguration, principal: String?, includesTools: Bool) throws(UnknownPrincipal) {
        let user = configuration.kafka.common["sasl.username"].map { "User:\($0)" }
        guard let principal = principal ?? user else { throw UnknownPrincipal() }
        self.principal = principal
        bridge = configuration.name
        servers = configuration.kafka.servers
        entries = KafkaNeeds.of(configuration, includesTools: includesTools).entries
    }

    // MARK: For programs

    private struct Entry: Encodable {
        struct Need: Encodable {
            let subject: String
            let purpose: String

            private enum CodingKeys: String, CodingKey { case subject = "for", purpose }
        }

        let resource: KafkaNeed.Resource
        let operations: [KafkaNeed.Operation]
        let needs: [Need]
    }

    private enum CodingKeys: String, CodingKey { case principal, acls }

    // MARK: For people

    /// Commands for a shell, with what each right is for as comments.
    package var shell: String {
        let head = [
            "# The rights of bridge \(bridge) in Kafka: what its configuration needs, and nothing else. Read and Write include Describe.",
            "# In admin.properties is how an administrator logs in; without access for him alone, leave --command-config out.",
        ]
        return (head + entries.flatMap(command)).joined(separator: "\n")
    }

    private func command(
        _ resource: KafkaNeed.Resource, _ operations: [KafkaNeed.Operation], _ needs: [KafkaNeed]
    ) -> [String] {
        let place =
            switch resource.kind {
            case .topic: "--topic \(resource.name.shellQuoted)"
            case .group: "--group \(resource.name.shellQuoted)"
            case .transactionalId: "--transactional-id \(resource.name.shellQuoted)"
            case .cluster: "--cluster"
            }
        let pattern = resource.pattern == .prefixed ? " --resource-pattern-type prefixed" : ""
        let comments = needs.map { "# \($0.subject): \($0.purpose)." }
        let command =
            "kafka-acls.sh --bootstrap-server \(servers.shellQuoted) --command-config admin.properties --add "
            + "--allow-principal \(principal.shellQuoted) \(operations.map { "--operation \($0.rawValue)" }.joined(separator: " ")) "
            + place + pattern
        // Brokers of today do not ask for it.
        return [""] + comments + [resource.kind == .cluster ? "# \(command)" : command]
    }
}

extension KafkaGrants: Encodable {
    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(principal, forKey: .principal)
        try object.encode(
            entries.map { entry in
                Entry(
                    resource: entry.resource, operations: entry.operations,
                    needs: entry.needs.map { .init(subject: $0.subject, purpose: $0.purpose) })
            }, forKey: .acls)
    }
}
