import Kafka
import Runtime

/// The newest value of a key, and the record that has it.
struct NewestValue: Sendable {
    let bytes: [UInt8]
    fileprivate let topic: String
    fileprivate let coordinates: RecordCoordinates

    /// `topic/partition/offset`
    var place: String { "\(topic)/\(coordinates)" }
}

/// The newest value of each key of a compacted topic, for everybody in the process who asks. Any thread.
///
/// A caller gets what the topic has at a moment after the question: a session asks after its fence, so what its
/// predecessor stored last is there (docs/GUARANTEES.md, rule 1). The topic is read from its beginning once. After that
/// a question costs what was written since; and those who ask at the same time get one answer: a pass that begins after
/// the question looks at the high watermark after it.
///
/// Nothing is read on that was read longer than ``keepingTime`` ago. The removal of a value stays in the topic for
/// `delete.retention.ms` only, so a reader that resumes at an older place could miss it and keep the value; and the
/// topic may have been made anew.
final class NewestValues: Sendable {
    /// How the caller waits for the answer.
    struct Waiting: Sendable {
        var stop = StopSignal()
        /// Gives a sign of life.
        var turn: @Sendable () -> Void = {}
        /// Is told what is waited for, every few seconds.
        var tell: @Sendable (WaitsFor) -> Void = { _ in }
    }

    private struct Content {
        var values: [String: NewestValue] = [:]
        /// The first offset of each partition that was not read: everything before it is decided, committed or aborted.
        var next: [Int32: Int64] = [:]

        func reaches(_ ends: [Int32: Int64]) -> Bool { ends.allSatisfy { next[$0.key] ?? 0 >= $0.value } }
    }

    private struct State {
        var content = Content()
        var readAt: ContinuousClock.Instant?
        var isReading = false
        /// Counts the passes over what is new.
        var begun = 0
        /// The last pass that ended, and the ends that it saw when it began.
        var last: (number: Int, ends: Result<[Int32: Int64], KafkaError>)?
    }

    private static let keepingTime: Duration = .seconds(30)
    /// While an open transaction hides what comes behind it.
    private static let hiddenPause: Duration = .milliseconds(100)
    private static let reportInterval: Duration = .seconds(3)
    /// A topic that was not compacted for long has many records: they are not to lie in memory.
    private static let queueBytes = 8 << 20

    let topic: String
    private let admin: KafkaAdmin
    private let settings: KafkaSettings
    private let state = Monitor(State())

    init(topic: String, admin: KafkaAdmin, settings: KafkaSettings) {
        self.topic = topic
        self.admin = admin
        self.settings = settings
    }

    /// What the topic has now; a key whose newest record is a tombstone is left out. Blocks.
    ///
    /// - Parameters:
    ///   - isolation: `readUncommitted` for a caller that wants the newest value of all, decided or not: nobody's open
    ///     transaction is waited for.
    ///   - timeout: how long Kafka may take for an answer, or give no record.
    /// - Throws: ``KafkaError``, also when a transaction stays open that hides a part; ``Stopped``.
    func values(isolation: Isolation, timeout: Duration, _ waiting: Waiting) throws -> [String: NewestValue] {
        var seen = state.read { $0.begun }
        var wanted: [Int32: Int64]?
        var reached: [Int32: Int64] = [:]
        var deadline = ContinuousClock.now + timeout
        while true {
            let pass = try pass(after: seen, timeout: timeout, waiting)
            seen = pass.number
            let ends = wanted ?? pass.ends
            wanted = ends
            let content = state.read { $0.content }
            if content.reaches(ends) { return content.values }
            if isolation == .readUncommitted { return try overlaid(content, timeout: timeout, waiting) }
            if content.next != reached {
                (reached, deadline) = (content.next, .now + timeout)
            } else if .now >= deadline {
                throw KafkaError.timedOut(operation: "read topic \(topic) behind an open transaction")
            }
            waiting.turn()
            if waiting.stop.wait(for: Self.hiddenPause) { throw Stopped() }
        }
    }

