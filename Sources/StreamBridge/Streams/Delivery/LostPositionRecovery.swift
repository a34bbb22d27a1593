import Kafka
import Mongo
import Runtime

/// A session's first act after a lost position: the record of the gap and the position after it, together.
///
/// Neither is published before a getMore has shown that the oplog has the place where the stream goes on: on an oplog that is cut fast, that may
/// be lost again between the look and the opening. So a lost position has one gap record, up to the place that held.
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

/// Whether a lost position is gone past, and how often that is tried.
struct LostPositionSkip {
    /// With the backoff between them about half a minute.
    private static let mostTries = 8

    let policy: LostPositionPolicy
    /// The position that the next session goes on past.
    private(set) var lost: LostPosition?
    private var tries = 0

    init(policy: LostPositionPolicy) { self.policy = policy }

    /// Takes note of a position that was refused.
    ///
    /// - Returns: false when the stream has to halt.
    mutating func admits(_ lost: LostPosition) -> Bool {
        guard policy != .halt else { return false }
        if lost.position.token == self.lost?.position.token {
            tries += 1
        } else {
            self.lost = lost
            tries = 0
        }
        return tries < Self.mostTries
    }

    /// - Parameter latest: what the last try ended with.
    func halt(of latest: LostPosition, stream: String, gaps: String) -> Halt {
        let halt = latest.halt(stream: stream, gaps: gaps)
        guard tries > 0 else { return halt }
        return Halt(
            reason: "\(halt.reason). Going on by onLostPosition: \(policy.rawValue) was refused as well, \(tries) times",
            remedy:
                "If the oplog is cut faster than the stream is opened, keep a larger one: db.adminCommand({replSetResizeOplog: 1, size: "
                + "MEGABYTES}). Otherwise it is the pipeline: put it back as it was, with _id untouched",
            status: .lostPosition)
    }
}
