import Logging
import Synchronization

/// Makes sure that a topic exists before anything is produced to it, creating it only when the configuration allows.
///
/// A producer's own metadata request would create a missing topic on a broker with `auto.create.topics.enable`, with the broker's defaults
/// and by accident; so no producer sees a topic's name before it went through here. Thread-safe; calls block.
package final class TopicCatalog: Sendable {
    private let admin: KafkaAdmin
    private let settings: TopicSettings
    private let logger: Logger
    private let known = Mutex<Set<String>>([])

    package init(admin: KafkaAdmin, settings: TopicSettings, logger: Logger) {
        self.admin = admin
        self.settings = settings
        self.logger = logger
    }

    /// - Parameters:
    ///   - partitions: overrides the configured number.
    ///   - config: settings over the configured ones, for example `cleanup.policy`.
    /// - Throws: ``KafkaError`` when it cannot be created, ``MissingTopic`` when it may not be.
    package func ensure(_ topic: String, partitions: Int? = nil, config: [String: String] = [:], timeout: Duration) throws {
        guard !known.withLock({ $0.contains(topic) }) else { return }
        if try admin.topic(topic, timeout: timeout) == nil { try create(topic, partitions: partitions, config: config, timeout: timeout) }
        _ = known.withLock { $0.insert(topic) }
    }

    /// Looks again at the next ``ensure(_:partitions:config:timeout:)``: after an error that says that a topic is gone.
    package func forget() { known.withLock { $0.removeAll() } }

    private func create(_ topic: String, partitions: Int?, config: [String: String], timeout: Duration) throws {
        guard settings.create else { throw MissingTopic(topic: topic, reason: "topics.create is false") }
        let creation = try admin.create(
            topic: topic, partitions: partitions ?? settings.partitions, replicationFactor: settings.replicationFactor,
            config: settings.config.merging(config) { $1 }, timeout: timeout
        )
        switch creation {
        case .created: logger.info("created topic \(topic)", metadata: ["partitions": "\(partitions ?? settings.partitions)"])
        case .existed: break
        case .unsupported:
            throw MissingTopic(topic: topic, reason: "this cluster cannot create topics through the admin API")
        }
    }
}

/// A topic that does not exist and is not created.
package struct MissingTopic: Error, CustomStringConvertible {
    package let topic: String
    package let reason: String
    package var description: String { "topic \(topic) does not exist, and \(reason)" }
}
