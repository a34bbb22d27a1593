import Runtime

/// A topic that does not exist and is not created.
package struct MissingTopic: Error, CustomStringConvertible {
    package let topic: String
    /// What the bridge needs of it; nil where any number will do.
    package let partitions: Int?
    package let config: [String: String]
    package let reason: String

    /// The command that makes the topic as the bridge needs it.
    package var command: String {
        (["kafka-topics --create --topic \(topic)"] + (partitions.map { ["--partitions \($0)"] } ?? [])
            + config.sorted { $0.key < $1.key }.map { "--config \($0.key)=\($0.value)" }).joined(separator: " ")
    }

    package var description: String { "topic \(topic) does not exist, and \(reason)" }

    package init(topic: String, partitions: Int? = nil, config: [String: String], reason: String) {
        self.topic = topic
        self.partitions = partitions
        self.config = config
        self.reason = reason
    }
}
