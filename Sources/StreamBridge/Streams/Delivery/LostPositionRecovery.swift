import Kafka
import Mongo
import Runtime

/// A session's first act after a lost position: the record of the gap and the position after it, together.
///
/// Neither is published before a getMore has shown that the oplog has the place where the stream continues: on an oplog
/// that is cut fast, that may be lost again between the look and the opening. So a lost position has one gap record, up
/// to the place that held.
final class LostPositionRecovery {
    private let lost: LostPosition
    private let start: ChangeStreamOptions.Start
    private let topic: KafkaTopic
    /// What the stream was opened with.
    private var opening: ChangeStreamReader.Batch?

    init(past lost: LostPosition, at start: ChangeStreamOptions.Start, topic: KafkaTopic) {
        self.lost = lost
        self.start = start
        self.topic = topic
    }

    /// False for the position that an opened stream begins at, which is kept for ``publish(to:_:stream:)``.
    func isProven(by batch: ChangeStreamReader.Batch) -> Bool {
        guard batch.events == nil else { return true }
        opening = opening ?? batch
        return false
    }

    /// Publishes the record and stores the position, in one transaction or one after the other, and waits for both.
    func publish(to publisher: any RecordPublisher, _ pump: inout EventPump, stream: String) throws -> GapRecord {
        let token = opening?.token
        let record = GapRecord(
            past: lost, to: .init(token: token, clusterTime: token?.clusterTime ?? startTime), at: WallClock.milliseconds())
        var batch = RecordBatch()
        batch.setPlain(key: stream, value: record.json(stream: stream))
        try publisher.publish(batch, to: [topic])
        // A server before 4.0.7 gives no position at the opening: then the record goes with the first events.
        if let opening { try pump.publish(opening) }
        guard try opening == nil || publisher.finish(within: nil) else { throw Stopped() }
        return record
    }

    private var startTime: BSONTimestamp? {
        guard case .at(let seconds, let increment) = start else { return nil }
        return BSONTimestamp(seconds: seconds, increment: increment)
    }
}
