/// What the story of the fruit wrote, and what arrived of it.
struct FruitCount: Sendable, Equatable {
    /// Writes that MongoDB acknowledged: each is one change event.
    var writes = 0
    /// Records of the inventory's topic.
    var records = 0
    /// Tokens of the events among them: a repeated event has the same one.
    var events: Set<String> = []
    /// Sales that left fewer than 20.
    var lowStock = 0
    var alerts = 0

    var missing: Int { max(0, writes - events.count) + max(0, lowStock - alerts) }
    var repeated: Int { records - events.count + max(0, alerts - lowStock) }
}

extension FruitCount: CustomStringConvertible {
    var description: String {
        "\(writes) writes in MongoDB, \(events.count) events in Kafka; \(lowStock) sales below 20, \(alerts) alerts"
    }
}
