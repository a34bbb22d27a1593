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
