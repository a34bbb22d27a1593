/// A record that Kafka will not take.
package struct RecordRefused: Error {
    package let error: KafkaError
    package let topic: String
    package let key: String?
    /// Bytes of key, value and headers.
    package let size: Int
    /// The resume token of its event, where it is known.
    package var token: String?
    /// It is no event, but a document that was there already.
    package var isOfSnapshot = false
    /// Which record of the batch that was being published; nil for one that the broker refused later.
    package let index: Int?

    package init(error: KafkaError, topic: String, key: String? = nil, size: Int, token: String? = nil, index: Int? = nil) {
        self.error = error
        self.topic = topic
        self.key = key
        self.size = size
        self.token = token
        self.index = index
    }
}
