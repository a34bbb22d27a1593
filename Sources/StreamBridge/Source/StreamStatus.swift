import Logging
import Mongo
import Synchronization

/// What a stream is doing, for people: state, reason, position and totals. Any thread.
///
/// Every change of state is one log line; a retry that fails again is none.
package final class StreamStatus: ChangeStreamObserver {
    package enum State: String, Sendable {
        case starting, streaming, idle, retrying, standby, halted
    }

    package struct Snapshot: Sendable {
        package var state: State = .starting
        /// Why it retries, halted, or stands still.
        package var reason: String?
        /// Events read from MongoDB, records stored by Kafka, positions stored, since the process started.
        package var eventsRead = 0
        package var recordsPublished = 0
        package var positionsStored = 0
        /// The newest stored position's `_data`.
        package var storedToken: String?
        /// Lost positions that the stream went on past, each with a gap record.
        package var gaps = 0
        /// How far the stored position is behind the deployment's newest cluster time, and how far back the oplog goes, when last looked at.
        package var positionAge: Duration?
        package var oplogLength: Duration?
    }

    private struct Progress {
        var snapshot = Snapshot()
        /// What it does when nothing is wrong.
        var activity = State.starting
        var troubles = Troubles()
        /// The newest stored position.
        var position: StreamPosition?
        var alarm = OplogAlarm()
        var tokenWatch = TokenWatch()
        /// Halted because the stored position cannot be resumed.
        var isLost = false
        /// When progress was told, and how many records were published by then.
        var told: (at: ContinuousClock.Instant, records: Int) = (.now, 0)
    }

    /// While a stream publishes, the log says so this often.
    private static let progressInterval: Duration = .seconds(60)

    package let stream: String
    private let logger: Logger
    private let state = Mutex(Progress())

    package init(stream: String, logger: Logger) {
        self.stream = stream
        self.logger = logger
    }

    package var snapshot: Snapshot { state.withLock { $0.snapshot } }

    /// MongoDB answered with a batch.
    func read(events: Int, upTo token: ResumeToken) {
        update {
            $0.tokenWatch.read(upTo: token, at: .now)
            $0.snapshot.eventsRead += events
            $0.troubles.mongoDB = nil
            $0.activity = events > 0 ? .streaming : .idle
        }
    }

    /// Kafka stored records; none for a position, which shows all the same that it is there.
    func published(_ count: Int) {
        update {
            $0.snapshot.recordsPublished += count
            $0.troubles.kafka = nil
        }
    }

    /// Says how many records were published since the last time, once a minute, and nothing when there were none.
    func tellProgress() {
        let told: (records: Int, time: Duration, position: String?)? = state.withLock { state in
            let time = state.told.at.duration(to: .now)
            let records = state.snapshot.recordsPublished - state.told.records
            guard time >= Self.progressInterval else { return nil }
            state.told = (.now, state.snapshot.recordsPublished)
            return records > 0 ? (records, time, state.snapshot.storedToken) : nil
        }
        guard let told else { return }
        logger.info(
            "published \(told.records) records in \(told.time.readable)",
            metadata: ["stream": "\(stream)", "token": "\(told.position ?? "none")"])
    }

    func stored(_ position: StreamPosition) {
        update {
            $0.snapshot.positionsStored += 1
            $0.snapshot.storedToken = position.token.data
            $0.position = position
        }
    }

    /// A session begins at a position that was stored before.
    func resumed(after position: StreamPosition) {
        state.withLock {
            $0.snapshot.storedToken = position.token.data
            $0.position = position
        }
    }

    /// The stored position cannot be resumed, and the configuration says to go on.
    func lost(_ lost: LostPosition, policy: LostPositionPolicy) {
        logger.warning("\(lost.reason); onLostPosition: \(policy.rawValue)", metadata: ["stream": "\(stream)"])
    }

    /// The stream went on past a lost position.
    func skipped(_ record: GapRecord, policy: LostPositionPolicy, topic: String) {
        state.withLock { $0.snapshot.gaps += 1 }
        logger.error(
            """
            went on past a lost position by onLostPosition: \(policy.rawValue). The gap is \(record.range); its record is in topic \(topic). \
            \(record.reason)
            """, metadata: ["stream": "\(stream)"])
    }

    /// Another process leads the stream.
    func standsBy() {
        update {
            $0.activity = .standby
            $0.troubles = Troubles()
            // Whoever leads looks after them.
            $0.position = nil
            $0.snapshot.storedToken = nil
            $0.snapshot.positionAge = nil
            $0.tokenWatch = TokenWatch()
        }
        logger.notice("stands by: another process leads this stream, and this one follows it", metadata: ["stream": "\(stream)"])
    }

    /// This process leads the stream.
    func leads() { update { if $0.activity == .standby { $0.activity = .starting } } }

    /// The newest stored position.
    var position: StreamPosition? { state.withLock { $0.position } }

    /// MongoDB is looking for the next match and has found none yet.
    func searching(since start: ContinuousClock.Instant) {
        var line: Troubles.Line?
        update { line = $0.tokenWatch.search(for: .now - start) }
        tell(line)
    }

    /// Compares with what the oplog has: a warning while there is time, and again when all is well.
    func compare(with oplog: OplogWindow) {
        let line: Troubles.Line? = state.withLock { state in
            state.snapshot.oplogLength = oplog.length
            guard let position = state.position?.token.clusterTime else { return nil }
            state.snapshot.positionAge = max(.zero, oplog.newest - position)
            return state.isLost ? nil : state.alarm.line(for: position, in: oplog, at: .now)
        }
        tell(line)
        compare(newest: oplog.newest)
    }

    /// Compares the stream's place with the deployment's newest cluster time.
    func compare(newest: BSONTimestamp?) {
        guard let newest else { return }
        var line: Troubles.Line?
        update { if $0.snapshot.state != .halted { line = $0.tokenWatch.line(newest: newest, at: .now) } }
        tell(line)
    }

    private func tell(_ line: Troubles.Line?) {
        if let line { logger.log(level: line.level, "\(line.text)", metadata: ["stream": "\(stream)"]) }
    }

    /// MongoDB cannot be read now; the reader tries again.
    func mongoTrouble(_ error: any Error) { update { $0.troubles.mongoDB = $0.troubles.mongoDB ?? "\(error)" } }

    /// Kafka cannot be reached now; librdkafka or the session tries again.
    func kafkaTrouble(_ error: any Error) { update { $0.troubles.kafka = $0.troubles.kafka ?? "\(error)" } }

    func halted(_ halt: StreamHalt) {
        state.withLock {
            $0.snapshot.state = .halted
            $0.snapshot.reason = halt.reason
            $0.isLost = halt.status == .lostPosition
        }
        logger.error("halted: \(halt)", metadata: ["stream": "\(stream)"])
    }

    /// A halted stream was mended.
    func goesOn(because reason: String) {
        state.withLock {
            $0.snapshot.state = .starting
            $0.snapshot.reason = nil
            $0.isLost = false
            $0.activity = .starting
            $0.troubles = Troubles()
            $0.tokenWatch = TokenWatch()
        }
        logger.notice("goes on after the halt: \(reason)", metadata: ["stream": "\(stream)"])
    }

    /// Applies a change, and says so once when it begins or ends a trouble.
    private func update(_ change: (inout Progress) -> Void) {
        let line: Troubles.Line? = state.withLock { state in
            change(&state)
            // A reader that was left to its last call may still report after the halt.
            guard state.snapshot.state != .halted else { return nil }
            state.snapshot.reason = state.troubles.reason ?? state.tokenWatch.reason
            state.snapshot.state = state.troubles.reason == nil ? state.activity : .retrying
            return state.troubles.takeLine(whoGoesOn: "the stream", at: .now)
        }
        tell(line)
    }
}
