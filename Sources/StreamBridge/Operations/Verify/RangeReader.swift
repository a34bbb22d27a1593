import Mongo

/// A record that the change stream says there must be, while it is being looked at.
struct ExpectedRecord {
    let fingerprint: RecordFingerprint
    /// Index in ``RangeReader/topics``.
    let topic: Int
    let keyText: String?
}

/// Reads a range of a stream's own change stream, and hands out the records that the bridge makes of it. Publishes nothing.
///
/// Used on one thread: the reader hands its batches over where it runs.
final class RangeReader: ChangeStreamSink, ChangeStreamObserver {
    private let range: VerifyRange
    private let patience: Duration
    private let publisher: RangePublisher
    private var pump: EventPump
    private var failure: (any Error)?
    private var lastAnswer = ContinuousClock.now
    private(set) var isAbandoned = false

    /// - Parameters:
    ///   - patience: how long MongoDB may give no answer.
    ///   - take: gets each record of the range, in the change stream's order; false for no more.
    init(
        _ range: VerifyRange, of settings: StreamSettings, client: KafkaClient, patience: Duration,
        take: @escaping (ExpectedRecord) -> Bool
    ) {
        self.range = range
        self.patience = patience
        let publisher = RangePublisher(range: range, client: client, take: take)
        self.publisher = publisher
        // What a lookup gave cannot be compared, so nothing is looked up.
        pump = EventPump(settings: settings, publisher: publisher, lookup: nil, after: nil) { try publisher.topic($0) }
    }

    /// The topics that the events of the range belong to.
    var topics: [String] { publisher.names }

    /// Reads until the end of the range, a stop, or an error. Blocks.
    ///
    /// - Throws: ``MongoError``, ``StreamHalt``, ``KafkaError``, ``Bridge/Unreachable``.
    func run(_ options: ChangeStreamOptions, pool: MongoClientPool, batchBytes: Int, stop: StopSignal) throws {
        ChangeStreamReader(pool: pool, options: options, handoff: self, batchBytes: batchBytes, status: self, stop: stop)
            .run(from: range.start)
        if let failure { throw failure }
    }

    func put(_ batch: ChangeStreamReader.Batch) -> Bool {
        guard !isAbandoned else { return false }
        lastAnswer = .now
        do {
            try pump.publish(batch)
            if publisher.isDone || range.ends(with: batch) { isAbandoned = true }
        } catch {
            fail(error)
        }
        return !isAbandoned
    }

    func awaitRoom() -> Bool { !isAbandoned }

    func fail(_ error: any Error) {
        failure = error
        isAbandoned = true
    }

    func read(events: Int, upTo token: ResumeToken) {}

    func mongoTrouble(_ error: any Error) {
        guard lastAnswer.duration(to: .now) > patience else { return }
        fail(Bridge.Unreachable(server: "MongoDB", reason: "\(error)"))
    }

    func searching(since start: ContinuousClock.Instant) {}
}

// Safe: only the thread that calls `run` touches it, because `ChangeStreamReader.run` calls its sink and its observer where it runs.
extension RangeReader: @unchecked Sendable {}

/// Stands where Kafka would, and hands every record of a range out instead of publishing it.
private final class RangePublisher: RecordPublisher {
    private let range: VerifyRange
    private let client: KafkaClient
    private let take: (ExpectedRecord) -> Bool
    private(set) var names: [String] = []
    /// What comes from here on is not wanted.
    private(set) var isDone = false

    init(range: VerifyRange, client: KafkaClient, take: @escaping (ExpectedRecord) -> Bool) {
        self.range = range
        self.client = client
        self.take = take
    }

    /// Called once for each route, in the order of their numbers.
    func topic(_ name: String) throws -> KafkaTopic {
        let topic = try KafkaTopic(name, of: client)
        names.append(name)
        return topic
    }

    func publish(_ batch: borrowing RecordBatch, to topics: [KafkaTopic]) throws {
        for record in batch.records {
            if isDone { return }
            let fingerprint = batch.fingerprint(of: record)
            guard !range.isBehind(fingerprint.token) else {
                isDone = true
                return
            }
            isDone = !take(ExpectedRecord(fingerprint: fingerprint, topic: record.route, keyText: batch.keyText(of: record)))
        }
    }

    func fence() {}
    func resume(after stored: StreamPosition) {}
    func seal(_ position: StreamPosition) {}
    func endLinger(isCaughtUp: Bool) {}
    func serve(timeout: Duration) {}
    var nextDeadline: ContinuousClock.Instant? { nil }
    func finish(within limit: Duration?) -> Bool { true }
    var wake: @Sendable () -> Void { {} }
}

extension RecordBatch {
    fileprivate borrowing func fingerprint(of record: Record) -> RecordFingerprint {
        bytes.withUnsafeBytes { bytes in
            func text(_ name: String) -> String {
                headers[record.headers].first { $0.name.description == name }.map { String(decoding: bytes[$0.text], as: UTF8.self) } ?? ""
            }
            func slice(_ range: Range<Int>?) -> UnsafeRawBufferPointer? { range.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) } }
            return RecordFingerprint(
                token: text("mongodb.token"), operation: text("mongodb.op"), key: slice(record.key), value: slice(record.value))
        }
    }
}
