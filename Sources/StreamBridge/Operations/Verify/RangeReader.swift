import Mongo
import Synchronization

/// A record that the change stream says there must be, while it is being looked at.
struct ExpectedRecord {
    let fingerprint: RecordFingerprint
    /// Index in ``RangeReader/topics``.
    let topic: Int
    let keyText: String?
}

/// Reads a range of a stream's own change stream, and hands out the records that the bridge makes of it. Publishes nothing.
final class RangeReader {
    private let range: VerifyRange
    private let patience: Duration
    private let publisher: RangePublisher
    private var pump: EventPump

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
        let arrival = Arrival()
        let handoff = BatchHandoff<ChangeStreamReader.Batch>(maximumBytes: 2 * batchBytes, maximumItems: 4, wakeTaker: arrival.tell)
        let reader = ChangeStreamReader(
            pool: pool, options: options, handoff: handoff, batchBytes: batchBytes,
            status: PatientObserver(patience: patience, handoff: handoff), stop: stop)
        let start = range.start
        let thread = LoopThread.start(name: "read range") { reader.run(from: start) }
        defer {
            handoff.close()
            thread.join(within: options.maxAwait * 4)
        }
        try stop.waking(arrival.tell) { () throws in
            while !stop.isRequested {
                guard let batch = try handoff.take() else {
                    arrival.await()
                    continue
                }
                try pump.publish(batch)
                if publisher.isDone || range.ends(with: batch) { return }
            }
        }
    }
}

/// Something came: a batch, an error, a stop.
private struct Arrival: Sendable {
    private let hasCome = Monitor(false)

    var tell: @Sendable () -> Void {
        return { [hasCome] in hasCome.update { $0 = true } }
    }

    /// Waits for what comes after the last call. Whoever looks for it looks after this call, so nothing is missed.
    func await() {
        hasCome.wait { hasCome -> Void? in
            guard hasCome else { return nil }
            hasCome = false
            return ()
        }
    }
}

/// Gives up when MongoDB has given no answer for a while.
private final class PatientObserver: ChangeStreamObserver {
    private let patience: Duration
    private let handoff: BatchHandoff<ChangeStreamReader.Batch>
    private let lastAnswer = Mutex(ContinuousClock.now)

    init(patience: Duration, handoff: BatchHandoff<ChangeStreamReader.Batch>) {
        self.patience = patience
        self.handoff = handoff
    }

    func read(events: Int, upTo token: ResumeToken, clusterTime: BSONTimestamp?) { lastAnswer.withLock { $0 = .now } }

    func mongoTrouble(_ error: any Error) {
        guard lastAnswer.withLock({ $0 }).duration(to: .now) > patience else { return }
        handoff.fail(Bridge.Unreachable(server: "MongoDB", reason: "\(error)"))
        handoff.close()
    }

    func searching(since start: ContinuousClock.Instant) {}
}

/// Stands where Kafka would, and hands every record of a range out instead of publishing it.
private final class RangePublisher: RecordPublisher {
    private let range: VerifyRange
    private let client: KafkaClient
    private let take: (ExpectedRecord) -> Bool
    private(set) var names: [String] = []
    /// By route: the first index of the topic's name, which several routes may share.
    private var topicIndexes: [Int] = []
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
        topicIndexes.append(names.firstIndex(of: name) ?? names.count)
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
            isDone = !take(ExpectedRecord(fingerprint: fingerprint, topic: topicIndexes[record.route], keyText: batch.keyText(of: record)))
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
    var unacknowledged: @Sendable () -> Int { { 0 } }
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
