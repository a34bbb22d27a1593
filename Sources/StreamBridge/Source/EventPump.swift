import Mongo

/// Encodes, routes and publishes the events of what the reader handed over, in order, then seals its position.
struct EventPump: ~Copyable {
    private let publisher: any RecordPublisher
    private let encoder: EventEncoder
    private var router: TopicRouter
    private let format: RecordFormat
    private var lookup: DocumentLookup?
    private var records = RecordBatch()
    /// Events published over the life of the position.
    private var events: Int64
    private var wallTime: Int64?

    /// - Parameters:
    ///   - lookup: for `fullDocument: batchedLookup`.
    ///   - stored: the position that the session begins at.
    ///   - open: ensures that a topic exists and makes its handle.
    init(
        settings: StreamSettings, publisher: any RecordPublisher, lookup: DocumentLookup?, after stored: StreamPosition?,
        open: @escaping (String) throws -> KafkaTopic
    ) {
        self.publisher = publisher
        self.lookup = lookup
        events = stored?.events ?? 0
        wallTime = stored?.wallTime
        format = settings.format
        encoder = EventEncoder(settings)
        router = TopicRouter(settings, open: open)
    }

    mutating func publish(_ batch: ChangeStreamReader.Batch) throws {
        try batch.events?.withEvents { bytes, events in
            // Looked up for so many more events.
            var documents = LookedUpDocuments()
            var covered = 0
            // An event with its looked-up document.
            var spliced = OutputBuffer(capacity: 4 << 10)
            var events = events
            // The last event whose records were all taken over: where a restart begins when a later one is refused.
            var done: Int?
            do {
                while true {
                    if lookup != nil, covered == 0, let slice = try lookup?.documents(of: events, in: bytes) {
                        (documents, covered) = (slice.documents, slice.events)
                    }
                    guard let element = try events.next(in: bytes) else { break }
                    covered -= 1
                    let event = try ChangeEvent(of: bytes, at: element.value.lowerBound)
                    if lookup != nil, try documents.splice(event, of: bytes, into: &spliced) {
                        try spliced.withUnsafeBytes { buffer throws in
                            try encode(ChangeEvent(of: buffer.bytes, at: 0), of: buffer.bytes, origin: event.start)
                        }
                    } else {
                        try encode(event, of: bytes, origin: event.start)
                    }
                    if records.isFull { try flush(of: bytes, done: &done) }
                }
                try flush(of: bytes, done: &done)
            } catch {
                if !(error is RecordRefused) { try flush(of: bytes, done: &done) }
                if let done {
                    let event = try ChangeEvent(of: bytes, at: done)
                    // Later events were encoded, too, but this position is before them.
                    wallTime = event.wallTime ?? wallTime
                    if let token = try event.resumeToken(in: bytes) { try publisher.seal(position(at: token)) }
                }
                throw error
            }
        }
        if let token = batch.token { try publisher.seal(position(at: token)) }
    }

    /// - Parameter origin: where the event is in the batch that it was read from.
    private mutating func encode(_ event: ChangeEvent, of bytes: RawSpan, origin: Int) throws {
        let route = try router.route(of: event, in: bytes)
        do {
            try encoder.encode(event, of: bytes, route: route, origin: origin, into: &records)
        } catch {
            throw unencodable(event, of: bytes, because: error)
        }
        events += 1
        if let time = event.wallTime { wallTime = time }
    }

    private mutating func flush(of bytes: RawSpan, done: inout Int?) throws {
        guard let last = records.records.last else { return }
        // However it ends: the publisher may have taken some of them, so they are not offered to it a second time.
        defer { records.removeAll() }
        do {
            try publisher.publish(records, to: router.topics)
            done = last.event
        } catch let refused as RecordRefused {
            if let index = refused.index {
                // An event with two records is done when both are, so the refused one's event is not.
                let event = records.records[index].event
                done = records.records[..<index].last { $0.event != event }?.event ?? done
                events -= Int64(Set(records.records[index...].map(\.event)).count)
            }
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
