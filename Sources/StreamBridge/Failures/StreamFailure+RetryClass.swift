import Kafka
import Mongo
import Runtime

extension StreamFailure {
    /// The class of an error whose reaction is not a halt, wherever it came up.
    static func retryClass(of error: any Error) -> RetryClass {
        switch error {
        case let error as MongoError: retryClass(of: error)
        case let refused as RecordRefused: retryClass(of: refused.error)
        case let error as KafkaError: retryClass(of: error)
        case is ServerLost: .network
        case let wait as WaitsFor: wait.kind
        default: .other
        }
    }

    private static func retryClass(of error: MongoError) -> RetryClass {
        switch error.kind {
        case .network, .serverSelection: .network
        case .server(let code) where elections.contains(code): .election
        case .server(let code) where timeouts.contains(code): .timeout
        case .server(let code) where connections.contains(code): .network
        case .server, .noClient, .authentication, .client, .malformedReply: .other
        }
    }

    /// By librdkafka's names, as in the classification of halts.
    private static func retryClass(of error: KafkaError) -> RetryClass {
        switch error.name {
        case "_TRANSPORT", "_RESOLVE", "_SSL", "_ALL_BROKERS_DOWN", "NETWORK_EXCEPTION", "BROKER_NOT_AVAILABLE": .network
        case "_TIMED_OUT", "_TIMED_OUT_QUEUE", "_MSG_TIMED_OUT", "REQUEST_TIMED_OUT": .timeout
        case "_FENCED", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "_ASSIGNMENT_LOST":
            .fenced
        case "LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION", "NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE",
            "COORDINATOR_LOAD_IN_PROGRESS", "NOT_CONTROLLER", "FENCED_LEADER_EPOCH", "PREFERRED_LEADER_NOT_AVAILABLE",
            "ELIGIBLE_LEADERS_NOT_AVAILABLE":
            .election
        default: .kafka
        }
    }

    /// NotWritablePrimary, PrimarySteppedDown, ShutdownInProgress, InterruptedAtShutdown, InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk,
    /// NotPrimaryOrSecondary (error_codes.yml).
    private static let elections: Set<Int32> = [10107, 189, 91, 11600, 11602, 13435, 13436]
    /// MaxTimeMSExpired, WriteConcernFailed, NetworkTimeout, NetworkInterfaceExceededTimeLimit, ExceededTimeLimit.
    private static let timeouts: Set<Int32> = [50, 64, 89, 202, 262]
    /// HostUnreachable, HostNotFound, SocketException.
    private static let connections: Set<Int32> = [6, 7, 9001]
}
