import Mongo

/// A place in a change stream: everything up to this resume token has been dealt with.
struct StreamPosition: Sendable, Equatable {
    var token: ResumeToken
    /// Milliseconds since 1970 of the last event before it, when the server gave it.
    var wallTime: Int64?
    /// Events published so far over the life of the stream's position.
    var events: Int64
    /// The place of the last event before it, when more events of the same MongoDB transaction may follow.
    var transaction: TransactionPlace?
    /// Of the snapshot that runs beside the stream; nil when none does.
    var snapshot: SnapshotProgress?

    /// An idle stream stores its post-batch token this often (contract: at least every 10 s), so that it does not age
    /// out of the oplog.
    static let idleStoreInterval: Duration = .seconds(5)

    /// KeyStrings compare like their hexadecimal text: a token that is older than the stored one means that something
    /// is badly wrong.
    func refuse(before stored: StreamPosition?) throws(PositionError) {
        if let stored = stored?.token.data, let offered = token.data, offered < stored {
            throw .backwards(stored: stored, offered: offered)
        }
    }
}
