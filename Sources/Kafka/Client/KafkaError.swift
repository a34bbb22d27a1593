import CKafka

/// A librdkafka error: the code, what was being done, and whether it ends the producer.
package struct KafkaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The code (`rd_kafka_resp_err_t`): negative for the client's own, positive for the broker's.
    package let code: Int32
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
        code: Int32, operation: String, message: String, isFatal: Bool = false, isRetriable: Bool = false, requiresAbort: Bool = false
    ) {
        self.code = code
        self.operation = operation
        self.message = message
        self.isFatal = isFatal
        self.isRetriable = isRetriable
        self.requiresAbort = requiresAbort
    }

    init(_ code: rd_kafka_resp_err_t, operation: String, detail: String? = nil) {
        self.init(code: code.rawValue, operation: operation, message: detail ?? String(cString: rd_kafka_err2str(code)))
    }

    /// Takes over an error object of librdkafka: it is read and destroyed.
    init(stealing error: OpaquePointer, operation: String) {
        defer { rd_kafka_error_destroy(error) }
        self.init(
            code: rd_kafka_error_code(error).rawValue, operation: operation, message: String(cString: rd_kafka_error_string(error)),
            isFatal: rd_kafka_error_is_fatal(error) != 0, isRetriable: rd_kafka_error_is_retriable(error) != 0,
            requiresAbort: rd_kafka_error_txn_requires_abort(error) != 0)
    }

    /// Takes over what a transactional call returned. One without a flag ends the producer like a fatal one: nothing else is promised to help
    /// (INTRODUCTION.md, "Transactional Producer").
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
    package var isConsequence: Bool {
        matches(
            RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, RD_KAFKA_RESP_ERR__FATAL,
            RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE)
    }

    package static func timedOut(operation: String) -> KafkaError { KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, operation: operation) }

    /// A leader that was just elected may hide records that others have, too.
    package static func hidden(operation: String) -> KafkaError { KafkaError(RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE, operation: operation) }

    /// librdkafka's short name of the code, for example `MSG_SIZE_TOO_LARGE`.
    package var name: String { String(cString: rd_kafka_err2name(rd_kafka_resp_err_t(rawValue: code))) }

    package var description: String { "could not \(operation): \(message) (\(name))" }

    /// The partition's leader is not known yet, or has moved: another try will find it.
    var isLeadership: Bool {
        matches(
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
            RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
    }

    /// There is no such topic, as far as the broker that was asked knows.
    package var isUnknownTopic: Bool { matches(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) }

    /// The account may not do it.
    package var isAuthorization: Bool {
        matches(
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    }

    /// Nobody answered.
    var isSilence: Bool {
        isTimeout || matches(RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__RESOLVE, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
    }

    package var isTimeout: Bool {
        matches(RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT)
    }

    /// The group has begun another generation, or given the member up.
    package var isOfGeneration: Bool {
        matches(
            RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS)
    }

    /// The outcome of a call is open, or it had none yet: the same call has to be made again (rdkafka.h, "retriable" errors).
    package var mayBeCalledAgain: Bool { isRetriable && !isFatal && !requiresAbort }

    func matches(_ codes: rd_kafka_resp_err_t...) -> Bool { codes.contains { $0.rawValue == code } }
}
