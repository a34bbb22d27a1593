import Mongo

/// A stream's stored position, for people.
package struct StoredPositionEntry: Sendable, Encodable {
    package let stream: String
    /// Nil when there is none, or none that can be read.
    package var token: String?
    package var clusterTime: String?
    /// How far behind now the position's time is, in seconds.
    package var age: Int64?
    package var events: Int64?
    package var writer: String?
    package var writtenAt: String?
    /// Why the stored value is none.
    package var problem: String?
    /// For people.
    package var readableTime: String?

    private enum CodingKeys: CodingKey { case stream, token, clusterTime, age, events, writer, writtenAt, problem }

    /// - Parameters:
    ///   - value: of the record in the positions topic; nil for none.
    ///   - now: milliseconds since 1970.
    init(stream: String, value: [UInt8]?, now: Int64) {
        self.stream = stream
        guard let value else { return }
        do throws(PositionError) {
            let stored = try StoredPosition(json: value)
            let time = stored.position.token.clusterTime
            token = stored.position.token.text
            clusterTime = time.map { "\($0)" }
            readableTime = time?.readable
            age = time.map { max(0, now / 1000 - Int64($0.seconds)) }
            events = stored.position.events
            writer = stored.writer
            writtenAt = StoredPosition.iso8601(milliseconds: stored.writtenAt)
        } catch {
            problem = "\(error)"
        }
    }
}

/// One stream's position beside what the oplog has.
package struct StoredPositionDetails: Sendable, Encodable {
    package let position: StoredPositionEntry
    package var oldest: String?
    package var newest: String?
    /// The same for people.
    package var readableWindow: (oldest: String, newest: String)?
    /// Seconds between the oplog's oldest entry and the position: so much is left before it is lost. Negative when it is.
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
