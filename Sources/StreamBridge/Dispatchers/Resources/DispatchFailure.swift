import Kafka
import Mongo
import Runtime

/// What to do about an error of a dispatcher: the one place that decides, by code (docs/GUARANTEES.md, rule 4).
///
/// Source of the codes: the server's error_codes.yml, and the drivers' specification of retryable writes.
enum DispatchFailure {
    /// The server may or may not have carried it out: the identical command again, after a delay, until its outcome is known.
    case retry
    /// Give the session up: a new producer, a new member of the group.
    case restart
    case halt(Halt)

    /// - Parameters:
    ///   - bridge: for the sentences, as `kafka` is.
    init(_ error: any Error, dispatcher: DispatcherSettings, of bridge: String, kafka: KafkaSettings) {
        switch error {
        case let error as MongoError: self.init(mongoDB: error, dispatcher: dispatcher)
        case let error as KafkaError where error.name == "_AUTO_OFFSET_RESET" || error.name == "OFFSET_OUT_OF_RANGE":
            self = .halt(
                .lostOffset(
                    of: dispatcher, bridge: bridge, kafka: kafka,
                    reason: "the committed offset of the commands is gone from topic \(dispatcher.commands): \(error)"))
        case is GuardIndex.Missing, is GuardIndex.Changed, is WaitsFor: self = .retry
        case let refused as RecordRefused where refused.error.name == "MSG_SIZE_TOO_LARGE":
            self = .halt(
                Halt(
                    reason:
                        "a record of \(refused.size) bytes for topic \(refused.topic), key \(refused.key ?? "none"), is larger than Kafka takes",
                    remedy:
                        "A dead letter is its command and the headers that say why. Raise max.message.bytes of \(refused.topic) by some KiB over "
                        + "that of \(dispatcher.commands), and kafka.producer.message.max.bytes where it is set",
                    status: .configuration))
        default:
            switch StreamFailure(kafka: error) {
            case .reopen: self = .retry
            case .restart: self = .restart
            case .halt(let halt): self = .halt(halt)
            }
        }
    }

    /// A command that failed as a whole, or whose write concern did.
    init(mongoDB error: MongoError, dispatcher: DispatcherSettings) {
        func halt(_ remedy: String, _ status: ExitStatus = .configuration) -> DispatchFailure {
            .halt(Halt(reason: "\(error)", remedy: remedy, status: status))
        }
        switch error.kind {
        case .network, .serverSelection, .noClient: self = .retry
        case .authentication: self = halt("Check user, password, authSource and authMechanism in mongodb.uri")
        case .client: self = halt("Check mongodb.uri")
        case .malformedReply: self = halt("The server's reply is not what its protocol promises; please report it", .internalFault)
        case .server(let code):
            switch code {
            case 13, 391:
                self = halt(PrivilegeNeed.remedy(granting: PrivilegeNeed.list(PrivilegeNeeds.documents(of: dispatcher))))
            case 79, 100: self = halt("Correct mongodb.writeConcern: the replica set has no members that could satisfy it")
            case 72, 73: self = halt("Correct the dispatcher's collection and mongodb.writeConcern")
            case _ where error.passes || Self.passingWrites.contains(code): self = .retry
            default: self = halt("This code is not known to be transient; look it up in the server's documentation")
            }
        }
    }

    var isRetry: Bool { if case .retry = self { true } else { false } }

    /// Codes of writes that pass: a write concern that was not met in time, a transaction that has to run again, a snapshot that is too old,
    /// a server without room, or one that takes no writes for now.
    static let passingWrites: Set<Int32> = [64, 24, 46, 225, 239, 251, 256, 263, 14031, 371]
}

extension Halt {
    /// Commands were deleted before they were read.
    static func lostOffset(of dispatcher: DispatcherSettings, bridge: String, kafka: KafkaSettings, reason: String) -> Halt {
        Halt(
            reason: reason,
            remedy: "Commands were deleted before they were read, or the topic was made anew. Choose where to go on: "
                + "kafka-consumer-groups --bootstrap-server \(kafka.servers) --group \(GroupName.of(dispatcher.name, of: bridge)) "
                + "--topic \(dispatcher.commands) --reset-offsets --to-earliest --execute",
            status: .lostPosition)
    }
}
