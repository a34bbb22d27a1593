import Mongo

/// Encodes, routes and publishes the events of what the reader handed over, in order, then seals its position.
struct EventPump: ~Copyable {
    private let publisher: any RecordPublisher
    private let encoder: EventEncoder
    private var router: TopicRouter
    private let format: RecordFormat
    private var records = RecordBatch()
    /// Events published over the life of the position.
    private var events: Int64
    private var wallTime: Int64?

    /// - Parameter open: ensures that a topic exists and makes its handle.
    init(settings: StreamSettings, publisher: any RecordPublisher, events: Int64, open: @escaping (String) throws -> KafkaTopic) {
        self.publisher = publisher
        self.events = events
        format = settings.format
        encoder = EventEncoder(settings)
        router = TopicRouter(settings, open: open)
    }

    mutating func publish(_ batch: ChangeStreamReader.Batch) throws {
        try batch.events?.withEvents { bytes, events in
            var events = events
            // The last event whose records were all taken over: where a restart begins when a later one is refused.
            var done: Int?
            do {
                while let element = try events.next(in: bytes) {
                    try encode(eventAt: element.value.lowerBound, of: bytes)
                    if records.isFull { try flush(of: bytes, done: &done) }
                }
                try flush(of: bytes, done: &done)
            } catch {
                if !(error is RecordRefused) { try flush(of: bytes, done: &done) }
                if let done, let token = try ChangeEvent(of: bytes, at: done).resumeToken(in: bytes) { try publisher.seal(position(at: token)) }
                throw error
            }
        }
        if let token = batch.token { try publisher.seal(position(at: token)) }
    }

    private mutating func encode(eventAt offset: Int, of bytes: RawSpan) throws {
        let event = try ChangeEvent(of: bytes, at: offset)
        let route = try router.route(of: event, in: bytes)
        do {
            try encoder.encode(event, of: bytes, route: route, into: &records)
        } catch {
            throw unencodable(event, of: bytes, because: error)
        }
        events += 1
        if let time = event.wallTime { wallTime = time }
    }

    private mutating func flush(of bytes: RawSpan, done: inout Int?) throws {
        guard let last = records.records.last else { return }
        do {
            try publisher.publish(records, to: router.topics)
            done = last.event
            records.removeAll()
        } catch let refused as RecordRefused {
            if let index = refused.index {
                // An event with two records is done when both are, so the refused one's event is not.
                let event = records.records[index].event
                done = records.records[..<index].last { $0.event != event }?.event ?? done
                events -= Int64(Set(records.records[index...].map(\.event)).count)
            }
            records.removeAll()
            throw refused
        }
    }

    private func position(at token: ResumeToken) -> StreamPosition {
        StreamPosition(token: token, wallTime: wallTime, events: events)
    }

    /// Refused rather than skipped or mended: whichever bytes were replaced, somebody would miss them.
    private func unencodable(_ event: ChangeEvent, of bytes: RawSpan, because error: BSONError) -> StreamHalt {
        let token = (try? event.resumeToken(in: bytes))??.data ?? "unknown"
        return StreamHalt(
            reason: "the event with token \(token) cannot be written as \(format): \(error)",
            mend: "Mend the document in MongoDB and leave this event out with a $match stage, or publish with format: bson, which passes "
                + "the bytes on as they are",
            status: .configuration
        )
    }
}
