import Logging
import Mongo

/// Publishes answers, and tells the ledger what Kafka has stored: at-least-once. A crash repeats the answers to what was not committed, byte for
/// byte, because they are stored with the commands' documents.
///
/// Used on its own thread; to end a blocked wait, wake the producer's client.
final class AnswerPublisher {
    /// No more answers come.
    struct End: Error {}

    /// What is stored once all records before it are.
    private struct Covered {
        var progress: [OffsetLedger.Progress]
        var counts: [Outcome.Status: Int]
        var deadLetters: Int
    }

    private let producer: KafkaProducer
    private let outcomes: KafkaTopic
    private let deadLetters: KafkaTopic
    private let ledger: OffsetLedger
    private let status: DispatchStatus
    private let stop: StopSignal
    private var window = AcknowledgementWindow<Covered>()
    private var refusal: RecordRefused?

    init(settings: DispatcherSettings, producer: KafkaProducer, ledger: OffsetLedger, status: DispatchStatus, stop: StopSignal)
        throws(KafkaError)
    {
        self.producer = producer
        outcomes = try producer.topic(settings.outcomes)
        deadLetters = try producer.topic(settings.deadLetters)
        self.ledger = ledger
        self.status = status
        self.stop = stop
    }

    /// Publishes what comes through `handoff` until it ends with ``End``; then waits until everything is stored, at most until a stop's
    /// deadline.
    ///
    /// - Throws: whatever else ended the hand-off, ``KafkaError``, ``RecordRefused``.
    func run(from handoff: BatchHandoff<AnswerBatch>) throws {
        // However it ends: what is still queued must not arrive behind what the next session publishes.
        defer { if !window.isEmpty { producer.abandon() } }
        do {
            while !stop.isOverdue {
                status.tellProgress()
                if let answers = try handoff.take() {
                    try publish(answers)
                    if handoff.isEmpty { producer.endLinger() }
                    try serve(timeout: .zero)
                } else {
                    try serve(timeout: .seconds(5))
                }
            }
        } catch is End {
            while !window.isEmpty, !stop.isOverdue {
                producer.endLinger()
                try serve(timeout: .milliseconds(100))
            }
        }
    }

    private func publish(_ answers: AnswerBatch) throws {
        producer.beginLinger()
        for index in 0..<answers.outcomes.records.count {
            let record = answers.outcomes.records[index]
            try enqueue(to: outcomes, key: answers.outcomes.keyText(of: record), size: answers.outcomes.size(of: record)) {
                () throws(KafkaError) in
                try producer.produce(record, of: answers.outcomes, to: outcomes, tag: window.tag)
            }
        }
        for letter in answers.deadLetters {
            try enqueue(to: deadLetters, key: letter.key.map { String(decoding: $0, as: UTF8.self) }, size: letter.size) {
                () throws(KafkaError) in
                try producer.produce(letter, to: deadLetters, tag: window.tag)
            }
        }
        window.seal(Covered(progress: answers.progress, counts: answers.counts, deadLetters: answers.deadLetters.count))
        settle()
    }

    /// Blocks while the client's queue is full: that is how Kafka's pace reaches the workers.
    private func enqueue(to topic: KafkaTopic, key: String?, size: Int, _ produce: () throws(KafkaError) -> Bool) throws {
        do throws(KafkaError) {
            while !(try produce()) {
                if stop.isOverdue { throw KafkaError.timedOut(operation: "produce to topic \(topic.name)") }
                try serveReports(timeout: .milliseconds(100))
            }
            window.sent()
        } catch {
            if error.isFatal || error.isAftermath || stop.isOverdue { throw error }
            throw RecordRefused(error: error, topic: topic.name, key: key, size: size, index: 0)
        }
    }

    private func serve(timeout: Duration) throws {
        do throws(KafkaError) {
            try serveReports(timeout: timeout)
        } catch {
            throw refusal ?? error
        }
        if let refusal { throw refusal }
        settle()
    }

    private func serveReports(timeout: Duration) throws(KafkaError) {
        try producer.serve(timeout: timeout) { report in
            switch report {
            case .acknowledged(let tag, let count):
                window.acknowledged(tag: tag, count: count)
            case .refused(let error, let topic, let key, let size):
                guard !error.isAftermath else { return }
                refusal = refusal ?? RecordRefused(error: error, topic: topic, key: key, size: size, index: nil)
            case .unreachable(let error): status.kafkaTrouble(error)
            }
        }
    }

    private func settle() {
        for covered in window.takeAllCovered() {
            ledger.answered(covered.progress)
            status.answered(covered.counts, deadLetters: covered.deadLetters)
        }
    }
}
