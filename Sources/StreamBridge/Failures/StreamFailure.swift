import Kafka
import Mongo
import Runtime

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
        case let error as MongoError: self.init(mongoDB: error, stream: stream)
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

    /// - Parameters:
    ///   - stream: for the sentences.
    init(mongoDB error: MongoError, stream: StreamSettings? = nil) {
        func halt(_ remedy: String, _ status: ExitStatus = .configuration) -> StreamFailure {
            .halt(Halt(reason: "\(error)", remedy: remedy, status: status))
        }
        switch error.kind {
        case .network, .serverSelection, .noClient: self = .reopen
        case .authentication: self = halt("Check user, password, authSource and authMechanism in mongodb.uri")
        case .client: self = halt("Check mongodb.uri and the stream's options")
        case .malformedReply: self = halt("The server's reply is not what its protocol promises; please report it", .internalFault)
        case .server(.changeStreamFatalError) where error.message.contains("was modified by the pipeline"): self = halt(Self.changedToken)
        case .server(let code):
            let reaction = MongoFailures.table[code, .stream]
            switch reaction {
            case .halt(let remedy): self = halt(remedy)
            case .missingRight:
                let needs = stream.map { PrivilegeNeed.list([PrivilegeNeeds.changeStream(of: $0)]) }
                self = halt(PrivilegeNeed.remedy(granting: needs ?? "changeStream, find on what is watched"))
            case .lostPosition(let cause): self = halt(cause.remedy, .lostPosition)
            case nil, .retry, .deadLetter:
                if error.labels.contains("NonResumableChangeStreamError") {
                    self = halt("The server says that this stream cannot be resumed; give it another name and a startAt", .lostPosition)
                } else if reaction != nil || error.labels.contains("ResumableChangeStreamError") {
                    self = .reopen
                } else {
                    self = halt(Self.unknownCode)
                }
            }
        }
    }

    /// The halt, if it is one.
    var halt: Halt? {
        if case .halt(let halt) = self { halt } else { nil }
    }

    private static func classify(_ refused: RecordRefused, stream: String? = nil) -> StreamFailure {
        let failure = classify(refused.error)
        guard let halt = failure.halt, refused.error.code == .msgSizeTooLarge else { return failure }
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
                    + "with a pipeline. The stream continues with this record\(Self.leavingOut(refused, of: stream))",
                status: halt.status
            )
        )
    }

    private static func leavingOut(_ refused: RecordRefused, of stream: String?) -> String {
        guard refused.isOfSnapshot, let stream else { return leavingOut(refused.token, of: stream) }
        return ". Or \(stoppingSnapshot(of: stream))"
    }

    /// How to continue behind an event that cannot be published; empty where its token is not known.
    static func leavingOut(_ token: String?, of stream: String?) -> String {
        guard let token, let stream else { return "" }
        return
            ". To leave its event out instead, with what comes before it in its MongoDB transaction if it has one: `bridge positions set "
            + "\(stream) \(token)`, which publishes a record of the gap"
    }

    /// How to continue without a document that a snapshot cannot publish.
    static func stoppingSnapshot(of stream: String) -> String {
        "stop the snapshot, `bridge snapshot stop \(stream)`, send the bridge SIGHUP, and begin another one with a --filter that leaves the document "
            + "out"
    }

    private static func classify(_ error: KafkaError) -> StreamFailure {
        func halt(_ remedy: String) -> StreamFailure { .halt(Halt(reason: "\(error)", remedy: remedy, status: .configuration)) }
        if error.isOfController {
            return halt(
                "Set bootstrap.servers to listeners of brokers: a controller's (process.roles, controller.listener.names) takes no clients")
        }
        switch KafkaFailures.table[error.code, .stream] {
        case .halt(let remedy): return halt(remedy)
        case nil:
            // Whatever else ends a producer or its transaction needs a new one and no people.
            guard error.isFatal || error.requiresAbort || error.isRetriable else {
                return halt("This code is not known to pass; look it up in Kafka's documentation")
            }
            return .restart
        case .retry, .missingRight, .lostPosition, .deadLetter: return .restart
        }
    }

    /// What to do about a pipeline that breaks the token.
    static let changedToken =
        "Leave the events' `_id` as it is: no `_id: 0` in $project, no `_id` in $unset and $set, and in place of $replaceRoot the key "
        + "`content: fullDocument`, which publishes the document alone"

    /// What librdkafka counts on top of key, value and headers when it compares a record with `message.max.bytes`, and
    /// some room.
    private static let recordOverhead = 1024

    static let unknownCode = "This code is not known to be transient; look it up in the server's documentation"

    /// The class of an error whose reaction is not a halt, wherever it came up.
    static func retryClass(of error: any Error) -> RetryClass {
        switch error {
        case let error as MongoError:
            switch error.kind {
            case .network, .serverSelection: .network
            case .server(let code): MongoFailures.table.retryClass(of: code) ?? .other
            case .noClient, .authentication, .client, .malformedReply: .other
            }
        case let refused as RecordRefused: retryClass(of: refused.error)
        case let error as KafkaError: KafkaFailures.table.retryClass(of: error.code) ?? .kafka
        case is ServerLost: .network
        case let wait as WaitsFor: wait.kind
        default: .other
        }
    }
}
