import CKafka
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// What brokers answer to a running bridge. An error that ends a producer is not the end of the stream: a new producer,
/// the fence, the stored position, and on it goes.
@Suite(.enabled(if: !TestKafka.isReal, "these errors are injected into the mock cluster")) struct BrokerErrorsMongodTests {
    private typealias Failure = (request: MockBrokers.Request, code: rd_kafka_resp_err_t)

    /// The mock cluster shows a position of an aborted transaction like any other, and one whose events it has refused
    /// would lose them. So exactly-once gets no failures of produce requests here (``TransactionErrorTests`` has them).
    private static func fatal(to delivery: Delivery) -> [Failure] {
        switch delivery {
        case .atLeastOnce:
            [(.produce, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER), (.produce, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH)]
        case .exactlyOnce:
            [
                (.endTxn, RD_KAFKA_RESP_ERR_PRODUCER_FENCED), (.endTxn, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE),
                (.addPartitionsToTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH),
                (.addPartitionsToTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING),
            ]
        }
    }

    @Test(arguments: [Delivery.atLeastOnce, .exactlyOnce])
    func aProducerThatIsFinishedIsReplacedAndTheStreamGoesOn(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            let brokers = try #require(scene.kafka.brokers)
            let bridge = try scene.bridge([scene.stream { $0.delivery = delivery }])
            let follower = try scene.follow()
            try scene.insert([["_id": 0]])
            try follower.wait(events: 1)
            try Self.waitForPosition(after: 1, on: scene)
            let failures = Self.fatal(to: delivery)
            for (number, failure) in failures.enumerated() {
                brokers.fail(failure.request, with: [failure.code])
                try scene.insert([["_id": .int32(Int32(number) + 1)]])
                try follower.wait(events: number + 2)
                try scene.log.wait(for: "retrying: ", count: number + 1)
                try scene.log.wait(for: "back after", count: number + 1)
            }
            #expect(try bridge.stop().isEmpty)
            #expect(scene.log.lines(containing: "halted").isEmpty)
            // What was aborted is seen, too; without repeats it is the server's order.
            var seen: Set<String> = []
            let tokens = try scene.records().map(\.token).filter { seen.insert($0).inserted }
            #expect(tokens == (try scene.events().compactMap { $0["_id"]?.documentValue?["_data"]?.stringValue }))
            #expect(try scene.position()?.position.events == Int64(failures.count) + 1)
        }
    }

    /// librdkafka makes such requests again by itself, and says nothing.
    @Test(arguments: [Delivery.atLeastOnce, .exactlyOnce])
    func recordsThatKafkaDoesNotTakeAreToldWithinSeconds(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            let brokers = try #require(scene.kafka.brokers)
            let bridge = try scene.bridge([scene.stream { $0.delivery = delivery }]) {
                $0.http = HTTPSettings(listen: "127.0.0.1:0", token: nil)
            }
            let follower = try scene.follow()
            try scene.insert([["_id": 0]])
            try follower.wait(events: 1)
            try Self.waitForPosition(after: 1, on: scene)
            let request = delivery == .exactlyOnce ? MockBrokers.Request.addPartitionsToTxn : .produce
            let code = delivery == .exactlyOnce ? RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS : RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS
            brokers.fail(request, with: Array(repeating: code, count: 100_000))
            try scene.insert([["_id": 1]])
            try scene.log.wait(for: "retrying: ")
            let state = try bridge.streams()[0].snapshot
            #expect(state.state == .retrying)
            #expect(state.reason?.hasPrefix("Kafka has ") == true, "\(state.reason ?? "none")")
            let answer = try bridge.ask("/readyz", until: "a stream that is not ready") { $0.status == 503 }
            #expect(answer.body.hasPrefix("stream fruits is retrying: Kafka has "))
            #expect(try bridge.ask("/healthz").status == 200)

            brokers.stopFailing(request)
            try follower.wait(events: 2)
            try scene.log.wait(for: "back after")
            _ = try bridge.ask("/readyz", until: "a ready bridge") { $0.status == 200 }
            #expect(try bridge.stop().isEmpty)
        }
    }

    /// A crash in between would begin the stream anew, and elsewhere.
    @Test func nothingIsPublishedBeforeTheBeginningIsStored() async throws {
        try await Scene.play { scene in
            let brokers = try #require(scene.kafka.brokers)
            brokers.fail(.produce, with: Array(repeating: RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, count: 100_000))
            try scene.insert([["_id": 1], ["_id": 2], ["_id": 3]])
            let bridge = try scene.bridge([scene.stream()])
            // By then the events have been there for seconds.
            try scene.log.wait(for: "retrying: Kafka has acknowledged nothing")
            let load = try #require(try bridge.streams()[0].snapshot.load)
            #expect(load.unacknowledged == 1)
            brokers.stopFailing(.produce)
            try scene.follow().wait(count: 3)
            #expect(try bridge.stop().isEmpty)
        }
    }

    /// No session can store it, and each would begin at a `now` of its own.
    @Test func theBeginningStaysOneMomentBeforeItIsStored() async throws {
        try await Scene.play { scene in
            let brokers = try #require(scene.kafka.brokers)
            brokers.fail(.produce, with: Array(repeating: RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, count: 100_000))
            let bridge = try scene.bridge([scene.stream { $0.startAt = .now }])
            let deadline = ContinuousClock.now + Patience.limit
            func retries() throws -> Int { try bridge.status(of: "fruits").condition.retries.values.reduce(0, +) }
            func waitForRetries(_ count: Int) throws {
                var backoff = Backoff(initial: .milliseconds(10), cap: .milliseconds(200))
                while try retries() < count {
                    guard .now < deadline else { throw WaitedInVain(what: "\(count) retries") }
                    backoff.pause()
                }
            }
            try waitForRetries(1)
            try scene.insert([["_id": 1], ["_id": 2], ["_id": 3]])
            // The second of these sessions began after the writes.
            try waitForRetries(retries() + 2)
            brokers.stopFailing(.produce)
            try scene.follow().wait(count: 3)
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test(arguments: [Delivery.atLeastOnce, .exactlyOnce])
    func aRightThatIsTakenAwayHaltsTheRunningStreamAndLosesNothing(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            let brokers = try #require(scene.kafka.brokers)
            let stream = scene.stream { $0.delivery = delivery }
            let bridge = try scene.bridge([stream])
            try scene.insert([["_id": 1]])
            try Self.waitForPosition(after: 1, on: scene)
            brokers.fail(
                delivery == .exactlyOnce ? .addPartitionsToTxn : .produce, with: [RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED])
            try scene.insert([["_id": 2]])
            let halts = try bridge.halts()
            #expect(halts.map(\.status) == [.configuration])
            #expect(halts.first?.remedy.hasPrefix("Grant the account Describe, Write") == true, "\(halts)")
            #expect(try scene.position()?.position.events == 1)

            let second = try scene.bridge([stream])
            try Self.waitForPosition(after: 2, on: scene)
            #expect(try second.stop().isEmpty)
            #expect(try scene.records().map(\.keyText) == [#"{"_id":{"$numberInt":"1"}}"#, #"{"_id":{"$numberInt":"2"}}"#])
        }
    }

    private static func waitForPosition(after events: Int64, on scene: Scene) throws {
        try scene.follow(scene.positionsTopic).wait(for: "the position after \(events) events") {
            $0.contains { (try? $0.document()["events"]?.int64Value) == events }
        }
    }

    @Test func aDispatchersProducerIsReplacedAndEveryCommandIsAnswered() async throws {
        try await Scene.play { scene in
            let brokers = try #require(scene.kafka.brokers)
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...20)) { $0.delivery = .exactlyOnce }
            let bridge = try scene.bridge(dispatching)
            #expect(try dispatching.answer(to: CommandText.dispatch("c-0", 1)).status == "dispatched")
            let failures: [Failure] = [
                (.addOffsetsToTxn, RD_KAFKA_RESP_ERR_NOT_COORDINATOR), (.txnOffsetCommit, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION),
                (.txnOffsetCommit, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH), (.endTxn, RD_KAFKA_RESP_ERR_PRODUCER_FENCED),
            ]
            for (number, failure) in failures.enumerated() {
                brokers.fail(failure.request, with: [failure.code])
                try dispatching.send([CommandText.dispatch("c-\(number + 1)", number + 2)])
                _ = try dispatching.outcomes(ids: number + 2)
            }
            // The mock cluster shows what was aborted, too: the last answer may still be on its way to its commit.
            let end = ContinuousClock.now + Patience.limit
            var backoff = Backoff(initial: .milliseconds(10), cap: .milliseconds(200))
            while try bridge.status(ofDispatcher: "shipments").outcomes["dispatched"] ?? 0 <= failures.count, .now < end { backoff.pause() }
            #expect(try bridge.status(ofDispatcher: "shipments").outcomes["dispatched"] ?? 0 >= failures.count + 1)
            #expect(try bridge.stop().isEmpty)
            #expect(scene.log.lines(containing: "halted").isEmpty)
            // Each command has one answer, however often it was published.
            let outcomes = Dictionary(grouping: try dispatching.allOutcomes(), by: \.id)
            #expect(outcomes.count == failures.count + 1)
            #expect(outcomes.values.allSatisfy { Set($0.map(\.text)).count == 1 })
        }
    }
}
