import CKafka

/// A librdkafka error: the code, what was being done, and whether it ends the producer.
package struct KafkaError: Error, Sendable, Equatable, CustomStringConvertible {
    package let code: Code
    /// What was being done, as a phrase: "create topic fruits".
    package let operation: String
    package let message: String
    /// The producer is finished and must be replaced (INTRODUCTION.md, "Fatal errors").
    package let isFatal: Bool
    /// The same call may succeed when it is made again.
    package let isRetriable: Bool
    /// The open transaction has to be aborted.
    package let requiresAbort: Bool

    package init(
        code: Code, operation: String, message: String, isFatal: Bool = false, isRetriable: Bool = false, requiresAbort: Bool = false
    ) {
        self.code = code
        self.operation = operation
        self.message = message
        self.isFatal = isFatal
        self.isRetriable = isRetriable
        self.requiresAbort = requiresAbort
    }

    init(_ code: rd_kafka_resp_err_t, operation: String, detail: String? = nil) {
        self.init(code: Code(code), operation: operation, message: detail ?? String(cString: rd_kafka_err2str(code)))
    }

    /// Takes over an error object of librdkafka: it is read and destroyed.
    init(stealing error: OpaquePointer, operation: String) {
        defer { rd_kafka_error_destroy(error) }
        self.init(
            code: Code(rd_kafka_error_code(error)), operation: operation, message: String(cString: rd_kafka_error_string(error)),
            isFatal: rd_kafka_error_is_fatal(error) != 0, isRetriable: rd_kafka_error_is_retriable(error) != 0,
            requiresAbort: rd_kafka_error_txn_requires_abort(error) != 0)
    }

    /// Takes over what a transactional call returned. One without a flag ends the producer like a fatal one: nothing
    /// else is promised to help (INTRODUCTION.md, "Transactional Producer").
    init(stealingFromTransaction error: OpaquePointer, operation: String) {
        let found = KafkaError(stealing: error, operation: operation)
        self.init(
            code: found.code, operation: operation, message: found.message,
            isFatal: found.isFatal || !(found.isRetriable || found.requiresAbort), isRetriable: found.isRetriable,
            requiresAbort: found.requiresAbort)
    }

    static func invalid(_ detail: String) -> KafkaError {
        KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, operation: "configure the Kafka client", detail: detail)
    }

    private static let controller = "the server is a KRaft controller, not a broker"

    /// A server that answers no questions about topics: every broker does.
    static func controller(operation: String) -> KafkaError {
        KafkaError(RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, operation: operation, detail: controller)
    }

    package var isOfController: Bool { message == Self.controller }

    /// The topic is there, but the broker that was asked does not know it yet, or not any more.
    package static func unknownTopic(_ topic: String) -> KafkaError {
        KafkaError(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, operation: "look at topic \(topic)")
    }

    /// A record that was given up only because another one was refused, or because its session ended.
    package var isConsequence: Bool { matches(.purgeQueue, .purgeInflight, .fatal, .gaplessGuarantee) }

    package static func timedOut(operation: String) -> KafkaError { KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, operation: operation) }

    /// A leader that was just elected may hide records that others have, too.
    package static func hidden(operation: String) -> KafkaError { KafkaError(RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE, operation: operation) }

    package var description: String { "could not \(operation): \(message) (\(code))" }

    /// The partition's leader is not known yet, or has moved: another try will find it.
    var isLeadership: Bool { isUnknownTopic || matches(.notLeaderForPartition, .leaderNotAvailable, .unknownPartition) }

    /// There is no such topic, as far as the broker that was asked knows.
    package var isUnknownTopic: Bool { matches(.unknownTopicOrPart, .unknownTopic) }

    /// The account may not do it.
    package var isAuthorization: Bool {
        matches(
            .topicAuthorizationFailed, .groupAuthorizationFailed, .clusterAuthorizationFailed, .transactionalIdAuthorizationFailed)
    }

    /// Nobody answered.
    var isSilence: Bool { isTimeout || matches(.transport, .resolve, .allBrokersDown) }

    package var isTimeout: Bool { matches(.timedOut, .timedOutQueue, .requestTimedOut) }

    /// The group has begun another generation, or given the member up.
    package var isOfGeneration: Bool { matches(.illegalGeneration, .unknownMemberId, .fencedInstanceId, .rebalanceInProgress) }

    /// The outcome of a call is open, or it had none yet: the same call has to be made again (rdkafka.h, "retriable"
    /// errors).
    package var mayBeCalledAgain: Bool { isRetriable && !isFatal && !requiresAbort }

    func matches(_ codes: Code...) -> Bool { codes.contains(code) }
}
