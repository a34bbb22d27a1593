import CKafka

/// Records that were consumed together, owned until nobody needs them any more.
package final class ConsumedRecords {
    let messages: [UnsafeMutablePointer<rd_kafka_message_t>]
    /// Records refer to their client, which must go after them.
    private let client: KafkaClient

    init(stealing messages: [UnsafeMutablePointer<rd_kafka_message_t>], of client: KafkaClient) {
        self.messages = messages
        self.client = client
    }

    deinit { for message in messages { rd_kafka_message_destroy(message) } }

    package var count: Int { messages.count }

    package func withRecord<Result, Failure: Error>(
        _ index: Int, _ body: (borrowing KafkaRecord) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(KafkaRecord(message: UnsafePointer(messages[index])))
    }
}
