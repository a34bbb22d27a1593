import Kafka
import Runtime

/// At least once: a crash repeats the answers to what was not committed, byte for byte, because they are stored with
/// the commands' documents.
final class AtLeastOnceAnswerPublisher: AnswerPublisher {
    private let answers: AnswerProducer
    private let ledger: OffsetLedger
    private let status: DispatchStatus
    private let stop: StopSignal
    private var window = AcknowledgementWindow<AnswerBatch.Summary>()

    init(answers: AnswerProducer, ledger: OffsetLedger, status: DispatchStatus, stop: StopSignal) {
        self.answers = answers
        self.ledger = ledger
        self.status = status
        self.stop = stop
    }

    func run(from handoff: BatchHandoff<AnswerBatch>) throws {
        // However it ends: what is still queued must not arrive behind what the next session publishes.
        defer { if !window.isEmpty { answers.producer.abandon() } }
        do {
            while !stop.isOverdue {
                status.logProgress()
                if let batch = try handoff.take() {
                    try publish(batch)
                    if handoff.isEmpty { answers.producer.endLinger() }
                    try serve(timeout: .zero)
                } else {
                    try serve(timeout: .seconds(5))
                }
            }
        } catch is AnswersEnd {
            while !window.isEmpty, !stop.isOverdue {
                answers.producer.endLinger()
                try serve(timeout: .milliseconds(100))
            }
        }
    }

    private func publish(_ batch: AnswerBatch) throws {
        try answers.produce(batch, tag: window.tag, isWanted: { _ in true }, sent: { window.sent() }, report: count)
        window.seal(batch.summary)
        settle()
    }

    private func serve(timeout: Duration) throws {
        do throws(KafkaError) {
            try answers.serve(timeout: timeout, count)
        } catch {
            throw answers.refusal ?? error
        }
        if let refusal = answers.refusal { throw refusal }
        settle()
    }

    private func count(_ report: KafkaProducer.Report) {
        if case .acknowledged(let tag, let count) = report { window.acknowledged(tag: tag, count: count) }
    }

    private func settle() {
        for summary in window.takeAllCovered() {
            ledger.answered(summary.progress)
            status.answered(summary.counts, deadLetters: summary.deadLetters, newest: summary.newest)
        }
    }
}