    /// Waits for the end of a pass that began after the passes up to `seen`, or makes one.
    private func pass(after seen: Int, timeout: Duration, _ waiting: Waiting) throws -> (number: Int, ends: [Int32: Int64]) {
        enum Turn { case over(Int, Result<[Int32: Int64], KafkaError>), wait, run(Int) }
        var reportedAt = ContinuousClock.now
        while true {
            if waiting.stop.isRequested { throw Stopped() }
            waiting.turn()
            let turn = state.update { state -> Turn in
                if let last = state.last, last.number > seen { return .over(last.number, last.ends) }
                if state.isReading { return .wait }
                state.isReading = true
                state.begun += 1
                return .run(state.begun)
            }
            switch turn {
            case .over(let number, let ends): return (number, try ends.get())
            case .wait:
                _ = state.wait(within: .milliseconds(200)) { !$0.isReading }
                guard reportedAt.duration(to: .now) >= Self.reportInterval else { continue }
                reportedAt = .now
                waiting.tell(WaitsFor(description: "topic \(topic) is being read for another stream", kind: .waiting))
            case .run(let number):
                let ends = Result { () throws(KafkaError) in try advance(timeout: timeout, waiting) }
                let isStopped = waiting.stop.isRequested
                state.update { state in
                    state.isReading = false
                    // One that was stopped says nothing to the others, who are stopped, too.
                    if !isStopped { state.last = (number, ends) }
                }
                if isStopped { throw Stopped() }
                return (number, try ends.get())
            }
        }
    }

    /// Reads what is new and decided. One at a time.
    ///
    /// - Returns: the ends when it began.
    private func advance(timeout: Duration, _ waiting: Waiting) throws(KafkaError) -> [Int32: Int64] {
        var content = state.read { state in
            state.readAt.map { $0.duration(to: .now) < Self.keepingTime } ?? false ? state.content : Content()
        }
        while true {
            var isMadeAnew = false
            let known = content.next
            let extent = try scan(timeout: timeout, waiting, into: &content.values) { partition, offsets in
                guard let next = known[partition] else {
                    // A partition that was added has the keys that moved to it.
                    isMadeAnew = isMadeAnew || !known.isEmpty
                    return offsets.lowerBound
                }
                isMadeAnew = isMadeAnew || next > offsets.upperBound
                return max(next, offsets.lowerBound)
            }
            if isMadeAnew {
                content = Content()
                continue
            }
            content.next = extent.next
            if !waiting.stop.isRequested {
                state.update { state in
                    state.content = content
                    state.readAt = .now
                }
            }
            return extent.ends
        }
    }

    /// With what open transactions have.
    private func overlaid(_ content: Content, timeout: Duration, _ waiting: Waiting) throws -> [String: NewestValue] {
        var values = content.values
        _ = try scan(timeout: timeout, waiting, isolation: .readUncommitted, into: &values) { partition, offsets in
            max(content.next[partition] ?? 0, offsets.lowerBound)
        }
        if waiting.stop.isRequested { throw Stopped() }
        return values
    }

    private func scan(
        timeout: Duration, _ waiting: Waiting, isolation: Isolation = .readCommitted, into values: inout [String: NewestValue],
        begin: (_ partition: Int32, _ offsets: Range<Int64>) -> Int64
    ) throws(KafkaError) -> TopicReader.Extent {
        var reportedAt = ContinuousClock.now
        let topic = topic
        let extent = try TopicReader.scan(
            topic, admin: admin, settings: settings, timeout: timeout, stop: waiting.stop, isolation: isolation,
            queueBytes: Self.queueBytes, begin: begin,
            turn: { extent in
                waiting.turn()
                guard reportedAt.duration(to: .now) >= Self.reportInterval else { return }
                reportedAt = .now
                waiting.tell(WaitsFor(description: "reading topic \(topic): \(Self.progress(of: extent))", kind: .waiting))
            },
            { record in
                (
                    key: record.key,
                    value: record.value.map {
                        NewestValue(bytes: $0, topic: topic, coordinates: record.coordinates)
                    }
                )
            },
            take: { record throws(KafkaError) in
                guard let key = record.key.map({ String(decoding: $0, as: UTF8.self) }) else { return }
                values[key] = record.value
            })
        // The caller has ensured the topic, so an answer without it comes from a broker that is behind: no word on
        // values.
        guard let extent else { throw KafkaError.unknownTopic(topic) }
        return extent
    }

    private static func progress(of extent: TopicReader.Extent) -> String {
        let partitions = extent.ends.keys.sorted()
        return partitions.map { "offset \(extent.next[$0] ?? 0) of \(extent.ends[$0] ?? 0)" }.joined(separator: ", ")
    }
}
