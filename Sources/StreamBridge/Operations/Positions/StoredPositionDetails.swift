import Mongo

/// One stream's position beside what the oplog has.
package struct StoredPositionDetails: Sendable, Encodable {
    package let position: StoredPositionEntry
    package var oldest: String?
    package var newest: String?
    /// The same for people.
    package var readableWindow: (oldest: String, newest: String)?
    /// Seconds between the oplog's oldest entry and the position: so much is left before it is lost. Negative when it
    /// is.
    package var left: Int64?
    /// Why the oplog's window is not known.
    package var unknown: String?

    private enum CodingKeys: CodingKey { case position, oldest, newest, left, unknown }

    init(_ position: StoredPositionEntry, clusterTime: BSONTimestamp?, oplog: Result<OplogWindow, any Error>) {
        self.position = position
        switch oplog {
        case .success(let window):
            oldest = "\(window.oldest)"
            newest = "\(window.newest)"
            readableWindow = (window.oldest.readable, window.newest.readable)
            left = clusterTime.map { Int64($0.seconds) - Int64(window.oldest.seconds) }
        case .failure(let error): unknown = "\(error)"
        }
    }
}
