import Kafka
import Mongo

/// What to do about an error: the one place that decides, by code and label (docs/GUARANTEES.md, rule 4).
enum StreamFailure {
    /// Open the change stream again after a delay, from the last batch that was handed over.
    case reopen
    /// Give the session up: a new producer, the position read again, a new change stream.
    case restart
    case halt(Halt)

    /// - Parameters:
    ///   - stream: for the sentences.
    ///   - bridge: the same.
    init(_ error: any Error, stream: StreamSettings, bridge: String = "<name>") {
        switch error {
        case let halt as Halt: self = .halt(halt)
        case let error as MongoError where error.code == Self.unauthorized:
            let needs = PrivilegeNeed.list([PrivilegeNeeds.changeStream(of: stream)])
            self = .halt(Halt(reason: "\(error)", remedy: PrivilegeNeed.remedy(granting: needs), status: .configuration))
        case let error as MongoError: self = StreamFailure(mongoDB: error)
        case is ServerLost: self = .reopen
        case let refused as RecordRefused: self = Self.classify(refused, stream: stream.name)
        case let error as KafkaError: self = Self.classify(error)
        case let missing as MissingTopic: self = .halt(Halt(missing))
        case let error as BSONError:
            self = .halt(
                Halt(
                    reason: "MongoDB sent an event that is not BSON: \(error)", remedy: "Check the server's data files (validate)",
                    status: .internalFault))
        case let error as any HaltingError: self = .halt(error.halt(ofStream: stream.name, bridge: bridge))
        default: self = .halt(.unexpected(error))
        }
    }

    /// An error of Kafka or of a topic, wherever it came up.
    init(kafka error: any Error) {
        switch error {
        case let halt as Halt: self = .halt(halt)
        case let refused as RecordRefused: self = Self.classify(refused)
        case let error as KafkaError: self = Self.classify(error)
        case let missing as MissingTopic: self = .halt(Halt(missing))
        default: self = .halt(.unexpected(error))
        }
    }

    /// Source of the codes: the drivers' change-streams specification, "Resumable Error", and the server's error_codes.yml.
    init(mongoDB error: MongoError) {
        self = Self.classify(error)
    }

    /// The halt, if it is one.
    var halt: Halt? {
        if case .halt(let halt) = self { halt } else { nil }
    }

    private static let unauthorized: Int32 = 13

    private static func classify(_ error: MongoError) -> StreamFailure {
        func halt(_ remedy: String, _ status: ExitStatus = .configuration) -> StreamFailure {
            .halt(Halt(reason: "\(error)", remedy: remedy, status: status))
        }
        switch error.kind {
        case .network, .serverSelection, .noClient: return .reopen
        case .authentication: return halt("Check user, password, authSource and authMechanism in mongodb.uri")
        case .client: return halt("Check mongodb.uri and the stream's options")
        case .malformedReply: return halt("The server's reply is not what its protocol promises; please report it", .internalFault)
        case .server(let code):
            switch code {
            case _ where LostPositionCodes.forgotten.contains(code):
                return halt(
                    "The oplog no longer has this place: events are missing. Keep a larger oplog (replSetResizeOplog); to go on with a gap, "
                        + "give the stream another name and a startAt",
                    .lostPosition
                )
            case 280 where error.message.contains("was modified by the pipeline"):
                return halt(changedToken)
            case _ where LostPositionCodes.unreadable.contains(code):
                return halt(
                    "This is not a whole resume token: it is cut off, mistyped, or was written by something else. Give all of it, as the header "
                        + "mongodb.token has it, with what follows a colon; or a time, or `oldest`",
                    .lostPosition)
            case _ where LostPositionCodes.refused.contains(code):
                return halt(
                    "The server does not accept the position: it belongs to another deployment, or the pipeline hides its event or changes "
                        + "its _id. Put the pipeline back as it was, with _id untouched, or give the stream another name and a startAt",
                    .lostPosition
                )
            case 10334:
                return halt(
                    "An event is larger than 16 MB. MongoDB 6.0.9, 7.0 and later split such events, and the bridge joins them again: upgrade "
                        + "the server, and the stream continues with this event. Or leave large fields out with a $project stage, or use "
                        + "fullDocument: default and fullDocumentBeforeChange: off")
            case 13548:
                return halt(
                    "An event is larger than 64 MB, which MongoDB cannot split: leave large fields out with a $project stage. The stream goes on "
                        + "with this event")
            case 47:
                return halt(
                    "The collection has no pre- or post-image of this change: set changeStreamPreAndPostImages on it, or use whenAvailable")
            case unauthorized:
                return halt("Grant the account changeStream, find on what is watched: \(PrivilegeNeed.advice)")
            case 166:
                return halt(
                    "Watch collections: views and time-series collections have no change stream. Of a view, watch those that it reads from")
            case 391: return .reopen
            case 40573:
                return halt(
                    "Change streams need a replica set, because they read its oplog: start mongod with --replSet and run rs.initiate(); "
                        + "one member is enough")
            case 40324, 40415, 9, 14, 2, 20, 168, 72, 73, 17276, 40323, 31441, 16436:
                return halt("Check the stream's pipeline and options against the version of the server")
            case 148: return halt("Change streams need majority read concern: remove enableMajorityReadConcern: false")
            case 376: return halt("Enable change streams on the deployment")
            default: break
            }
            if error.labels.contains("NonResumableChangeStreamError") {
                return halt("The server says that this stream cannot be resumed; give it another name and a startAt", .lostPosition)
            }
            if error.labels.contains("ResumableChangeStreamError") || Self.transient.contains(code) { return .reopen }
            return halt("This code is not known to be transient; look it up in the server's documentation")
        }
    }

