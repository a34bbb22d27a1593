/// What the story of the fruit wrote, and what arrived of it.
struct FruitCount: Sendable, Equatable {
    /// Documents that were there before the stream began, and records of them.
    var documents = 0
    var copies = 0
    /// Writes that MongoDB acknowledged since: each is one change event.
    var writes = 0
    /// Records of events in the inventory's topic.
    var records = 0
    /// Tokens of the events among them: a repeated event has the same one.
    var events: Set<String> = []
    /// Sales that left fewer than 20.
    var lowStock = 0
    var alerts = 0

    var missing: Int { max(0, documents - copies) + max(0, writes - events.count) + max(0, lowStock - alerts) }
    var repeated: Int { max(0, copies - documents) + records - events.count + max(0, alerts - lowStock) }
}

extension FruitCount: CustomStringConvertible {
    var description: String {
        "\(documents) documents that were there, \(copies) copied; \(writes) writes in MongoDB, \(events.count) events in Kafka; \(lowStock) sales below 20, \(alerts) alerts"
    }
}
