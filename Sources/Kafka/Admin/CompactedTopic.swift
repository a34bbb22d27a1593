/// How the bridge makes a topic of its own that keeps the newest value of each key, and what it says about one that was
/// made otherwise.
///
/// Such a topic is read from its beginning whenever the bridge starts. Kafka never compacts the segment that is written
/// to, by default up to 1 GiB; and it keeps the markers that end transactions for `delete.retention.ms`, a day by
/// default, a hundred a second under load.
package enum CompactedTopic {
    private static let policy = "cleanup.policy"

    /// What matters most about the size, with the values that a topic is made with. Kafka 0.11 and later knows them;
    /// Kafka 4 takes no segments below 1 MiB.
    private static let tuning = [
        "segment.bytes": "\(4 << 20)", "min.cleanable.dirty.ratio": "0.1",
        // Longer than any reading takes: a reader of an older value has to see that it was removed.
        "delete.retention.ms": "600000",
    ]

    /// The settings of a new topic. What the configuration says about all topics goes before the tuning.
    package static func config(under settings: TopicSettings) -> [String: String] {
        tuning.filter { settings.config[$0.key] == nil }.merging([policy: "compact"]) { $1 }
    }

    /// A setting that is not as it should be.
    package struct Complaint {
        /// Without compaction its values go; without the tuning starts are slow.
        package let losesValues: Bool
        package let text: String
        package let remedy: String
    }

    /// What is wrong with a topic.
    ///
    /// - Parameter found: its settings, as the cluster tells them.
    package static func complaint(about topic: String, found: [String: String], configuration: TopicSettings, kafka: KafkaSettings)
        -> Complaint?
    {
        func remedy(_ settings: [String: String]) -> String {
            let list = settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
            return "kafka-configs --bootstrap-server \(kafka.servers) --alter --topic \(topic) --add-config \(list)"
        }
        let coarse = tuning.filter { name, value in
            // Up to eight times as much is what somebody may have chosen.
            guard configuration.config[name] == nil, let found = found[name].flatMap(Double.init), let wanted = Double(value) else {
                return false
            }
            return found > 8 * wanted
        }
        if let found = found[policy], found != "compact" {
            return Complaint(
                losesValues: true, text: "has cleanup.policy=\(found), so what it keeps is deleted after a while",
                remedy: remedy(coarse.merging([policy: "compact"]) { $1 }))
        }
        guard !coarse.isEmpty else { return nil }
        let names = coarse.keys.sorted().map { "\($0)=\(found[$0] ?? "")" }.joined(separator: ", ")
        return Complaint(
            losesValues: false, text: "has \(names): Kafka compacts it late, and every start reads all of it", remedy: remedy(coarse))
    }
}
