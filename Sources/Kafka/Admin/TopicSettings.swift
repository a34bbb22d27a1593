/// For topics that the bridge creates.
package struct TopicSettings: Sendable, Equatable {
    package var create: Bool
    package var partitions: Int
    /// ``brokersDefault``, or a number.
    package var replicationFactor: Int
    package var config: [String: String]

    package init(create: Bool, partitions: Int, replicationFactor: Int, config: [String: String]) {
        self.create = create
        self.partitions = partitions
        self.replicationFactor = replicationFactor
        self.config = config
    }
}

extension TopicSettings {
    /// The replicas that the broker gives a topic for which none are asked for (`default.replication.factor`), in
    /// Kafka's own notation (CreateTopics since 2.4).
    package static let brokersDefault = -1
}
