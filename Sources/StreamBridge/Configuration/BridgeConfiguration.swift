import Foundation
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
    package var limits: Limits
    /// How long to try to reach a server at start before giving up.
    package var startupTimeout: Duration
    /// How long a graceful stop may take.
    package var shutdownTimeout: Duration
    /// The status page and metrics; nil when the configuration has no `http:`.
    package var http: HTTPSettings? = nil

    /// Bounds on what the process may use.
    package struct Limits: Sendable, Equatable {
        /// Bytes of events between MongoDB and Kafka, over all streams.
        package var memory: Int
    }
}

/// How to reach MongoDB.
package struct MongoDBSettings: Sendable, Equatable {
    /// A driver URI; may hold credentials, so it is printed only through ``redactedURI``.
    package var uri: String
    package var maxPoolSize: Int
    package var serverSelectionTimeout: Duration
    package var writeConcern: WriteConcern

    package typealias WriteConcern = Mongo.WriteConcern
}

/// librdkafka properties, verbatim.
package struct KafkaSettings: Sendable, Equatable {
    /// For every client.
    package var common: [String: String]
    /// For producers only, over `common`.
    package var producer: [String: String]
    /// For consumers only, over `common`.
    package var consumer: [String: String]

    /// The addresses of the first contact, `host:port` with commas; empty when only `producer` and `consumer` have them.
    var servers: String { common["bootstrap.servers"] ?? common["metadata.broker.list"] ?? "" }
}

/// For topics that the bridge creates.
package struct TopicSettings: Sendable, Equatable {
    package var create: Bool
    package var partitions: Int
    /// ``brokersDefault``, or a number.
    package var replicationFactor: Int
    package var config: [String: String]
}

extension TopicSettings {
    /// The replicas that the broker gives a topic for which none are asked for (`default.replication.factor`), in Kafka's own notation
    /// (CreateTopics since 2.4).
    package static let brokersDefault = -1
}

/// One change stream and where its events go.
package struct StreamSettings: Sendable, Equatable {
    package var name: String
    package var watch: WatchScope
    /// The aggregation stages as one Extended JSON array.
    package var pipeline: String
    package var fullDocument: FullDocument
    package var fullDocumentBeforeChange: FullDocumentBeforeChange
    package var showExpandedEvents: Bool
    package var startAt: StartPoint
    package var topic: TextTemplate
    package var key: RecordKey
    package var format: RecordFormat
    package var content: RecordContent
    package var tombstones: Bool
    package var delivery: Delivery
    package var onLostPosition: LostPositionPolicy
}

/// What a change stream watches.
package enum WatchScope: Sendable, Equatable {
    case collection(Namespace)
    /// Several collections through one stream on their database, or on the cluster when they live in several databases.
    case collections([Namespace])
    case database(String)
    case cluster
}

/// The server's `fullDocument` option, and `batchedLookup`, the bridge's own: one query per batch instead of one per update.
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

/// Where a stream begins when no position is stored.
package enum StartPoint: Sendable, Equatable, CustomStringConvertible {
    case now
    case oldest
    /// Seconds since 1970.
    case time(seconds: UInt32)
    case clusterTime(seconds: UInt32, increment: UInt32)
    /// A resume token's text, as the header `mongodb.token` has it.
    case token(String)

    package var description: String {
        switch self {
        case .now: "now"
        case .oldest: "the oldest oplog entry"
        case .time(let seconds): "time \(Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601))"
        case .clusterTime(let seconds, let increment): "cluster time \(seconds).\(increment)"
        case .token(let data): "token \(data)"
        }
    }
}

/// What a record's key is.
package enum RecordKey: Sendable, Equatable {
    case documentKey
    case none
    case field([String])
}

/// How a record's value is written.
package enum RecordFormat: Sendable, Equatable {
    case relaxed, canonical, simple, bson
    case template(TextTemplate)
}

/// Which part of the change event becomes the value.
package enum RecordContent: String, Sendable, Equatable, CaseIterable {
    case event, fullDocument
}

/// What to do when the stored position can no longer be resumed.
package enum LostPositionPolicy: String, Sendable, Equatable, CaseIterable {
    case halt, oldest, now
}
