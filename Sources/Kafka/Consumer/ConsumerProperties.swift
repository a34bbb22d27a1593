import Runtime

/// A group member's librdkafka properties: what a dispatcher needs, under what the configuration says.
package enum ConsumerProperties {
    /// Of a dispatcher.
    ///
    /// - Parameter queueBytes: what may lie fetched and untouched in each queue.
    package static func make(_ settings: KafkaSettings, group: String, queueBytes: Int) -> [String: String] {
        var properties = membership(settings, group: group)
        let fetching = [
            "queued.min.messages": "20000",
            "queued.max.messages.kbytes": String(max(1024, queueBytes >> 10)),
            "fetch.error.backoff.ms": "100",
        ]
        properties.merge(fetching) { given, _ in given }
        properties["enable.partition.eof"] = "false"
        properties["isolation.level"] = "read_committed"
        // Partitions that stay with a member continue while others move.
        properties["partition.assignment.strategy"] = "cooperative-sticky"
        return properties
    }

    /// Of a stream, which is a member of a group only to learn who leads.
    ///
    /// - Parameter rank: the assignor gives the partition to the first of the members' ids, which begin with the
    ///   client's. The client's ends with the name of the process, so that others can tell whether it still runs
    ///   (``instance(ofClient:)``).
    package static func leadership(_ settings: KafkaSettings, group: String, rank: String) -> [String: String] {
        var properties = membership(settings, group: group)
        let given = (settings.consumer["client.id"] ?? settings.common["client.id"]).map { "\($0)@" } ?? ""
        properties["client.id"] = "\(rank).\(given)\(Instance.name)"
        properties["partition.assignment.strategy"] = "range"
        return properties
    }

    /// The process that a member of a stream's group belongs to, from its client id.
    package static func instance(ofClient id: String) -> String {
        let name = id.drop { $0 != "." }.dropFirst()
        return String(name.lastIndex(of: "@").map { name[name.index(after: $0)...] } ?? name)
    }

    /// How long the group keeps a member that it does not hear of.
    package static func sessionTimeout(_ properties: [String: String]) -> Duration {
        .milliseconds(properties["session.timeout.ms"].flatMap { Int32($0) } ?? 10_000)
    }

    private static func membership(_ settings: KafkaSettings, group: String) -> [String: String] {
        var properties = [
            // A member that died is replaced after so long.
            "session.timeout.ms": "10000",
            // Also how soon a member notices that others come or go: what stops while partitions move.
            "heartbeat.interval.ms": "300",
            "socket.nagle.disable": "true",
        ]
        properties.merge(settings.common.merging(settings.consumer) { $1 }) { $1 }
        properties["group.id"] = group
        properties["enable.auto.commit"] = "false"
        properties["enable.auto.offset.store"] = "false"
        // The offset to start at is always given. One that is gone is an error, never a jump.
        properties["auto.offset.reset"] = "error"
        return properties
    }
}
