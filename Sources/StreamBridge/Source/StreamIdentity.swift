/// What a stored position says besides the position itself.
struct StreamIdentity {
    var stream: String
    var options: String
    var replicaSet: String?
    var writer: String

    /// The value of the positions topic's record.
    func record(of position: StreamPosition) -> [UInt8] {
        StoredPosition(
            stream: stream, position: position, options: options, replicaSet: replicaSet, writer: writer,
            writtenAt: WallClock.milliseconds()
        ).json
    }
}
