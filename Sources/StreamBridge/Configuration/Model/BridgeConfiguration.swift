import Foundation
import Kafka
import Mongo

/// Everything that `bridge.yaml` says, checked and with defaults filled in.
///
/// ``ConfigurationLoader`` makes it; nothing else in the bridge reads YAML or environment variables.
package struct BridgeConfiguration: Sendable, Equatable {
    /// Names this bridge: the prefix of its consumer groups, transactional ids and internal topics.
    package var name: String
    package var mongodb: MongoDBSettings
    package var kafka: KafkaSettings
    package var topics: TopicSettings
    /// May be empty when there is a dispatcher.
    package var streams: [StreamSettings]
    /// May be empty when there is a stream.
    package var dispatchers: [DispatcherSettings] = []
    /// The status page and metrics; nil when the configuration has no `http:`.
    package var http: HTTPSettings? = nil
    package var limits: Limits
    /// How long to try to reach a server at start before giving up.
    package var startupTimeout: Duration
    /// How long a graceful stop may take.
    package var shutdownTimeout: Duration

    /// Bounds on what the process may use.
    package struct Limits: Sendable, Equatable {
        /// Bytes of events between MongoDB and Kafka, over all streams.
        package var memory: Int
    }
}

/// The server's `fullDocument` option, and `batchedLookup`, the bridge's own: one query per batch instead of one per
/// update.
package enum FullDocument: String, Sendable, Equatable, CaseIterable {
    case `default`, updateLookup, batchedLookup, whenAvailable, required

    /// What the server is asked for; nil for its default.
    package var serverMode: String? {
        switch self {
        case .default, .batchedLookup: nil
        case .updateLookup, .whenAvailable, .required: rawValue
        }
    }
}

/// The server's `fullDocumentBeforeChange` option.
package enum FullDocumentBeforeChange: String, Sendable, Equatable, CaseIterable {
    case off, whenAvailable, required
}

/// What a record's key is.
package enum RecordKey: Sendable, Equatable {
    case documentKey
    case none
    case field([String])
}

/// Which part of the change event becomes the value.
package enum RecordContent: String, Sendable, Equatable, CaseIterable {
    case event, fullDocument
}

/// What to do when the stored position can no longer be resumed.
package enum LostPositionPolicy: String, Sendable, Equatable, CaseIterable {
    case halt, oldest, now
}
