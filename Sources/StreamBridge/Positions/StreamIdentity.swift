import Runtime

/// Makes the record that keeps a position.
protocol PositionKeeping {
    /// Of the record.
    var key: String { get }
    /// The value of the record.
    func record(of position: StreamPosition) -> [UInt8]
}

/// What a stored position says besides the position itself.
struct StreamIdentity: PositionKeeping {
    var stream: String
    var options: String
    var replicaSet: String?
    var writer: String

    var key: String { stream }

    /// The value of the positions topic's record.
    func record(of position: StreamPosition) -> [UInt8] {
        StoredPosition(
            stream: stream, position: position, options: options, replicaSet: replicaSet, writer: writer,
            writtenAt: WallClock.milliseconds()
        ).json
    }
}
