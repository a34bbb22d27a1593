import Logging
import Runtime
import Synchronization

/// Makes sure that a topic exists before anything is produced to it, creating it only when the configuration allows.
///
/// No client of the bridge lets a broker with `auto.create.topics.enable` create what it asks about, so a topic that
/// did not go through here is not there. Thread-safe; calls block.
package final class TopicCatalog: Sendable {
    private let admin: KafkaAdmin
    private let settings: TopicSettings
    private let stop: StopSignal
    private let logger: Logger
    private let known = Mutex<Set<String>>([])
    private let compaction = Mutex<[String: Bool]>([:])

    package init(admin: KafkaAdmin, settings: TopicSettings, stop: StopSignal, logger: Logger) {
        self.admin = admin
        self.settings = settings
        self.stop = stop
        self.logger = logger
    }

    /// - Parameters:
    ///   - partitions: overrides the configured number, for a topic that is read here, too.
    ///   - config: settings over the configured ones, for example `cleanup.policy`.
    /// - Throws: ``KafkaError`` when it cannot be created, ``MissingTopic`` when it may not be.
    package func ensure(_ topic: String, partitions: Int? = nil, config: [String: String] = [:], timeout: Duration) throws {
        guard !known.withLock({ $0.contains(topic) }) else { return }
        if !(try exists(topic, timeout: timeout)) { try create(topic, partitions: partitions, config: config, timeout: timeout) }
        _ = known.withLock { $0.insert(topic) }
    }

    /// Whether the cluster says that there is no such topic.
    package func isGone(_ topic: String) -> Bool {
        do {
            return try admin.topic(topic, timeout: .seconds(5)) == nil
        } catch {
            return false
        }
    }

    /// What a topic of the bridge's own is made with that keeps the newest value of each key.
    package var configOfCompacted: [String: String] { CompactedTopic.config(under: settings) }

    /// Whether Kafka keeps only the newest record of a key; nil when the cluster does not say.
    package func isCompacted(_ topic: String) -> Bool? {
        let settings = try? admin.settings(ofTopic: topic, timeout: .seconds(2))
        return settings?["cleanup.policy"].map { $0.contains("compact") }
    }

    /// The same, asked once for each topic. One that nobody may see is taken to be as the bridge would create it.
    package func keepsOnlyNewest(_ topic: String) -> Bool {
        if let known = compaction.withLock({ $0[topic] }) { return known }
        let isCompacted = isCompacted(topic) ?? settings.config["cleanup.policy"]?.contains("compact") ?? false
        compaction.withLock { $0[topic] = isCompacted }
        return isCompacted
    }

    /// Looks again at the next ``ensure(_:partitions:config:timeout:)``: after an error that says that a topic is gone.
    package func forget() {
        known.withLock { $0.removeAll() }
        compaction.withLock { $0.removeAll() }
    }

    /// Where topics may not be created, a missing one halts a stream; so a broker that has just started, and does not
    /// know its topics yet, is asked again.
    private func exists(_ topic: String, timeout: Duration) throws -> Bool {
        var backoff = Backoff(initial: .milliseconds(200), cap: .seconds(1))
        for _ in 0..<(settings.create ? 1 : 4) {
            if try admin.topic(topic, within: timeout, stop: stop) != nil { return true }
            if !settings.create, stop.wait(for: backoff.next()) { throw Stopped() }
        }
        return false
    }

    private func create(_ topic: String, partitions: Int?, config: [String: String], timeout: Duration) throws {
        guard settings.create else {
            throw MissingTopic(topic: topic, partitions: partitions, config: config, reason: "topics.create is false")
        }
        let creation = try admin.create(
            topic: topic, partitions: partitions ?? settings.partitions, replicationFactor: settings.replicationFactor,
            config: settings.config.merging(config) { $1 }, timeout: timeout
        )
        switch creation {
        case .created:
            logger.info("created topic \(topic)", metadata: ["partitions": "\(partitions ?? settings.partitions)"])
            // A topic that is only produced to needs no waiting: the producer waits for its leaders by itself.
            if let partitions { try awaitLeaders(of: topic, partitions: partitions, timeout: timeout) }
        case .existed: break
        case .unsupported:
            throw MissingTopic(
                topic: topic, partitions: partitions, config: config, reason: "this cluster cannot create topics through the admin API")
        }
    }
}

extension TopicCatalog {
    /// A new topic's partitions have leaders a moment after the controller has confirmed it; until then each broker's
    /// answer may differ.
    private func awaitLeaders(of topic: String, partitions: Int, timeout: Duration) throws {
        let deadline = ContinuousClock.now + timeout
        var backoff = Backoff(initial: .milliseconds(10), cap: .milliseconds(500))
        for partition in 0..<Int32(partitions) {
            while let error = unreadiness(of: topic, partition: partition, timeout: timeout) {
                guard error.isLeadership, .now < deadline else { throw error }
                if stop.wait(for: backoff.next()) { throw Stopped() }
            }
        }
    }

    private func unreadiness(of topic: String, partition: Int32, timeout: Duration) -> KafkaError? {
        do {
            _ = try admin.watermarks(topic: topic, partition: partition, timeout: timeout)
            return nil
        } catch {
            return error
        }
    }
}
