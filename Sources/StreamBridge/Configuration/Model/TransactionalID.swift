import Kafka

/// The transactional ids of a bridge.
extension ProducerProperties.Transactional {
    /// One for each stream, so that the next leader fences its predecessor.
    static func stream(_ name: String, of bridge: String) -> Self { .init(id: GroupName.of(name, of: bridge), timeout: 60_000) }

    /// One for each replay, so that it can continue while its stream runs.
    ///
    /// The `/` at the end tells it from the id of a stream of a bridge that is called `<name>.replay`. Those of
    /// dispatchers have two.
    static func replay(_ id: String, of bridge: String) -> Self {
        .init(id: "\(GroupName.of(id, of: "\(bridge).replay"))/", timeout: 60_000)
    }

    /// What the ids of all replays begin with.
    static func replayPrefix(of bridge: String) -> String { "bridge.\(bridge).replay." }

    /// One for each member: the group's generation fences. Until a dead member's open transaction has timed out, nobody
    /// gets the offsets of its partitions.
    static func dispatcher(_ name: String, of bridge: String, instance: String) -> Self {
        .init(id: "\(GroupName.of(name, of: bridge)).\(instance)", timeout: 10_000)
    }
}
