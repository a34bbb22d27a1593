import Kafka
import Mongo
import Runtime

/// The answers of one batch of commands, encoded, on their way to Kafka.
final class AnswerBatch: HandoffItem {
    /// What a batch was, once it is stored.
    struct Summary: Sendable {
        let progress: [OffsetLedger.Progress]
        /// Outcomes by status.
        let counts: [Outcome.Status: Int]
        let deadLetters: Int
        /// The newest of the outcomes, the newest last.
        let newest: [Outcome]
    }

    /// A record's `event` is the partition of its command.
    let outcomes: RecordBatch
    let deadLetters: [(partition: Int32, record: OutgoingRecord)]
    let summary: Summary
    let byteCount: Int
    var count: Int { outcomes.records.count + deadLetters.count }

    /// - Parameters:
    ///   - batch: everything is answered but what was dropped, which is left out.
    ///   - ledger: learns what is handed over.
    init(_ batch: CommandBatch, topic: String, ledger: OffsetLedger) {
        var outcomes = RecordBatch()
        var deadLetters: [(partition: Int32, record: OutgoingRecord)] = []
        var counts: [Outcome.Status: Int] = [:]
        var newest: [Outcome] = []
        var ends: [Int32: Int64] = [:]
        var incomplete: Set<Int32> = []
        for (index, answer) in batch.answers.enumerated() {
            let place = batch.places[index]
            guard !batch.dropped.contains(place.partition), !incomplete.contains(place.partition) else { continue }
            guard let answer else {
                // Every command of a batch is answered; if one is not, nothing behind it may count.
                incomplete.insert(place.partition)
                continue
            }
            ends[place.partition] = place.offset + 1
            if let letter = answer.deadLetter {
                deadLetters.append((place.partition, batch.records.withRecord(index) { letter.record(of: $0, topic: topic) }))
            }
            if let outcome = answer.outcome {
                counts[outcome.status, default: 0] += 1
                if index >= batch.answers.count - DispatchFigures.newestOutcomes { newest.append(outcome) }
                outcomes.appendPlain(key: outcome.id, event: Int(place.partition)) { outcome.write(into: &$0) }
            }
        }
        let progress = ends.compactMap { partition, next in
            batch.assignments[partition].map { OffsetLedger.Progress(partition: partition, assignment: $0, next: next) }
        }
        byteCount = outcomes.bytes.count + deadLetters.reduce(0) { $0 + $1.record.size }
        self.outcomes = outcomes
        self.deadLetters = deadLetters
        summary = Summary(progress: progress, counts: counts, deadLetters: deadLetters.count, newest: newest)
        ledger.handOver(progress)
    }
}

extension DeadLetter {
    /// Header names of the contract, section 5.
    enum Header {
        static let all: Set<String> = [code, message, topic, partition, offset, at]
        static let code = "error.code"
        static let message = "error.message"
        static let topic = "error.topic"
        static let partition = "error.partition"
        static let offset = "error.offset"
        static let at = "error.at"
    }

    /// The original bytes, key and headers, and why it is here. What an earlier stay among the dead letters added is
    /// replaced.
    fileprivate func record(of original: borrowing KafkaRecord, topic: String) -> OutgoingRecord {
        let own: [(String, String)] = [
            (Header.code, code), (Header.message, message), (Header.topic, topic), (Header.partition, "\(original.partition)"),
            (Header.offset, "\(original.offset)"), (Header.at, StoredPosition.iso8601(milliseconds: WallClock.milliseconds())),
        ]
        return OutgoingRecord(
            key: original.key, value: original.value,
            headers: original.headers.filter { !Header.all.contains($0.name) } + own.map { ($0, Array($1.utf8)) })
    }
}
