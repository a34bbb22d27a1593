import Kafka
import Logging
import Mongo
import Runtime

/// Connects to both sides and looks at them. Changes nothing. Its calls block.
package final class Surveyor: Sendable {
    package let deployment: Deployment
    private let unnamedReplicaSet: String?
    private let pool: MongoClientPool
    private let admin: KafkaAdmin
    private let brokers: Int
    private let stop: StopSignal

    /// One answer of a server may take this long: a person waits.
    private static let patience: Duration = .seconds(10)
    /// Counting is a question for each collection.
    private static let maxCounted = 200

    /// - Throws: ``Unreachable`` with everything that does not answer, ``Halt``.
    init(_ configuration: BridgeConfiguration, stop: StopSignal, logger: Logger) throws {
        self.stop = stop
        let kafka = Result { try Self.reachKafka(configuration, stop, logger) }
        let mongoDB = Result { try Self.reachMongoDB(configuration.mongodb) }
        if let end = Unreachable.ending([kafka.failure, mongoDB.failure].compactMap(\.self).map { OperationFailure.ending($0) }) {
            throw end
        }
        (admin, brokers) = try kafka.get()
        (pool, deployment, unnamedReplicaSet) = try mongoDB.get()
    }

    private static func reachKafka(_ configuration: BridgeConfiguration, _ stop: StopSignal, _ logger: Logger) throws -> (KafkaAdmin, Int) {
        let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
        let topic = InternalTopics.any(of: configuration)
        // Hears a stop while nobody answers.
        _ = try admin.topic(topic, within: patience, stop: stop)
        return (admin, try admin.brokers(askedAbout: topic, timeout: patience).count)
    }

    private static func reachMongoDB(_ settings: MongoDBSettings) throws -> (MongoClientPool, Deployment, String?) {
        let pool = try pool(settings)
        let deployment = try Deployment(of: pool)
        guard let set = deployment.replicaSet, !settings.uri.contains("+srv"), settings.uri.range(ofText: "directConnection") == nil,
            try MongoLogin(uri: settings.uri).mayBeSharded
        else { return (pool, deployment, nil) }
        // The members may have names that are known only among themselves.
        var named = settings
        named.uri = ConnectionURI.adding("replicaSet=\(set)", to: settings.uri)
        guard let whole = try? Self.pool(named), (try? Deployment(of: whole)) == deployment else { return (pool, deployment, nil) }
        return (whole, deployment, set)
    }

    private static func pool(_ settings: MongoDBSettings) throws(MongoError) -> MongoClientPool {
        var pool = MongoClientPool.Settings(settings, appName: "bridge.init")
        pool.socketTimeout = patience
        return try MongoClientPool(pool)
    }

    // MARK: What there is

    /// The collections that have change streams, in order; nil where the account may not list them.
    ///
    /// - Throws: ``MongoError``.
    func collections() throws(MongoError) -> [Namespace]? {
        try WatchedCollections.find(of: .cluster, pool: pool)?.collections.sorted { "\($0)" < "\($1)" }
    }

    /// - Throws: ``Halt`` for what has no change stream; ``MongoError``, ``KafkaError``, ``Stopped``.
    func survey(of scopes: [WatchScope]) throws -> Survey {
        Survey(
            deployment: deployment, unnamedReplicaSet: unnamedReplicaSet, brokers: brokers,
            watched: try scopes.map { try look(at: $0) })
    }

    private func look(at scope: WatchScope) throws -> Survey.Watched {
        var watched = Survey.Watched(scope: scope)
        if let found = try WatchedCollections.find(of: scope, withOptions: true, pool: pool)
            ?? WatchedCollections.find(of: scope, pool: pool)
        {
            if let stranger = StreamReview.strangers(to: scope, in: found).first { throw stranger.halt }
            watched.missing = StreamReview.missing(of: scope, in: found)
            let shown = Set(found.collections)
            let entries = found.entries.filter { shown.contains($0.namespace) }
            let isCounted = entries.count <= Self.maxCounted
            watched.collections = try entries.map { entry in
                Survey.Collection(
                    namespace: entry.namespace, isCapped: entry.isCapped, keepsImages: entry.keepsImages,
                    documents: isCounted ? try count(entry.namespace) : nil)
            }
            let isNothingThere = watched.missing.first.map { "\($0)" } ?? (entries.isEmpty ? "\(scope)" : nil)
            if let name = isNothingThere { watched.similar = try similar(to: name, scope) }
        }
        for namespace in scope.namedCollections {
            let topic = TopicName.render(.ofCollections, for: namespace)
            watched.topics[topic] = try admin.topic(topic, within: Self.patience, stop: stop)?.partitions
        }
        return watched
    }

    private func similar(to name: String, _ scope: WatchScope) throws(MongoError) -> String? {
        let there = try collections() ?? []
        let names = scope.namedCollections.isEmpty ? Set(there.map(\.database)).sorted() : there.map(\.description)
        return NearestName.of(name, among: names)
    }

    private func count(_ namespace: Namespace) throws(MongoError) -> Int64? {
        do throws(MongoError) {
            return try pool.withClient { client throws(MongoError) in
                try client.command(["count": .string(namespace.collection)], on: namespace.database, operation: "count the documents")["n"]?
                    .countValue
            }
        } catch {
            guard error.code == .unauthorized else { throw error }
            return nil
        }
    }
}
