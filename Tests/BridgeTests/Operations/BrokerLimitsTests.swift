import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct BrokerLimitsTests {
    private static let limits = BrokerLimits(settings: [
        "transaction.max.timeout.ms": "900000", "group.min.session.timeout.ms": "6000", "group.max.session.timeout.ms": "1800000",
    ])

    private func findings(_ limits: BrokerLimits = limits, _ producer: [String: String] = [:], _ consumer: [String: String] = [:])
        -> [Finding]
    {
        limits.findings(
            on: SampleConfiguration.make {
                $0.streams[0].delivery = .exactlyOnce
                $0.kafka.producer = producer
                $0.kafka.consumer = consumer
            })
    }

    @Test func timesThatTheBrokersRefuseAreErrorsWithTheSentencesOfTheHalts() {
        let transactions = findings(Self.limits, ["transaction.timeout.ms": "900001"])
        #expect(transactions.map(\.subject) == ["stream inventory", "dispatcher shipments"])
        #expect(transactions.allSatisfy { $0.level == .error && $0.status == .configuration })
        #expect(transactions.allSatisfy { $0.remedy == KafkaFailures.transactionTimeoutRemedy })
        #expect(transactions[0].text == "transaction.timeout.ms is 900001, and the brokers allow at most 900000")
        for time in ["5999", "1800001"] {
            let sessions = findings(Self.limits, [:], ["session.timeout.ms": time])
            #expect(sessions.count == 2)
            #expect(
                sessions.allSatisfy {
                    $0.remedy == KafkaFailures.sessionTimeoutRemedy && $0.text.hasPrefix("session.timeout.ms is \(time), ")
                })
        }
    }

    @Test func whatTheBrokersAllowOrDoNotSayIsNoFinding() {
        #expect(findings().isEmpty)
        #expect(findings(Self.limits, ["transaction.timeout.ms": "900000"], ["session.timeout.ms": "6000"]).isEmpty)
        #expect(findings(BrokerLimits(settings: [:]), ["transaction.timeout.ms": "9999999"], ["session.timeout.ms": "1"]).isEmpty)
    }
}