    /// Codes that pass: elections, shutdowns, killed cursors and operations, overload, sharding metadata that moves.
    fileprivate static let transient: Set<Int32> = [
        6, 7, 26, 43, 50, 63, 89, 91, 94, 112, 133, 134, 150, 175, 189, 202, 211, 222, 234, 237, 246, 262, 290, 317, 346, 351, 384, 402,
        407, 433, 449, 462,
        9001, 10107, 11600, 11601, 11602, 13388, 13435, 13436,
    ]

    private static func classify(_ refused: RecordRefused, stream: String? = nil) -> StreamFailure {
        let failure = classify(refused.error)
        guard let halt = failure.halt, refused.error.name == "MSG_SIZE_TOO_LARGE" else { return failure }
        guard refused.index != nil else {
            return .halt(
                Halt(
                    reason: "topic \(refused.topic) refused a batch as too large; its first record has \(refused.size) bytes, key "
                        + "\(refused.key ?? "none")",
                    remedy: "Raise max.message.bytes of the topic to at least kafka.message.max.bytes, or lower kafka.batch.size below the "
                        + "topic's limit. The stream continues with this record",
                    status: halt.status
                )
            )
        }
        return .halt(
            Halt(
                reason:
                    "a record of \(refused.size) bytes for topic \(refused.topic), key \(refused.key ?? "none"), is larger than Kafka takes",
                remedy:
                    "Raise kafka.message.max.bytes to at least \(refused.size + Self.recordOverhead) and start the bridge again, and max.message.bytes of the topic; or make the events smaller "
                    + "with a pipeline. The stream continues with this record\(Self.leavingOut(refused.token, of: stream))",
                status: halt.status
            )
        )
    }

    /// How to go on behind an event that cannot be published; empty where its token is not known.
    static func leavingOut(_ token: String?, of stream: String?) -> String {
        guard let token, let stream else { return "" }
        return
            ". To leave its event out instead, with what comes before it in its MongoDB transaction if it has one: `bridge positions set "
            + "\(stream) \(token)`, which publishes a record of the gap"
    }

    /// By librdkafka's names (`rd_kafka_err2name`), because only the folder Kafka/ may import its constants.
    private static func classify(_ error: KafkaError) -> StreamFailure {
        func halt(_ remedy: String) -> StreamFailure { .halt(Halt(reason: "\(error)", remedy: remedy, status: .configuration)) }
        switch error.name {
        case "MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE": return halt("Raise kafka.message.max.bytes and the topic's max.message.bytes")
        case "TOPIC_AUTHORIZATION_FAILED":
            return halt(KafkaNeed.remedy(granting: "Describe, Write (Read where it reads) and, with topics.create, Create on the topic"))
        case "CLUSTER_AUTHORIZATION_FAILED":
            return halt(KafkaNeed.remedy(granting: "IdempotentWrite on the cluster and, with topics.create, Create"))
        case "GROUP_AUTHORIZATION_FAILED": return halt(KafkaNeed.remedy(granting: "Read on the bridge's groups, bridge.<name>.*"))
        case "TRANSACTIONAL_ID_AUTHORIZATION_FAILED":
            return halt(
                KafkaNeed.remedy(granting: "Describe and Write on the bridge's transactional ids, bridge.<name>.*")
                    + ". Or use delivery: at-least-once")
        case "INVALID_TRANSACTION_TIMEOUT":
            return halt(transactionTimeoutRemedy)
        case "INVALID_SESSION_TIMEOUT": return halt(sessionTimeoutRemedy)
        case "TOPIC_EXCEPTION":
            return halt(
                "Choose another topic name: Kafka takes letters, digits, `.`, `_` and `-`, at most 249 of them, and no name that differs from another "
                    + "topic's in `.` and `_` alone")
        case "_INVALID_ARG", "INVALID_CONFIG": return halt("Check kafka and topics in the configuration")
        case "INVALID_PARTITIONS", "INVALID_REPLICATION_FACTOR", "INVALID_REPLICA_ASSIGNMENT", "POLICY_VIOLATION":
            return halt(
                "Set topics.partitions and topics.replicationFactor to what the cluster allows (brokers before Kafka 2.4 want a "
                    + "replicationFactor), or create the topic yourself")
        case _ where error.isOfController:
            return halt(
                "Set bootstrap.servers to listeners of brokers: a controller's (process.roles, controller.listener.names) takes no clients")
        case "UNSUPPORTED_FOR_MESSAGE_FORMAT", "INVALID_REQUIRED_ACKS", "UNSUPPORTED_COMPRESSION_TYPE", "_UNSUPPORTED_FEATURE",
            "UNSUPPORTED_VERSION":
            return halt("The broker or the topic is too old for idempotent producing: Kafka 0.11 or later is needed")
        case "INVALID_RECORD":
            return halt(
                "The broker refuses such records by the topic's settings: cleanup.policy=compact wants a key, which events such as drop and "
                    + "invalidate have not; leave them out with the stage "
                    + "{$match: {operationType: {$in: [insert, update, replace, delete]}}}")
        case "INVALID_TIMESTAMP":
            return halt(
                "Raise the topic's message.timestamp.before.max.ms (or after.max.ms): a record has the cluster time of its event, and the topic bounds how far "
                    + "that may be from now")
        // Whatever else ends a producer or its transaction needs a new one and no people. What is above would be refused again.
        case _ where error.isFatal || error.requiresAbort || error.isRetriable: return .restart
        case let name where passing.contains(name): return .restart
        default: return halt("This code is not known to pass; look it up in Kafka's documentation")
        }
    }

