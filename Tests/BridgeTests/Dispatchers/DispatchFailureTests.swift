import CKafka
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// What each error means for a command: the table of the research, code by code.
@Suite struct DispatchFailureTests {
    private enum Reaction: Equatable {
        case retry, restart, configuration, lostPosition, internalFault
        case busy, doneBefore
        case never(String)

        init(_ failure: DispatchFailure) {
            switch failure {
            case .retry: self = .retry
            case .restart: self = .restart
            case .halt(let halt): self.init(halt)
            }
        }

        init(_ halt: Halt) {
            switch halt.status {
            case .configuration: self = .configuration
            case .lostPosition: self = .lostPosition
            case .internalFault: self = .internalFault
            case let other:
                Issue.record("a dispatcher halts with \(other)")
                self = .internalFault
            }
        }

        init(_ refusal: DocumentRefusal) {
            switch refusal {
            case .busy: self = .busy
            case .doneBefore: self = .doneBefore
            case .never(let code, _): self = .never(code)
            case .retry, .unknownIndex: self = .retry
            case .halt(let halt): self.init(halt)
            }
        }
    }

    private static let index = GuardIndex(kind: .partial, field: "truck_id", names: ["truck_id_active", "trucks"])

    private static func reaction(to kind: MongoError.Kind) -> Reaction {
        Reaction(DispatchFailure(mongoDB: MongoError(kind: kind, operation: "insert", message: "sentence"), dispatcher: .sample()))
    }

    private static func refusal(_ code: MongoError.Code, _ message: String = "sentence", keyPattern: [String]? = nil) -> DocumentRefusal {
        DocumentRefusal(
            WriteReply.Refusal(index: 0, code: code, message: message, keyPattern: keyPattern), guardedBy: index, dispatcher: .sample())
    }

    /// Whether the write was carried out is unknown, or it was not: the identical document again.
    @Test(
        arguments: [
            // The retryable writes of the drivers' specification.
            6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
            // The write concern was not met in time.
            64,
            // Conflicts, and transactions that have to run again.
            112, 24, 46, 225, 251, 256, 263, 50, 11601,
            // No room, no writes for now, too busy.
            14031, 371, 365, 433, 449, 450, 462,
            // A collection that is being made or moved.
            26, 133, 134, 234, 453, 91331, 10_045_600,
        ] as [MongoError.Code])
    func whatPassesIsTriedAgain(code: MongoError.Code) {
        #expect(Self.reaction(to: .server(code: code)) == .retry)
        #expect(Reaction(Self.refusal(code)) == .retry)
    }

    @Test(arguments: [13, 391, 79, 100, 72, 73, 8000, 59, 20, 99_999] as [MongoError.Code])
    func whatDoesNotPassHalts(code: MongoError.Code) {
        #expect(Self.reaction(to: .server(code: code)) == .configuration)
        #expect(Reaction(Self.refusal(code)) == .configuration)
    }

    @Test func errorsWithoutACode() {
        #expect(Self.reaction(to: .network) == .retry)
        #expect(Self.reaction(to: .serverSelection) == .retry)
        #expect(Self.reaction(to: .authentication) == .configuration)
        #expect(Self.reaction(to: .client) == .configuration)
        #expect(Self.reaction(to: .malformedReply) == .internalFault)
    }

    @Test(arguments: [121, 2, 9, 14, 52, 53, 54, 55, 56, 57, 66, 10334, 17280, 17419, 17420] as [MongoError.Code])
    func aDocumentThatCanNeverBeWrittenIsADeadLetter(code: MongoError.Code) {
        guard case .never(let shown, let message) = Self.refusal(code) else {
            Issue.record("\(code) is no dead letter")
            return
        }
        #expect(shown == "\(code)")
        #expect(message == "lessons.shipments refuses the document: sentence")
    }

    @Test func aDuplicateKeyMeansWhatItsIndexMeans() {
        #expect(Reaction(Self.refusal(11000, keyPattern: ["_id"])) == .doneBefore)
        #expect(Reaction(Self.refusal(11000, keyPattern: ["truck_id"])) == .busy)
        #expect(Reaction(Self.refusal(11000, keyPattern: ["truck_id", "source"])) == .never("11000"))
        #expect(Reaction(Self.refusal(11000, keyPattern: ["order"])) == .never("11000"))
        #expect(Reaction(Self.refusal(11000)) == .never("11000"))
    }

    /// Servers before 4.4 name the index in the sentence alone.
    @Test(
        arguments: [
            ("E11000 duplicate key error collection: lessons.shipments index: _id_ dup key: { : \"c-1\" }", GuardIndex.Match.identity),
            ("E11000 duplicate key error collection: lessons.shipments index: truck_id_active dup key: { : 4 }", .resource),
            ("E11000 duplicate key error collection: lessons.shipments index: trucks dup key: { : 4 }", .resource),
            ("E11000 duplicate key error collection: lessons.shipments index: order_1 dup key: { : null }", .other("order_1")),
            // A value that looks like an index comes after the real one.
            (
                "E11000 duplicate key error collection: lessons.shipments index: order_1 dup key: { : \"index: _id_ dup key\" }",
                .other("order_1")
            ),
            ("E11000 duplicate key error", .other("unknown")),
            ("", .other("unknown")),
        ] as [(String, GuardIndex.Match)])
    func oldServersNameTheIndexInTheirSentence(message: String, match: GuardIndex.Match) {
        #expect(Self.index.match(WriteReply.Refusal(index: 0, code: 11000, message: message, keyPattern: nil)) == match)
    }

    @Test func thePatternCountsNotTheName() {
        let message = "E11000 duplicate key error collection: lessons.shipments index: truck_id_active dup key: { order: 4 }"
        #expect(Self.index.match(WriteReply.Refusal(index: 0, code: 11000, message: message, keyPattern: ["order"])) == .other("order"))
    }

    private static func failure(_ error: any Error) -> DispatchFailure {
        let kafka = KafkaSettings(common: ["bootstrap.servers": "kafka:9092"], producer: [:], consumer: [:])
        return DispatchFailure(error, dispatcher: .sample(), of: "lessons", kafka: kafka)
    }

    @Test func theCommandThatMendsALostOffsetCanBePasted() {
        guard case .halt(let halt) = Self.failure(KafkaError(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, operation: "read")) else {
            Issue.record("no halt")
            return
        }
        #expect(
            halt.remedy.hasSuffix(
                "kafka-consumer-groups --bootstrap-server kafka:9092 --group bridge.lessons.shipments --topic dispatch.commands --reset-offsets "
                    + "--to-earliest --execute"), "\(halt.remedy)")
    }

    @Test func errorsOfKafka() {
        func reaction(_ code: rd_kafka_resp_err_t) -> Reaction {
            Reaction(Self.failure(KafkaError(code, operation: "read")))
        }
        #expect(reaction(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) == .lostPosition)
        #expect(reaction(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) == .lostPosition)
        #expect(reaction(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) == .configuration)
        #expect(reaction(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) == .configuration)
        #expect(reaction(RD_KAFKA_RESP_ERR__TIMED_OUT) == .restart)
        #expect(reaction(RD_KAFKA_RESP_ERR_NOT_COORDINATOR) == .restart)
    }
}
