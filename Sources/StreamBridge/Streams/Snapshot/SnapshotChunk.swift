import Mongo

/// Documents that were read for a snapshot: those of one reply of the server, in the order of their `_id`.
struct SnapshotChunk: Sendable {
    enum Closing: Sendable {
        /// These are the collection's last ones.
        case done
        /// The collection is not there any more.
        case ended
    }

    /// What they were read as of.
    let point: SnapshotPoint
    /// Of which collection: its index among the snapshot's parts.
    let part: Int
    /// Nil without documents.
    var reply: BSONReply?
    /// In the bytes of the reply.
    var documents: [Range<Int>] = []
    /// The server has made events of them, and applied the pipeline to those.
    var areEvents = false
    /// The last document of what was read, whether it is among these or was left out; nil when nothing was read.
    var end: DocumentID?
    var closing: Closing?

    var byteCount: Int { documents.reduce(0) { $0 + $1.count } }
}
