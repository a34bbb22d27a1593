/// Which offset of Kafka Connect to take, as a person names it.
package struct ConnectOffsetSource: Sendable {
    /// The offsets topic.
    package let topic: String
    package let connector: String
    /// Which one, when the connector has several: the record's key.
    package let key: String?

    package init(topic: String, connector: String, key: String?) {
        self.topic = topic
        self.connector = connector
        self.key = key
    }
}
