import Kafka
import Mongo

/// What a replay of a stream would publish.
package struct ReplayPlan: Sendable, Encodable {
    package struct Count: Sendable, Encodable {
        package let namespace: String
        package let operation: String
        package let events: Int
    }

    package let stream: String
    package let from: String
    package let to: String
    package let events: Int64
    /// Events that cannot be written, which the replay leaves out.
    package let leftOut: Int
    /// Keys, values and headers.
    package let bytes: Int
    package let counts: [Count]
    /// Cluster times of the first and the last event.
    package let first: String?
    package let last: String?
    package let topics: [String]
    /// Consumers of the stream see the events a second time.
    package let isOwnTopic: Bool
    /// At the rate that was asked for, in seconds.
    package let seconds: Double?
    /// How far the oplog reaches back behind the beginning, in seconds; nil when it cannot be seen.
    package let oplogSecondsBefore: Int64?
    /// False when a stop came first: there is more.
    package let isWhole: Bool

    init(
        _ counter: Counter, stream: String, range: EventRange, ahead trial: PositionTrial, topics: [String], isOwnTopic: Bool, rate: Int?,
        oplog: OplogWindow?, isWhole: Bool
    ) {
        self.stream = stream
        from = "\(range.from)"
        to = "\(range.to)"
        events = counter.events
        leftOut = counter.leftOut
        bytes = counter.bytes
        counts = counter.counts
        first = counter.first?.readable
        last = counter.last?.readable
        self.topics = Set(topics).sorted()
        self.isOwnTopic = isOwnTopic
        seconds = rate.map { Double(counter.events) / Double($0) }
        oplogSecondsBefore = oplog.flatMap { oplog in trial.clusterTime.map { Int64($0.seconds) - Int64(oplog.oldest.seconds) } }
        self.isWhole = isWhole
    }

    /// Counts what goes by. Used on one thread.
    final class Counter {
        private struct Kind: Hashable {
            let namespace: String
            let operation: String
        }

        private(set) var events: Int64 = 0
        private(set) var leftOut = 0
        private(set) var bytes = 0
        /// Cluster times.
        private(set) var first: BSONTimestamp?
        private(set) var last: BSONTimestamp?
        private var byKind: [Kind: Int] = [:]

        var counts: [Count] {
            byKind.map { Count(namespace: $0.key.namespace, operation: $0.key.operation, events: $0.value) }
                .sorted { ($0.namespace, $0.operation) < ($1.namespace, $1.operation) }
        }

        func leaveOut() { leftOut += 1 }

        func count(_ batch: borrowing RecordBatch) {
            var last: Int?
            for record in batch.records {
                bytes += batch.size(of: record)
                // The tombstone behind a delete is a record of the same event.
                guard record.event != last else { continue }
                last = record.event
                events += 1
                byKind[
                    Kind(namespace: batch.header("mongodb.ns", of: record), operation: batch.header("mongodb.op", of: record)), default: 0] +=
                    1
                let time = ResumeToken(text: batch.header("mongodb.token", of: record)).clusterTime
                first = first ?? time
                self.last = time ?? self.last
            }
        }
    }
}
