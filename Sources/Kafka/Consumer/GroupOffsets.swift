import Logging

/// The committed offsets of a group, asked for by somebody who is no member: it never subscribes, so nobody has to
/// rebalance.
package struct GroupOffsets {
    private let consumer: GroupConsumer
    private let timeout: Duration

    /// - Throws: ``KafkaError`` when a property is refused.
    package init(of group: String, topic: String, kafka: KafkaSettings, timeout: Duration, logger: Logger) throws(KafkaError) {
        let properties = ConsumerProperties.make(kafka, group: group, queueBytes: 1 << 20)
        consumer = try GroupConsumer(topic: topic, properties: properties, logger: logger)
        self.timeout = timeout
    }

    /// Nil where there is none.
    package func committed(_ partitions: [Int32]) throws(KafkaError) -> [Int32: CommittedOffset?] {
        do {
            return try consumer.committed(partitions, timeout: timeout)
        } catch {
            throw reason(behind: error)
        }
    }

    /// A group that may not be looked at has no coordinator for the client, which waits for one until the time is over;
    /// its events say why.
    private func reason(behind error: KafkaError) -> KafkaError {
        while true {
            switch consumer.poll(timeout: .zero) {
            case .failed(let refusal) where refusal.isAuthorization:
                return KafkaError(code: refusal.code, operation: error.operation, message: refusal.message)
            case .nothing: return error
            case .assigned, .revoked, .committed, .commitFailed, .unreachable, .failed: continue
            }
        }
    }
}
