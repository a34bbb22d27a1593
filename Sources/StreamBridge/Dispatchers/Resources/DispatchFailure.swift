import Kafka
import Mongo
import Runtime

/// What to do about an error of a dispatcher: the one place that decides, by code (docs/GUARANTEES.md, rule 4).
enum DispatchFailure {
    /// The server may or may not have carried it out: the identical command again, after a delay, until its outcome is
    /// known.
    case retry
    /// Give the session up: a new producer, a new member of the group.
    case restart
    case halt(Halt)

    /// - Parameters:
    ///   - bridge: for the sentences, as `kafka` is.
    init(_ error: any Error, dispatcher: DispatcherSettings, of bridge: String, kafka: KafkaSettings) {
        switch error {
        case let error as MongoError: self.init(mongoDB: error, dispatcher: dispatcher)
        case let error as KafkaError where error.code == .autoOffsetReset || error.code == .offsetOutOfRange:
            self = .halt(
                .lostOffset(
                    of: dispatcher, bridge: bridge, kafka: kafka,
                    reason: "the committed offset of the commands is gone from topic \(dispatcher.commands): \(error)"))
        case is GuardIndex.Missing, is GuardIndex.Changed, is WaitsFor: self = .retry
        case let refused as RecordRefused where refused.error.code == .msgSizeTooLarge:
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
            switch MongoFailures.table[code, .dispatcher] {
            case .retry: self = .retry
            case .halt(let remedy): self = halt(remedy)
            case .missingRight: self = halt(PrivilegeNeed.remedy(granting: PrivilegeNeed.list(PrivilegeNeeds.documents(of: dispatcher))))
            case nil, .lostPosition, .deadLetter: self = halt(StreamFailure.unknownCode)
            }
        }
    }

    var isRetry: Bool { if case .retry = self { true } else { false } }
}

extension Halt {
    /// Commands were deleted before they were read.
    static func lostOffset(of dispatcher: DispatcherSettings, bridge: String, kafka: KafkaSettings, reason: String) -> Halt {
        Halt(
            reason: reason,
            remedy: "Commands were deleted before they were read, or the topic was made anew. Choose where to continue: "
                + "kafka-consumer-groups --bootstrap-server \(kafka.servers) --group \(GroupName.of(dispatcher.name, of: bridge)) "
                + "--topic \(dispatcher.commands) --reset-offsets --to-earliest --execute",
            status: .lostPosition)
    }
}
