import Mongo

/// A place in the change stream where documents can be read: as they are after every event before it, and before every
/// event behind it.
struct SnapshotPoint: Sendable, Equatable {
    /// The stream's position there.
    let token: ResumeToken
    /// What the documents are read as of (`atClusterTime`).
    let time: BSONTimestamp
}

/// Reads documents beside a change stream.
protocol SnapshotMarking: AnyObject, Sendable {
    /// Takes note that the stream is at a point, behind a batch that goes to the publisher next. On the reader's
    /// thread; does not block.
    ///
    /// - Returns: the number of the mark, if documents are to be read there; the publisher publishes them behind the
    ///   batch.
    func mark(at point: SnapshotPoint) -> Int?

    /// The longest that a getMore may wait for events; nil for the stream's own time. While documents are to be read,
    /// an idle stream has to come to the next point soon.
    var maxAwait: Duration? { get }
}

extension ChangeStreamReader.Batch {
    /// More seconds than this behind the deployment's newest cluster time, a stream has no time for documents.
    static let maxLag: UInt32 = 1

    /// It ends neither within a MongoDB transaction nor within a large event, as far as is known: a stream that was
    /// just opened says nothing of that.
    var isBetweenTransactions: Bool { openTransaction == nil && events.map { !$0.endsAmidEvent } ?? false }

    /// Where documents can be read behind this batch; nil within a transaction or a large event, for a stream that
    /// lags, and where the server has more events at hand, which go first.
    ///
    /// The token of a high-water mark stands before the events of its time, so the documents are those of one tick
    /// before. The token of an event stands behind it. It names the last event of its time only if the server gave what
    /// it had: one entry of the oplog may have several events (a transaction; inserts that a server of version 8
    /// groups). On a sharded cluster other shards may have events of the same time, so an event's token is no such
    /// place.
    func snapshotPoint(isSharded: Bool) -> SnapshotPoint? {
        guard let events, let token, let time = token.clusterTime, !isFull, isBetweenTransactions else {
            return nil
        }
        if let newest = events.clusterTime, newest.seconds > time.seconds, newest.seconds - time.seconds > Self.maxLag { return nil }
        if token.isHighWaterMark { return SnapshotPoint(token: token, time: BSONTimestamp(packed: time.packed - 1)) }
        return isSharded ? nil : SnapshotPoint(token: token, time: time)
    }
}
