import Mongo

/// Encodes, routes and publishes the events of a batch, one after another, then seals the batch's position.
///
/// Generic over the publisher, so that nothing per event goes through an existential.
struct EventPump<Publisher: RecordPublisher>: ~Copyable {
    private let publisher: Publisher
    private let encoder: EventEncoder
    private var router: TopicRouter
    private let settings: StreamSettings
    private var record = RecordBuffer()
    /// Events published over the life of the position.
    private var events: Int64
    private var wallTime: Int64?

    init(settings: StreamSettings, publisher: Publisher, events: Int64, open: @escaping (String) throws -> KafkaTopic) {
        self.settings = settings
        self.publisher = publisher
        self.events = events
        encoder = EventEncoder(settings)
        router = TopicRouter(settings, open: open)
    }

    mutating func publish(_ batch: ChangeStreamReader.Batch) throws {
        if let events = batch.events {
            var previous: ChangeEvent?
            try events.forEachEvent { bytes, offset in
                do {
                    let event = try ChangeEvent(of: bytes, at: offset)
                    try publish(event, of: bytes)
                    previous = event
                } catch {
                    // The events before this one are covered by the last one's token, so that a restart begins at this one.
                    if let token = try previous?.resumeToken(in: bytes) { try publisher.seal(position(at: token)) }
                    throw error
                }
            }
        }
        if let token = batch.token { try publisher.seal(position(at: token)) }
    }

    private mutating func publish(_ event: ChangeEvent, of bytes: RawSpan) throws {
        do {
            try encoder.encode(event, of: bytes, into: &record)
        } catch {
            throw unencodable(event, of: bytes, because: error)
        }
        let topic = try router.topic(of: event, in: bytes)
        if !event.isDelete || !settings.tombstones {
            try publisher.publish(record, value: .encoded, to: topic)
        } else {
            if settings.content == .event { try publisher.publish(record, value: .encoded, to: topic) }
            try publisher.publish(record, value: .tombstone, to: topic)
        }
        events += 1
        if let time = event.wallTime { wallTime = time }
    }

    private func position(at token: ResumeToken) -> StreamPosition {
        StreamPosition(token: token, wallTime: wallTime, events: events)
    }

    /// Refused rather than skipped or mended: whichever bytes were replaced, somebody would miss them.
    private func unencodable(_ event: ChangeEvent, of bytes: RawSpan, because error: BSONError) -> StreamHalt {
        let token = (try? event.resumeToken(in: bytes))??.data ?? "unknown"
        return StreamHalt(
            reason: "the event with token \(token) cannot be written as \(settings.format): \(error)",
            mend: "Mend the document in MongoDB and leave this event out with a $match stage, or publish with format: bson, which passes "
                + "the bytes on as they are",
            status: .configuration
        )
    }
}
