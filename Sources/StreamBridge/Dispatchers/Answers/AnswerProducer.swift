import Kafka
import Mongo
import Runtime

/// The producer of a dispatcher's answers, for one delivery guarantee or another. Used on the publisher's thread.
final class AnswerProducer {
    let producer: KafkaProducer
    private let outcomes: KafkaTopic
    private let deadLetters: KafkaTopic
    private let status: DispatchStatus
    private let stop: StopSignal
    /// The first record that Kafka did not take.
    private(set) var refusal: RecordRefused?

    init(settings: DispatcherSettings, producer: KafkaProducer, status: DispatchStatus, stop: StopSignal) throws(KafkaError) {
        self.producer = producer
        outcomes = try producer.topic(settings.outcomes)
        deadLetters = try producer.topic(settings.deadLetters)
        // Their offsets are part of the transactions, so the topic has to be there.
        _ = try producer.topic(settings.commands)
        self.status = status
        self.stop = stop
    }

    /// Produces the answers of a batch; blocks while the client's queue is full: that is how Kafka's pace reaches the
    /// workers.
    ///
    /// - Parameters:
    ///   - isWanted: by partition of the command.
    ///   - sent: called for each record.
    /// - Throws: ``KafkaError``, ``RecordRefused``.
    func produce(
        _ answers: AnswerBatch, tag: UInt, isWanted: (Int32) -> Bool, sent: () -> Void = {},
        report: (KafkaProducer.Report) -> Void = { _ in }
    ) throws {
        producer.beginLinger()
        for index in 0..<answers.outcomes.records.count {
            let record = answers.outcomes.records[index]
            guard isWanted(Int32(clamping: record.event)) else { continue }
            let key = answers.outcomes.keyText(of: record)
            try enqueue(to: outcomes, key: key, size: answers.outcomes.size(of: record), report) { () throws(KafkaError) in
                try producer.produce(record, of: answers.outcomes, to: outcomes, tag: tag)
            }
            sent()
        }
        for letter in answers.deadLetters where isWanted(letter.partition) {
            let key = letter.record.key.map { String(decoding: $0, as: UTF8.self) }
            try enqueue(to: deadLetters, key: key, size: letter.record.size, report) { () throws(KafkaError) in
                try producer.produce(letter.record, to: deadLetters, tag: tag)
            }
            sent()
        }
    }

    private func enqueue(
        to topic: KafkaTopic, key: String?, size: Int, _ report: (KafkaProducer.Report) -> Void, _ produce: () throws(KafkaError) -> Bool
    ) throws {
        do throws(KafkaError) {
            while !(try produce()) {
                if stop.isOverdue { throw KafkaError.timedOut(operation: "produce to topic \(topic.name)") }
                try serve(timeout: .milliseconds(100), report)
            }
        } catch {
            if let refusal { throw refusal }
            if error.isFatal || error.isConsequence || error.code == .state || error.code == .timedOut { throw error }
            throw RecordRefused(error: error, topic: topic.name, key: key, size: size, index: 0)
        }
    }

    /// Waits for reports up to `timeout`.
    ///
    /// - Throws: ``KafkaError`` when the producer is finished.
    func serve(timeout: Duration, _ report: (KafkaProducer.Report) -> Void = { _ in }) throws(KafkaError) {
        try producer.serve(timeout: timeout) { event in
            switch event {
            case .refused(let error, let topic, let key, let size):
                guard !error.isConsequence else { return }
                refusal = refusal ?? RecordRefused(error: error, topic: topic, key: key, size: size, index: nil)
            case .unreachable(let error): status.kafkaFailed(error)
            case .waits(let wait): status.kafkaFailed(wait)
            case .acknowledged: status.kafkaAnswered()
            }
            report(event)
        }
    }

    func forgetRefusal() { refusal = nil }
}
