/// The topics that belong to a bridge itself. Their names begin with `bridge.<name>.`, and no event may go there.
enum InternalTopics {
    /// Empty, with one partition: the process that the group of a stream gives it to leads the stream.
    static func control(of bridge: String) -> String { "bridge.\(bridge).control" }

    /// Compacted: the newest position of each stream.
    static func positions(of bridge: String) -> String { "bridge.\(bridge).positions" }

    /// What people changed about positions.
    static func positionEdits(of bridge: String) -> String { "bridge.\(bridge).position-edits" }

    /// What streams left out.
    static func gaps(of bridge: String) -> String { "bridge.\(bridge).gaps" }

    /// Compacted: how far each replay is.
    static func replays(of bridge: String) -> String { "bridge.\(bridge).replays" }

    /// Compacted: what each snapshot copies, and what of it is done.
    static func snapshots(of bridge: String) -> String { "bridge.\(bridge).snapshots" }

    static func names(of bridge: String) -> [String] {
        [
            control(of: bridge), positions(of: bridge), positionEdits(of: bridge), gaps(of: bridge), replays(of: bridge),
            snapshots(of: bridge),
        ]
    }

    /// A topic that the bridge needs in any case, to ask Kafka about.
    static func any(of configuration: BridgeConfiguration) -> String {
        configuration.streams.isEmpty
            ? configuration.dispatchers.first?.commands ?? positions(of: configuration.name) : control(of: configuration.name)
    }
}
