import Mongo
import Runtime

/// What a replay of a stream is, and how far it has come: the value of its record in the topic `bridge.<name>.replays`.
///
/// It has the fields of a stored position, whose `events` count those of this replay, and besides them what the replay
/// was asked for.
struct StreamReplayRecord: Sendable {
    let id: String
    let from: EventRange.Place
    let to: EventRange.Place
    /// Stages after those of the stream, as an Extended JSON array.
    let filter: String?
    /// A template; nil for the stream's own.
    let topic: String?
    /// `user@host`
    let by: String
    /// Milliseconds since 1970.
    let startedAt: Int64
    var state = ReplayState.running
    var stored: StoredPosition

    /// - Throws: ``PositionError``.
    init(_ document: BSONDocument) throws(PositionError) {
        stored = try StoredPosition(document)
        guard let id = document["id"]?.stringValue, let from = document["from"]?.stringValue.flatMap(EventRange.Place.init),
            let to = document["to"]?.stringValue.flatMap(EventRange.Place.init),
            let state = document["state"]?.stringValue.flatMap(ReplayState.init(rawValue:))
        else { throw .unreadable("it is no record of a replay") }
        self.id = id
        self.from = from
        self.to = to
        self.state = state
        filter = document["filter"]?.stringValue
        topic = document["topic"]?.stringValue
        by = document["by"]?.stringValue ?? ""
        startedAt = document["startedAt"]?.stringValue.flatMap(StoredPosition.milliseconds(fromISO8601:)) ?? 0
    }

    init(id: String, range: EventRange, filter: String?, topic: String?, by: String, startedAt: Int64, stored: StoredPosition) {
        self.id = id
        from = range.from
        to = range.to
        self.filter = filter
        self.topic = topic
        self.by = by
        self.startedAt = startedAt
        self.stored = stored
    }

    /// Whether both are of one replay, however far each has come.
    func isSameReplay(as other: StreamReplayRecord) -> Bool {
        (id, stored.stream, from.argument, to.argument) == (other.id, other.stored.stream, other.from.argument, other.to.argument)
            && (filter, topic, by, startedAt) == (other.filter, other.topic, other.by, other.startedAt)
    }

    /// One line of JSON.
    var json: [UInt8] {
        var document = stored.document
        for (name, value) in [
            ("id", id), ("from", from.argument), ("to", to.argument), ("filter", filter), ("topic", topic), ("by", by),
            ("startedAt", StoredPosition.iso8601(milliseconds: startedAt)), ("state", state.rawValue),
        ] { document.append(name, value.map { .string($0) } ?? .null) }
        return document.jsonLine
    }
}
