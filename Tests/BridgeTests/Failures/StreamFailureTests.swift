import CKafka
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct StreamFailureTests {
    enum Reaction: String { case reopen, restart, configuration, lostPosition, internalFault }

    private func reaction(to error: any Error) -> Reaction {
        switch StreamFailure(error, stream: .sample()) {
        case .reopen: return .reopen
        case .restart: return .restart
        case .halt(let halt):
            #expect(!halt.reason.isEmpty)
            #expect(!halt.remedy.isEmpty)
            switch halt.status {
            case .configuration: return .configuration
            case .lostPosition: return .lostPosition
            case .internalFault: return .internalFault
            case let other:
                Issue.record("a stream halts with \(other)")
                return .internalFault
            }
        }
    }

    private func server(_ code: MongoError.Code, labels: [String] = []) -> MongoError {
        MongoError(kind: .server(code: code), operation: "read the change stream", message: "the server's sentence", labels: labels)
    }

    // MARK: MongoDB

    /// The drivers' change-streams specification, "Resumable Error", for servers before 4.4, which send no label.
    @Test(arguments: [6, 7, 63, 89, 91, 133, 150, 189, 234, 262, 9001, 10107, 11600, 11602, 13388, 13435, 13436] as [MongoError.Code])
    func theDriversListOfResumableCodesIsResumed(_ code: MongoError.Code) {
        #expect(reaction(to: server(code)) == .reopen)
        #expect(reaction(to: server(code, labels: ["ResumableChangeStreamError"])) == .reopen)
    }

    @Test(
        arguments: [
            // CursorNotFound, MaxTimeMSExpired, QueryPlanKilled, CursorKilled, Interrupted
            43, 50, 175, 237, 11601,
            // WriteConflict, timeouts, overload
            112, 202, 290, 317, 365, 384, 402, 407, 433, 449, 450, 462,
            // Resharding, another server's error that passes, a change of the feature compatibility version
            453, 91331, 10_045_600,
            // ReadConcernMajorityNotAvailableYet, the ways in which a stream is closed, ReauthenticationRequired
            134, 222, 346, 351, 391,
        ] as [MongoError.Code])
    func whatPassesIsTriedAgain(_ code: MongoError.Code) { #expect(reaction(to: server(code)) == .reopen) }

    @Test(
        arguments: [
            286, 136, 464, 40576, 40615,  // history lost
            280, 260, 40585,  // a token that is not accepted
            50811, 50816, 15, 40647, 40649,  // no token
        ] as [MongoError.Code])
    func aLostPositionHaltsWithItsStatus(_ code: MongoError.Code) {
        #expect(reaction(to: server(code)) == .lostPosition)
        // The server's word against the list: a lost position stays lost.
        #expect(reaction(to: server(code, labels: ["ResumableChangeStreamError"])) == .lostPosition)
    }

    @Test(
        arguments: [
            10334,  // BSONObjectTooLarge
            47,  // NoMatchingDocument: a required image is missing
            13,  // Unauthorized
            20, 40324, 168, 40415, 9,  // stages and options that the server does not take
            40573,  // not a replica set
            148,  // ReadConcernMajorityNotEnabled
            376,  // ChangeStreamNotEnabled
            99_999,  // unknown
        ] as [MongoError.Code])
    func whatPeopleMustMendHalts(_ code: MongoError.Code) { #expect(reaction(to: server(code)) == .configuration) }

    @Test func aLabelDecidesAboutAnUnknownCode() {
        #expect(reaction(to: server(99_999, labels: ["ResumableChangeStreamError"])) == .reopen)
        #expect(reaction(to: server(99_999, labels: ["NonResumableChangeStreamError"])) == .lostPosition)
        #expect(reaction(to: server(6, labels: ["NonResumableChangeStreamError"])) == .lostPosition)
    }

    @Test(
        arguments: [
            (.network, .reopen), (.serverSelection, .reopen), (.authentication, .configuration), (.client, .configuration),
            (.malformedReply, .internalFault),
        ] as [(MongoError.Kind, Reaction)])
    func theDriversOwnErrors(_ kind: MongoError.Kind, _ expected: Reaction) {
        #expect(reaction(to: MongoError(kind: kind, operation: "o", message: "m")) == expected)
    }

    // MARK: Kafka

    @Test(arguments: [
        RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,
        RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
        RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE, RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__PURGE_QUEUE,
        RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
        // The next session looks at the topic again, and creates it or halts.
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
    ])
    func whatAnotherProducerMayMendStartsASession(_ code: rd_kafka_resp_err_t) {
        #expect(reaction(to: KafkaError(code, operation: "o")) == .restart)
        #expect(reaction(to: KafkaError(code: KafkaError.Code(code), operation: "o", message: "m", isFatal: true)) == .restart)
        #expect(reaction(to: refused(code)) == .restart)
    }

    @Test(arguments: [
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS,
        RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE,
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR_INVALID_PARTITIONS,
        RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, RD_KAFKA_RESP_ERR_POLICY_VIOLATION, RD_KAFKA_RESP_ERR_INVALID_CONFIG,
        RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
        // What the broker will refuse however often it is sent: a null key for a compacted topic, a time out of its
        // bounds.
        RD_KAFKA_RESP_ERR_INVALID_RECORD, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP,
    ])
    func whatNoProducerCanMendHalts(_ code: rd_kafka_resp_err_t) {
        #expect(reaction(to: KafkaError(code, operation: "o")) == .configuration)
        #expect(reaction(to: refused(code)) == .configuration)
    }

    @Test(arguments: [RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, RD_KAFKA_RESP_ERR__INCONSISTENT])
    func aProducerThatIsFinishedIsReplacedWhateverFinishedIt(_ code: rd_kafka_resp_err_t) {
        #expect(reaction(to: KafkaError(code: KafkaError.Code(code), operation: "o", message: "m", isFatal: true)) == .restart)
    }

    @Test func aCodeThatNobodyKnowsHaltsRatherThanBeingTriedForEver() {
        #expect(reaction(to: KafkaError(code: 9_999, operation: "o", message: "m")) == .configuration)
    }

    @Test func aBatchThatItsTopicRefusesIsNotBlamedOnOneRecord() throws {
        let error = KafkaError(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, operation: "o")
        let halt = try #require(
            StreamFailure(RecordRefused(error: error, topic: "mongo.a", key: "k-1", size: 70, index: nil), stream: .sample()).halt)
        #expect(halt.reason.contains("batch"))
        #expect(halt.remedy.contains("batch.size"))
    }

    /// An idempotent producer that may not write to the cluster is told so as a fatal error; a new one would be told
    /// the same, for ever.
    @Test(arguments: [
        RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
    ])
    func whatWouldBeRefusedAgainHaltsEvenAsTheEndOfAProducerOrOfATransaction(_ code: rd_kafka_resp_err_t) {
        #expect(reaction(to: KafkaError(code: KafkaError.Code(code), operation: "o", message: "m", isFatal: true)) == .configuration)
        #expect(reaction(to: KafkaError(code: KafkaError.Code(code), operation: "o", message: "m", requiresAbort: true)) == .configuration)
    }

    /// librdkafka says that it can be aborted and tried again, whatever the code.
    @Test(arguments: [RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, RD_KAFKA_RESP_ERR__INCONSISTENT])
    func aTransactionThatHasToBeAbortedStartsASession(_ code: rd_kafka_resp_err_t) {
        #expect(reaction(to: KafkaError(code: KafkaError.Code(code), operation: "o", message: "m", requiresAbort: true)) == .restart)
    }

    @Test func aRecordThatIsTooLargeIsNamedWithTopicKeyAndSize() throws {
        let error = RecordRefused(
            error: KafkaError(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, operation: "o"), topic: "mongo.a", key: "k-1", size: 1_234_567, index: 0
        )
        let halt = try #require(StreamFailure(error, stream: .sample()).halt)
        for part in ["1234567 bytes", "mongo.a", "k-1"] { #expect(halt.reason.contains(part)) }
        #expect(halt.remedy.contains("message.max.bytes"))
        #expect(halt.remedy.contains("max.message.bytes"))
    }

    private func refused(_ code: rd_kafka_resp_err_t) -> RecordRefused {
        RecordRefused(error: KafkaError(code, operation: "o"), topic: "t", key: nil, size: 10, index: nil)
    }

    // MARK: The bridge's own

    @Test(
        arguments: [
            (MissingTopic(topic: "mongo.a", partitions: nil, config: [:], reason: "topics.create is false"), .configuration, "mongo.a"),
            (PositionError.unreadable("it is not JSON"), .lostPosition, "not JSON"),
            (PositionError.otherReplicaSet(stored: "rs0", connected: "rs1"), .lostPosition, "rs1"),
            (PositionError.backwards(stored: "B", offered: "A"), .lostPosition, "A after B"),
            (BSONError(.truncated, at: 7), .internalFault, "byte 7"),
            (Halt(reason: "because", remedy: "so", status: .internalFault), .internalFault, "because"),
            (CancellationError(), .internalFault, "Cancellation"),
        ] as [(any Error, Reaction, String)])
    func itsOwnErrorsHaltWithTheirReason(_ error: any Error, _ expected: Reaction, _ part: String) throws {
        #expect(reaction(to: error) == expected)
        #expect(try #require(StreamFailure(error, stream: .sample()).halt).reason.contains(part))
    }

    @Test func aLostPositionIsGraverThanAConfigurationAndAServerThatIsAwayExplainsBoth() {
        #expect(ExitStatus.gravest(of: [.configuration, .internalFault, .lostPosition, .configuration]) == .lostPosition)
        #expect(ExitStatus.gravest(of: [.configuration, .lostPosition, .unreachable]) == .unreachable)
        #expect(ExitStatus.gravest(of: []) == nil)
    }
}