    /// What to do about a pipeline that breaks the token.
    static let changedToken =
        "Leave the events' `_id` as it is: no `_id: 0` in $project, no `_id` in $unset and $set, and in place of $replaceRoot the key "
        + "`content: fullDocument`, which publishes the document alone"

    static let transactionTimeoutRemedy = "Set kafka.producer.transaction.timeout.ms to at most transaction.max.timeout.ms of the brokers"
    static let sessionTimeoutRemedy =
        "Set kafka.consumer.session.timeout.ms to what the brokers allow: group.min.session.timeout.ms to group.max.session.timeout.ms"

    /// What librdkafka counts on top of key, value and headers when it compares a record with `message.max.bytes`, and some room.
    private static let recordOverhead = 1024

    /// Errors that pass: connections, elections, brokers that start or stop, a topic that is being created again, a session's own end.
    private static let passing: Set<String> = [
        "_TRANSPORT", "_TIMED_OUT", "_TIMED_OUT_QUEUE", "_MSG_TIMED_OUT", "_ALL_BROKERS_DOWN", "_RESOLVE", "_SSL", "_AUTHENTICATION",
        "_WAIT_COORD",
        "_WAIT_CACHE", "_IN_PROGRESS", "_PREV_IN_PROGRESS", "_STATE", "_FATAL", "_FENCED", "_GAPLESS_GUARANTEE", "_PURGE_QUEUE",
        "_PURGE_INFLIGHT",
        "_QUEUE_FULL", "_RETRY", "_DESTROY", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION", "_AUTO_OFFSET_RESET",
        "_NO_OFFSET",
        "_BAD_MSG", "_OUTDATED", "_INCONSISTENT", "_MAX_POLL_EXCEEDED",
        "UNKNOWN", "UNKNOWN_SERVER_ERROR", "UNKNOWN_TOPIC_OR_PART", "LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION", "REQUEST_TIMED_OUT",
        "BROKER_NOT_AVAILABLE", "REPLICA_NOT_AVAILABLE", "NETWORK_EXCEPTION", "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE",
        "NOT_COORDINATOR", "NOT_CONTROLLER", "NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "KAFKA_STORAGE_ERROR",
        "OUT_OF_ORDER_SEQUENCE_NUMBER", "DUPLICATE_SEQUENCE_NUMBER", "UNKNOWN_PRODUCER_ID", "INVALID_PRODUCER_EPOCH",
        "INVALID_MSG", "OFFSET_OUT_OF_RANGE", "FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH", "LISTENER_NOT_FOUND", "OFFSET_NOT_AVAILABLE",
        "PREFERRED_LEADER_NOT_AVAILABLE", "THROTTLING_QUOTA_EXCEEDED", "UNSTABLE_OFFSET_COMMIT", "STALE_CTRL_EPOCH",
        "REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "CONCURRENT_TRANSACTIONS", "PRODUCER_FENCED",
        "INVALID_PRODUCER_ID_MAPPING", "OPERATION_NOT_ATTEMPTED",
        // A broker that checks whether a partition belongs to the transaction says so of one that it has given up meanwhile.
        "INVALID_TXN_STATE", "TRANSACTION_COORDINATOR_FENCED",
        "_ISR_INSUFF", "_NODE_UPDATE", "_UNKNOWN_BROKER", "_CRIT_SYS_RESOURCE", "_ASSIGNMENT_LOST", "MEMBER_ID_REQUIRED",
        "FETCH_SESSION_ID_NOT_FOUND", "INVALID_FETCH_SESSION_EPOCH", "STALE_BROKER_EPOCH", "REASSIGNMENT_IN_PROGRESS",
        "ELIGIBLE_LEADERS_NOT_AVAILABLE", "LOG_DIR_NOT_FOUND",
    ]
}

extension MongoError {
    /// The server's code says that another try may succeed.
    var passes: Bool { code.map { StreamFailure.transient.contains($0) } ?? false }
}
