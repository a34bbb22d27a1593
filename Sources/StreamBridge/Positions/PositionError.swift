/// Why a stored position cannot be used.
enum PositionError: Error, Equatable, CustomStringConvertible {
    case unreadable(String)
    /// The token was given by another replica set.
    case otherReplicaSet(stored: String, connected: String)
    /// A token that is older than the one stored before it.
    case backwards(stored: String, offered: String)

    /// What to do about it. Nothing is proposed that leaves events out without a word.
    func remedy(stream: String, bridge: String) -> String {
        switch self {
        case .unreadable:
            "Something else wrote it, or it is damaged. `bridge tail bridge.\(bridge).positions --from beginning` may still have the one before, or take the "
                + "last record that was published: `bridge positions set \(stream) TOKEN`, or TOPIC/PARTITION/OFFSET. With `oldest` everything that the "
                + "oplog has is published again"
        case .otherReplicaSet:
            "Check that mongodb.uri names the deployment that this bridge has always read. If it is another one on purpose: `bridge positions set \(stream) "
                + "PLACE`, or `bridge positions reset \(stream)` to begin at startAt"
        case .backwards: "This is a fault of the bridge; please report it"
        }
    }

    var description: String {
        switch self {
        case .unreadable(let reason): "the stored position cannot be read: \(reason)"
        case .otherReplicaSet(let stored, let connected):
            "the stored position belongs to replica set \(stored), but this is \(connected)"
        case .backwards(let stored, let offered):
            "refused to store a position that goes backwards: \(offered) after \(stored)"
        }
    }
}
