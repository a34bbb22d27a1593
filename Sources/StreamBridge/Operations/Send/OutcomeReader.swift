import Foundation
import Kafka
import Runtime

/// The answer to a command, for the caller that waits for it.
package struct AwaitedOutcome: Sendable {
    package let id: String
    package let status: String
    package let message: String
    /// The record's value.
    package let json: String
}

/// Reads outcomes from the moment on when it is made.
final class OutcomeReader {
    private let reader: TopicReader

    init(topic: String, admin: KafkaAdmin, settings: KafkaSettings, timeout: Duration) throws(KafkaError) {
        reader = try TopicReader(settings: settings)
        guard let description = try admin.topic(topic, timeout: timeout) else { throw KafkaError.unknownTopic(topic) }
        for partition in 0..<Int32(description.partitions) {
            let end = try admin.watermarks(topic: topic, partition: partition, timeout: timeout).upperBound
            try reader.start(topic: topic, partition: partition, at: end)
        }
    }

    /// Waits until every command has an outcome, at most `limit`.
    ///
    /// - Parameter take: gets the first outcome of each.
    /// - Returns: the ids of those without one.
    func wait(for ids: Set<ByteEqualString>, within limit: Duration, stop: StopSignal, _ take: (AwaitedOutcome) -> Void) throws(KafkaError)
        -> Set<ByteEqualString>
    {
        var open = ids
        let deadline = ContinuousClock.now + limit
        while !open.isEmpty, !stop.isRequested, .now < deadline {
            guard case .record(let outcome?) = try reader.next(timeout: .milliseconds(200), AwaitedOutcome.init) else { continue }
            if open.remove(ByteEqualString(outcome.id)) != nil { take(outcome) }
        }
        return open
    }
}

extension AwaitedOutcome {
    fileprivate init?(_ record: borrowing KafkaRecord) {
        struct Value: Decodable { let id, status, message: String }
        guard let bytes = record.value, let value = try? JSONDecoder().decode(Value.self, from: Data(bytes)) else { return nil }
        self.init(id: value.id, status: value.status, message: value.message, json: String(decoding: bytes, as: UTF8.self))
    }
}
