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
}
